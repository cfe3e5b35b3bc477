"""Accounts from a directory: a small one that can lie stands for it."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from joserfc import jwt
from joserfc.jwk import RSAKey

from bridge.accounts.directory_accounts import role_of
from config.security_schema import Directory, Security
from tests.control_support import PASSWORD, Bridge

KEY, STRANGE = RSAKey.generate_key(2048), RSAKey.generate_key(2048)
SIGN_IN = "/directory/login"


class Provider:
    """A directory with one person; ``claims`` and ``key`` are what its next token is made of."""

    def __init__(self, bridge: Bridge) -> None:
        self._bridge = bridge
        self.key = KEY
        self.claims: dict[str, Any] = {"groups": ["dieu-khien"]}
        self.asked: dict[str, str] = {}
        self.forms: list[dict[str, str]] = []
        self.status = 200
        app = web.Application()
        app.router.add_get("/.well-known/openid-configuration", self._description)
        app.router.add_get("/keys", self._keys)
        app.router.add_post("/token", self._token)
        app.router.add_get("/userinfo", self._userinfo)
        self.server = TestServer(app)

    @property
    def issuer(self) -> str:
        return str(self.server.make_url("")).rstrip("/")

    async def _description(self, _: web.Request) -> web.Response:
        return web.json_response(
            {
                "issuer": self.issuer,
                "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token",
                "jwks_uri": f"{self.issuer}/keys",
                "userinfo_endpoint": f"{self.issuer}/userinfo",
            }
        )

    async def _keys(self, _: web.Request) -> web.Response:
        return web.json_response({"keys": [KEY.as_dict(private=False)]})

    async def _token(self, request: web.Request) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()}
        self.forms.append(form)
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if challenge != self.asked["code_challenge"] or self.status != 200:
            return web.json_response({"error": "invalid_grant"}, status=400)
        claims = {
            "iss": self.issuer,
            "aud": "cau",
            "sub": "4711",
            "iat": int(self._bridge.wall),
            "exp": int(self._bridge.wall) + 300,
            "nonce": self.asked["nonce"],
            "preferred_username": "Lan@huyen",
            **self.claims,
        }
        claims = {name: value for name, value in claims.items() if value is not None}
        token = jwt.encode({"alg": "RS256"}, claims, self.key)
        return web.json_response({"id_token": token, "access_token": "a"})

    async def _userinfo(self, request: web.Request) -> web.Response:
        assert request.headers["Authorization"] == "Bearer a"
        return web.json_response({"sub": "4711", "groups": ["quan-tri"]})


@pytest.fixture
async def provider(bridge: Bridge) -> AsyncIterator[Provider]:
    made = Provider(bridge)
    async with made.server:
        configure(bridge, made)
        yield made


def configure(bridge: Bridge, provider: Provider | None, **changes: Any) -> None:
    """The topology with or without the directory, as after a reload."""
    directory = None
    if provider is not None:
        directory = {
            "issuer": provider.issuer,
            "client_id": "cau",
            "title": "Sở Nội vụ",
            "roles": {"admin": ["quan-tri"], "operator": ["dieu-khien"]},
            **changes,
        }
    current = bridge.control.topology.current
    security = Security.model_validate({"directory": directory})
    changed = current.bridge.model_copy(update={"security": security})
    bridge.control.swap_topology(current.model_copy(update={"bridge": changed}))


async def leave(bridge: Bridge, provider: Provider) -> str:
    """Go to the directory; the cookie of the login under way."""
    response = await bridge.client.get(f"/api/v1{SIGN_IN}?page=/admin", allow_redirects=False)
    assert response.status == 303
    where = urlsplit(response.headers["Location"])
    assert f"{where.scheme}://{where.netloc}{where.path}" == f"{provider.issuer}/authorize"
    provider.asked = {name: values[0] for name, values in parse_qs(where.query).items()}
    assert provider.asked["code_challenge_method"] == "S256"
    assert provider.asked["redirect_uri"].endswith("/api/v1/directory/return")
    cookie = response.cookies["directory"]
    assert (cookie["httponly"], cookie["samesite"]) == (True, "Lax")
    bridge.client.session.cookie_jar.clear()
    return cookie.value


async def come_back(bridge: Bridge, cookie: str, **answer: str) -> tuple[str, str]:
    """Come back; the address that the browser is sent to, and the login's token."""
    response = await bridge.client.get(
        "/api/v1/directory/return",
        params=answer,
        headers={"Cookie": f"directory={cookie}"},
        allow_redirects=False,
    )
    assert response.status == 303
    session = response.cookies.get("session")
    bridge.client.session.cookie_jar.clear()
    return response.headers["Location"], session.value if session is not None else ""


