"""What pages may load and who may frame them. Pure."""

from __future__ import annotations

from bridge.server.guard.hosts import Fellows

NOBODY = "'none'"


def content_security_policy(fellows: Fellows, framed_by: str = NOBODY) -> str:
    """No page loads anything from elsewhere, and talks to the hosts of this bridge only.
    ``framed_by`` are the pages that may frame it, as sources."""
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        f"media-src 'self' blob: mediastream:; connect-src 'self'{fellows.sources}; "
        f"base-uri 'none'; form-action 'none'; frame-ancestors {framed_by}"
    )


def page_headers(fellows: Fellows) -> dict[str, str]:
    """What every answer of a host has."""
    return {
        "Content-Security-Policy": content_security_policy(fellows),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-cache",
    }
