"""Asking a directory who somebody is: OpenID Connect Core 1.0 with a code and PKCE (RFC 7636)."""

from __future__ import annotations

import asyncio
import hmac
import json
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
import msgspec

from bridge.accounts.auth import Denied
from bridge.accounts.passwords import new_token
from config.security_schema import Directory

TIMEOUT = 10.0  # seconds for an answer of the directory
MAX_ANSWER = 1 << 20  # octets
FRESH = 600.0  # seconds that its description and its keys are believed
PATIENCE = 30.0  # seconds between two looks at its keys because of an unknown one
LEEWAY = 60  # seconds that its clock may differ
AT_ONCE = 4  # questions
# No shared secret and no "none": a token is believed for the directory's signature only.
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"]
ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")


class Begun(msgspec.Struct, frozen=True, kw_only=True):
    """A login that was sent to the directory: what must come back with it. ``back`` is where the
    directory sends the browser, ``page`` where the person wants to go."""

    state: str
    nonce: str
    verifier: str
    back: str
    page: str


class OpenId:
    """A client of one directory. ``folder`` is what paths of the topology refer to; ``now`` is UTC
    seconds, ``monotonic`` for the age of what was read."""

    def __init__(
        self, folder: Path, now: Callable[[], float], monotonic: Callable[[], float]
    ) -> None:
        self._folder = folder
        self._now = now
        self._monotonic = monotonic
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._read: dict[str, tuple[float, dict[str, Any]]] = {}

    async def begin(self, directory: Directory, back: str, page: str) -> tuple[str, Begun]:
        """The address that the browser is sent to. Raises `Denied`."""
        # Imported when somebody comes: most bridges have no directory, and a start is to be short.
        from authlib.oauth2.rfc6749.parameters import prepare_grant_uri  # noqa: PLC0415
        from authlib.oauth2.rfc7636 import create_s256_code_challenge  # noqa: PLC0415

        begun = Begun(
            state=new_token(), nonce=new_token(), verifier=new_token() * 2, back=back, page=page
        )
        address: str = prepare_grant_uri(
            (await self._description(directory))["authorization_endpoint"],
            directory.client_id,
            "code",
            redirect_uri=back,
            scope=" ".join(directory.scopes),
            state=begun.state,
            nonce=begun.nonce,
            code_challenge=create_s256_code_challenge(begun.verifier),
            code_challenge_method="S256",
        )
        return address, begun

    async def finish(self, directory: Directory, begun: Begun, answer: dict[str, str]) -> Any:
        """The claims about who came back with this answer. Raises `Denied`."""
        if not hmac.compare_digest(answer.get("state", "").encode(), begun.state.encode()):
            raise Denied(400, "account.directory_stale")
        if answer.get("iss", directory.issuer) != directory.issuer:  # RFC 9207
            raise Denied(400, "account.directory_wrong")
        if "error" in answer or not answer.get("code"):
            raise Denied(403, "account.directory_refused")
        description = await self._description(directory)
        form = {
            "grant_type": "authorization_code",
            "code": answer["code"],
            "redirect_uri": begun.back,
            "code_verifier": begun.verifier,
        }
        secret = self._secret(directory)
        login = aiohttp.BasicAuth(directory.client_id, secret) if secret else None
        if not secret:
            form["client_id"] = directory.client_id
        tokens = await self._ask(directory, description["token_endpoint"], form, login=login)
        claims = await self._claims(directory, description, tokens, begun.nonce)
        needed = directory.role_claim.partition(".")[0]
        if needed not in claims and "userinfo_endpoint" in description:
            bearer = {"Authorization": f"Bearer {tokens.get('access_token', '')}"}
            more = await self._ask(directory, description["userinfo_endpoint"], headers=bearer)
            if more.get("sub") != claims["sub"]:  # section 5.3.2
                raise Denied(502, "account.directory_wrong")
            claims = {**more, **claims}
        return claims

    async def _claims(
        self, directory: Directory, description: Any, tokens: Any, nonce: str
    ) -> dict[str, Any]:
        """What the ID token says, checked (section 3.1.3.7)."""
        from authlib.oidc.core import CodeIDToken  # noqa: PLC0415
        from joserfc import jwt  # noqa: PLC0415
        from joserfc.errors import JoseError  # noqa: PLC0415
        from joserfc.jwk import KeySet  # noqa: PLC0415

        raw, found = str(tokens.get("id_token", "")), None
        for fresh in (FRESH, PATIENCE):  # again, where it was signed by a key that is new
            keys = await self._get(directory, description["jwks_uri"], fresh)
            try:
                found = jwt.decode(raw, KeySet.import_key_set(keys), algorithms=ALGORITHMS)  # type: ignore[arg-type]
                break
            except (JoseError, ValueError, KeyError, TypeError):
                continue
        if found is None:
            raise Denied(502, "account.directory_wrong")
        token = CodeIDToken(
            found.claims,
            found.header,
            {
                "iss": {"essential": True, "value": directory.issuer},
                "aud": {"essential": True, "value": directory.client_id},
                "sub": {"essential": True},
                "nonce": {"essential": True, "value": nonce},
            },
            {"nonce": nonce, "client_id": directory.client_id},
        )
        try:
            token.validate(int(self._now()), LEEWAY)
        except (JoseError, ValueError, TypeError):
            raise Denied(502, "account.directory_wrong") from None
        return dict(token)

    # --- what the directory says of itself ------------------------------------------------

    async def _description(self, directory: Directory) -> dict[str, Any]:
        address = directory.issuer.rstrip("/") + "/.well-known/openid-configuration"
        found = await self._get(directory, address, FRESH)
        fits = found.get("issuer") == directory.issuer
        if not fits or not all(isinstance(found.get(name), str) for name in ENDPOINTS):
            raise Denied(502, "account.directory_wrong")
        return found

    async def _get(self, directory: Directory, address: str, fresh: float) -> dict[str, Any]:
        at, found = self._read.get(address, (-fresh, {}))
        if not found or self._monotonic() - at >= fresh:
            found = await self._ask(directory, address)
            self._read[address] = (self._monotonic(), found)
        return found

    def _secret(self, directory: Directory) -> str:
        if directory.client_secret is None:
            return ""
        try:
            return (self._folder / directory.client_secret).read_text("utf-8").strip()
        except (OSError, ValueError):
            raise Denied(502, "account.directory_settings") from None

    async def _ask(
        self,
        directory: Directory,
        address: str,
        form: dict[str, str] | None = None,
        *,
        login: aiohttp.BasicAuth | None = None,
        headers: dict[str, str] | None = None,
    ) -> dict[str, Any]:
        """An answer in JSON: to a form where one is given."""
        connector = aiohttp.TCPConnector(ssl=self._tls(directory))
        async with (
            self._turns,
            aiohttp.ClientSession(
                connector=connector, timeout=aiohttp.ClientTimeout(total=TIMEOUT), auth=login
            ) as http,
        ):
            try:
                async with http.request(
                    "GET" if form is None else "POST",
                    address,
                    data=form,
                    headers=headers,
                    allow_redirects=False,
                ) as response:
                    body = b""
                    async for chunk in response.content.iter_chunked(1 << 16):
                        body += chunk
                        if len(body) > MAX_ANSWER:
                            raise Denied(502, "account.directory_wrong")
                    found = json.loads(body) if response.status == 200 else None
            except (aiohttp.ClientError, OSError, TimeoutError):
                raise Denied(502, "account.directory_away") from None
            except (ValueError, RecursionError):
                raise Denied(502, "account.directory_wrong") from None
        if not isinstance(found, dict):
            raise Denied(502, "account.directory_wrong")
        return found

    def _tls(self, directory: Directory) -> ssl.SSLContext | bool:
        if directory.authority is None:
            return True
        try:
            return ssl.create_default_context(cafile=str(self._folder / directory.authority))
        except OSError:
            raise Denied(502, "account.directory_settings") from None