async def sign_in(bridge: Bridge, provider: Provider, **answer: str) -> tuple[str, str]:
    cookie = await leave(bridge, provider)
    answer = {"code": "c", "state": provider.asked["state"], **answer}
    return await come_back(bridge, cookie, **answer)


async def test_an_account_is_made_at_the_first_login_and_follows_the_directory(
    bridge: Bridge, provider: Provider
) -> None:
    title = await (await bridge.call("GET", "/directory")).json()
    assert title == {"title": "Sở Nội vụ"}
    where, token = await sign_in(bridge, provider)
    assert where == "/admin"
    me = await (await bridge.call("GET", "/me", token=token)).json()
    assert (me["user"], me["role"], me["must_change"]) == ("lan", "operator", False)
    login = {"name": "lan", "password": "nobody's"}
    assert (await bridge.call("POST", "/login", login)).status == 401
    assert (await bridge.call("POST", "/login", {**login, "password": ""})).status == 401
    provider.claims["groups"] = ["quan-tri", "dieu-khien"]
    _, second = await sign_in(bridge, provider)
    assert (await bridge.call("GET", "/users", token=second)).status == 200
    assert (await bridge.call("GET", "/me", token=token)).status == 401, "of the role before"
    provider.claims["groups"] = ["van-thu"]
    where, none = await sign_in(bridge, provider)
    assert (where, none) == ("/admin#directory=account.directory_no_role", "")
    assert (await bridge.call("GET", "/me", token=second)).status == 401
    audit = [
        (a.actor, a.action, a.target, a.outcome)
        for a in reversed(await bridge.process.accounts.audit(limit=None))
        if a.action in ("login", "user add", "user change", "directory login")
    ]
    assert audit == [
        ("directory", "user add", "lan", "operator"),
        ("user:lan", "login", "", "done"),
        ("user:lan", "login", "", "refused"),
        ("user:lan", "login", "", "refused"),
        ("directory", "user change", "lan", "admin"),
        ("user:lan", "login", "", "done"),
        ("user:lan", "directory login", "", "account.directory_no_role"),
    ]


async def test_a_login_ends_for_the_directory_to_be_asked_again(
    bridge: Bridge, provider: Provider
) -> None:
    _, token = await sign_in(bridge, provider)
    bridge.pass_time(11 * 3600)
    assert (await bridge.call("GET", "/me", token=token)).status == 200
    bridge.pass_time(3601)
    assert (await bridge.call("GET", "/me", token=token)).status == 401
    _, token = await sign_in(bridge, provider)
    configure(bridge, None)
    assert (await bridge.call("GET", "/me", token=token)).status == 401, "there is none any more"
    response = await bridge.client.get(f"/api/v1{SIGN_IN}", allow_redirects=False)
    assert response.headers["Location"] == "/console#directory=account.directory_none"


async def test_what_is_the_directorys_is_not_changed_here(
    bridge: Bridge, provider: Provider
) -> None:
    _, token = await sign_in(bridge, provider)
    body = {"old": "", "new": "another-battery-staple"}
    assert (await bridge.call("POST", "/password", body, token=token)).status == 409
    assert (await bridge.call("POST", "/factor", {"password": ""}, token=token)).status == 409
    for change in ({"reset": True}, {"role": "admin"}):
        assert (await bridge.call("PATCH", "/users/lan", change, role="admin")).status == 409
    response = await bridge.call("PATCH", "/users/lan", {"disabled": True}, role="admin")
    assert response.status == 200
    where, _ = await sign_in(bridge, provider)
    assert where.endswith("account.directory_disabled")


