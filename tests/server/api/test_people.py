"""Accounts and logins."""

from __future__ import annotations

import asyncio

import pytest

from bridge.accounts.auth import Denied
from bridge.accounts.throttle import FREE
from tests.control_support import PASSWORD, Bridge


async def test_the_first_login_changes_the_password(bridge: Bridge) -> None:
    made = await bridge.call("POST", "/users", {"name": "lan", "role": "operator"}, role="admin")
    password = (await made.json())["password"]
    body = {"name": "lan", "password": password, "token": True}
    me = await (await bridge.call("POST", "/login", body)).json()
    assert me["must_change"] is True
    token = me["token"]
    assert (await bridge.call("GET", "/conferences", token=token)).status == 403
    for new, status in (("short", 422), (password, 422), ("lan-lan-lan-lan", 422), (PASSWORD, 204)):
        change = {"old": password, "new": new}
        assert (await bridge.call("POST", "/password", change, token=token)).status == status, new
    assert (await bridge.call("GET", "/conferences", token=token)).status == 200
    assert (await bridge.call("POST", "/login", body)).status == 401


async def test_guessing_is_slowed_down(bridge: Bridge) -> None:
    await bridge.user("operator")
    wrong = {"name": "operator", "password": "wrong-wrong-wrong"}
    right = {"name": "operator", "password": PASSWORD}
    for _ in range(FREE):
        assert (await bridge.call("POST", "/login", wrong)).status == 401
    assert (await bridge.call("POST", "/login", right)).status == 429
    bridge.pass_time(31)
    assert (await bridge.call("POST", "/login", right)).status == 200


async def test_many_guesses_at_once_are_slowed_down_too(bridge: Bridge) -> None:
    await bridge.user("operator")
    wrong = {"name": "operator", "password": "wrong-wrong-wrong"}
    answers = await asyncio.gather(*(bridge.call("POST", "/login", wrong) for _ in range(20)))
    assert sorted(answer.status for answer in answers) == [401] * FREE + [429] * (20 - FREE)
    for demo in ("x", "é", "\u0000"):
        assert (await bridge.call("POST", "/login", {"demo": demo})).status == 401


async def test_ended_logins_and_disabled_accounts_are_out_at_once(bridge: Bridge) -> None:
    token = await bridge.user("operator")
    session = await bridge.login_session("operator")
    response = await bridge.call("PATCH", "/users/operator", {"disabled": True}, role="admin")
    assert response.status == 200
    assert (await bridge.call("GET", "/me", token=token)).status == 401
    assert session not in bridge.control.sessions.all()
    response = await bridge.call("PATCH", "/users/admin", {"role": "viewer"}, role="admin")
    assert response.status == 409, "the last admin stays"
    viewer = await bridge.user("viewer")
    logins = await (await bridge.call("GET", "/logins", role="admin")).json()
    ident = next(item["id"] for item in logins if item["user"] == "viewer")
    assert (await bridge.call("DELETE", f"/logins/{ident}", role="admin")).status == 204
    assert (await bridge.call("GET", "/me", token=viewer)).status == 401
    assert (await bridge.call("GET", "/me", token="nonsense")).status == 401
    bridge.pass_time(13 * 3600)
    admin_token = await bridge.user("admin")
    assert (await bridge.call("GET", "/me", token=admin_token)).status == 401, "idle too long"


async def test_pages_are_told_the_zone_of_the_bridge(bridge: Bridge) -> None:
    current = bridge.control.topology.current
    other = current.bridge.model_copy(update={"zone": "Europe/Berlin"})
    bridge.control.swap_topology(current.model_copy(update={"bridge": other}))
    assert (await (await bridge.call("GET", "/me", role="viewer")).json())[
        "zone"
    ] == "Europe/Berlin"


async def test_the_demos_keys_are_for_one_account_each(bridge: Bridge) -> None:
    await bridge.user("operator", "demo")
    keys = {name: bridge.process.auth.open_demo(name) for name in ("demo", "nobody")}
    right = await bridge.call("POST", "/login", {"demo": keys["demo"]})
    assert (await right.json())["user"] == "demo"
    assert (await bridge.call("POST", "/login", {"demo": keys["nobody"]})).status == 401


async def test_strangers_do_not_lock_the_owner_out(bridge: Bridge) -> None:
    """Twelve wrong passwords from twelve addresses once kept the admin with the right one out."""
    auth = bridge.process.auth
    await bridge.user("admin")
    cookie = auth.device_cookie("admin", "")
    for number in range(12):
        with pytest.raises(Denied):
            await auth.login("admin", "wrong-wrong-wrong", f"192.0.2.{number}", "x")
    with pytest.raises(Denied) as refused:
        await auth.login("admin", PASSWORD, "192.0.2.99", "x")
    assert refused.value.status == 429, "a stranger waits"
    await auth.login("admin", PASSWORD, "127.0.0.1", "x")  # where the admin came from before
    await auth.login("admin", PASSWORD, "192.0.2.98", "x", device=cookie)
    for forged in (cookie[:-1] + "x", auth.device_cookie("operator", ""), "é", "."):
        with pytest.raises(Denied):
            await auth.login("admin", PASSWORD, "192.0.2.97", "x", device=forged)


async def test_a_stolen_device_cookie_is_no_free_pass_for_guessing(bridge: Bridge) -> None:
    auth = bridge.process.auth
    await bridge.user("admin")
    cookie = auth.device_cookie("admin", "")
    statuses = []
    for _ in range(FREE + 6):
        with pytest.raises(Denied) as refused:
            await auth.login("admin", "wrong-wrong-wrong", "192.0.2.1", "x", device=cookie)
        statuses.append(refused.value.status)
    assert statuses[:FREE] == [401] * FREE
    assert statuses[-1] == 429


async def test_a_login_gives_the_device_a_cookie(bridge: Bridge) -> None:
    await bridge.user("operator")
    body = {"name": "operator", "password": PASSWORD}
    response = await bridge.call("POST", "/login", body)
    made = response.cookies["device"]
    assert made["httponly"]
    assert made["samesite"] == "Strict"
    assert made.value == bridge.process.auth.device_cookie("operator", made.value)
    assert "127.0.0.1" in bridge.process.auth.known
    await bridge.process.auth.known.save()
    await bridge.process.auth.known.load()
    assert "127.0.0.1" in bridge.process.auth.known
    bridge.pass_time(100 * 86400)
    await bridge.process.auth.known.load()
    assert "127.0.0.1" not in bridge.process.auth.known
