"""The runbooks of alerts as web pages: what an alert means, what to check, whom to call.
Written as Markdown in monitoring/runbooks, Vietnamese first. Public: they hold no secret, and who
is called at night may not be logged in."""

from __future__ import annotations

import functools
import html
import re
from pathlib import Path
from typing import TYPE_CHECKING

from aiohttp import web

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

FOLDER = Path(__file__).parent.parent.parent / "monitoring" / "runbooks"
NAME = re.compile(r"[A-Za-z]{1,64}")
PAGE = """<!doctype html>
<html lang="vi">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>{title}</title>
  <link rel="icon" href="/web/common/icon.svg">
  <link rel="stylesheet" href="/web/common/page.css">
  <link rel="stylesheet" href="/web/common/runbook.css">
</head>
<body>
  <header><a class="button" href="/runbooks">Điểm Cầu: Runbooks</a></header>
  <main>
{body}
  </main>
</body>
</html>
"""


def _markdown() -> MarkdownIt:
    from markdown_it import MarkdownIt  # noqa: PLC0415 - with the first runbook, not at the start

    return MarkdownIt("commonmark", {"html": False})


@functools.cache
def titles() -> dict[str, tuple[str, str]]:
    """Names of all runbooks, with their titles in Vietnamese and English."""
    found: dict[str, tuple[str, str]] = {}
    for path in sorted(FOLDER.glob("*.md")):
        heads = re.findall(r"^# (.+)$", path.read_text("utf-8"), re.MULTILINE)
        found[path.stem] = (heads[0], heads[1])
    return found


@functools.cache
def page(name: str) -> str | None:
    """A runbook as HTML; None where there is none of that name."""
    if name not in titles():
        return None
    text = (FOLDER / f"{name}.md").read_text("utf-8")
    vietnamese, _, english = text.partition("\n# ")
    parts = [
        f'<article lang="{language}">\n{_markdown().render(part)}</article>'
        for language, part in (("vi", vietnamese), ("en", "# " + english))
    ]
    return PAGE.format(title=html.escape(titles()[name][0]), body="\n".join(parts))


@functools.cache
def index() -> str:
    """The list of all runbooks."""
    items = "\n".join(
        f'<li><a href="/runbooks/{name}">{html.escape(vi)}</a> '
        f'<span lang="en" class="muted">{html.escape(en)} ({name})</span></li>'
        for name, (vi, en) in titles().items()
    )
    body = f"<article><h1>Khi có cảnh báo</h1>\n<ul>\n{items}\n</ul></article>"
    return PAGE.format(title="Điểm Cầu: Runbooks", body=body)


async def show(request: web.Request) -> web.Response:
    """GET /runbooks and /runbooks/NAME."""
    name = request.match_info.get("name", "")
    found = page(name) if name and NAME.fullmatch(name) else index() if not name else None
    if found is None:
        raise web.HTTPNotFound
    return web.Response(text=found, content_type="text/html")