@pytest.mark.parametrize(
    ("claims", "key"),
    [
        ({"nonce": "another"}, ""),
        ({"nonce": None}, ""),
        ({"aud": "somebody-else"}, ""),
        ({"aud": ["cau", "other"], "azp": "other"}, ""),
        ({"iss": "https://elsewhere.example"}, ""),
        ({"exp": 1000}, ""),
        ({"sub": None}, ""),
        ({}, "strange"),
        ({"preferred_username": "Lê Thị Lan"}, "name"),
        ({"preferred_username": "operator"}, "taken"),
    ],
)
async def test_what_cannot_be_believed_is_refused(
    bridge: Bridge, provider: Provider, claims: dict[str, Any], key: str
) -> None:
    await bridge.user("operator")
    provider.claims |= claims
    provider.key = STRANGE if key == "strange" else KEY
    refused = key if key in ("name", "taken") else "wrong"
    where, token = await sign_in(bridge, provider)
    assert (where, token) == (f"/admin#directory=account.directory_{refused}", "")
    login = {"name": "operator", "password": PASSWORD}
    assert (await bridge.call("POST", "/login", login)).status == 200


async def test_state_cookie_and_verifier_belong_together(
    bridge: Bridge, provider: Provider
) -> None:
    where, _ = await sign_in(bridge, provider, state="another")
    assert where.endswith("account.directory_stale")
    cookie = await leave(bridge, provider)
    state = provider.asked["state"]
    for other in ("", "x", cookie[:-2], "é"):
        where, _ = await come_back(bridge, other, code="c", state=state)
        assert where == "/console#directory=account.directory_stale"
    provider.asked["code_challenge"] = "another"
    where, _ = await come_back(bridge, cookie, code="c", state=state)
    assert where.endswith("account.directory_wrong")
    bridge.pass_time(601)
    where, _ = await come_back(bridge, cookie, code="c", state=state)
    assert where.endswith("account.directory_stale")
    where, _ = await sign_in(bridge, provider, error="access_denied")
    assert where.endswith("account.directory_refused")
    where, _ = await sign_in(bridge, provider, iss="https://elsewhere.example")
    assert where.endswith("account.directory_wrong")


async def test_a_directory_that_is_away(bridge: Bridge, provider: Provider) -> None:
    await provider.server.close()
    response = await bridge.client.get(f"/api/v1{SIGN_IN}?page=//x", allow_redirects=False)
    assert response.headers["Location"] == "/console#directory=account.directory_away"
    await bridge.user("admin")  # accounts of the bridge's own stay good


async def test_roles_that_only_userinfo_tells(bridge: Bridge, provider: Provider) -> None:
    provider.claims = {"groups": None}
    _, token = await sign_in(bridge, provider)
    me = await (await bridge.call("GET", "/me", token=token)).json()
    assert me["role"] == "admin"


@pytest.mark.parametrize(
    ("claims", "role"),
    [
        ({"realm": {"roles": ["x", "b"]}}, "operator"),
        ({"realm.roles": "b"}, "operator"),
        ({"realm": {"roles": ["b", "a"]}}, "admin"),
        ({"realm": {"roles": [7, None]}}, None),
        ({"realm": ["a"]}, None),
        ({}, None),
    ],
)
def test_roles_by_a_claim(claims: Any, role: str | None) -> None:
    directory = Directory.model_validate(
        {
            "issuer": "https://id.example",
            "client_id": "cau",
            "title": "x",
            "role_claim": "realm.roles",
            "roles": {"admin": ["a"], "operator": ["b"]},
        }
    )
    assert role_of(directory, claims) == role


@pytest.mark.parametrize("issuer", ["http://id.example", "id.example", "https://", "ftp://x"])
def test_only_addresses_under_tls_are_asked(issuer: str) -> None:
    with pytest.raises(ValueError, match="no address like https"):
        Directory.model_validate(
            {"issuer": issuer, "client_id": "c", "title": "x", "roles": {"admin": ["a"]}}
        )
