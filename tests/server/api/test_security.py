"""Rules for accounts, over the interface: second factors, places, hours, ages, the auditor."""

from __future__ import annotations

from typing import Any

import pyotp
import pytest

from bridge.accounts.auth import Denied
from config.security_schema import Security
from tests.control_support import PASSWORD, Bridge


def ruled(bridge: Bridge, **changes: Any) -> None:
    """Other rules, as after a reload."""
    current = bridge.control.topology.current
    security = Security.model_validate(changes)
    changed = current.bridge.model_copy(update={"security": security})
    bridge.control.swap_topology(current.model_copy(update={"bridge": changed}))


async def enrolled(bridge: Bridge, role: Any) -> tuple[pyotp.TOTP, list[str]]:
    """A role's account with a second factor on, and its recovery codes."""
    response = await bridge.call("POST", "/factor", {"password": PASSWORD}, role=role)
    assert response.status == 201
    totp = pyotp.TOTP((await response.json())["secret"])
    wrong = await bridge.call("POST", "/factor/confirm", {"code": "000"}, role=role)
    assert wrong.status == 422
    code = totp.at(int(bridge.wall))
    response = await bridge.call("POST", "/factor/confirm", {"code": code}, role=role)
    assert response.status == 200
    return totp, (await response.json())["codes"]


async def login(bridge: Bridge, name: str, code: str = "") -> tuple[int, str]:
    body = {"name": name, "password": PASSWORD, "code": code}
    response = await bridge.call("POST", "/login", body)
    return response.status, (await response.json()).get("type", "")


async def test_a_second_factor_is_asked_for_and_each_code_is_good_once(bridge: Bridge) -> None:
    await bridge.user("admin")
    assert (await bridge.call("POST", "/factor", {"password": "x"}, role="admin")).status == 403
    totp, recovery = await enrolled(bridge, "admin")
    assert await login(bridge, "admin") == (401, "/problems/account.code_needed")
    used = totp.at(int(bridge.wall))
    assert (await login(bridge, "admin", used))[0] == 401, "it turned the factor on"
    bridge.pass_time(60)
    code = totp.at(int(bridge.wall))
    assert (await login(bridge, "admin", code))[0] == 200
    assert (await login(bridge, "admin", code))[0] == 401
    assert (await login(bridge, "admin", recovery[0]))[0] == 200
    assert (await login(bridge, "admin", recovery[0]))[0] == 401
    response = await bridge.call("DELETE", "/factor", {"password": PASSWORD}, role="admin")
    assert response.status == 204
    assert (await login(bridge, "admin"))[0] == 200


async def test_guessing_codes_is_slowed_down(bridge: Bridge) -> None:
    await bridge.user("operator")
    await enrolled(bridge, "operator")
    statuses = [(await login(bridge, "operator", f"{n:06}"))[0] for n in range(8)]
    assert statuses[-1] == 429


async def test_where_it_is_required_nothing_goes_before_it(bridge: Bridge) -> None:
    await bridge.user("admin")
    ruled(bridge, second_factor="admins")
    response = await bridge.call("GET", "/users", role="admin")
    assert response.status == 403
    assert (await response.json())["type"].endswith("account.factor_first")
    session = await bridge.call("POST", "/sessions", {}, role="admin")
    assert session.status == 403, "a console directs over its WebSocket"
    assert (await session.json())["type"].endswith("account.factor_first")
    me = await (await bridge.call("GET", "/me", role="admin")).json()
    assert me["factor"] == "needed"
    await enrolled(bridge, "admin")
    assert (await bridge.call("POST", "/sessions", {}, role="admin")).status == 201
    assert (await bridge.call("GET", "/users", role="admin")).status == 200
    assert (await bridge.call("GET", "/conferences", role="viewer")).status == 200


async def test_another_admin_takes_a_lost_factor_away(bridge: Bridge) -> None:
    await bridge.user("operator")
    await enrolled(bridge, "operator")
    response = await bridge.call("PATCH", "/users/operator", {"factor": False}, role="admin")
    assert (await response.json())["user"]["factor"] is False
    assert (await login(bridge, "operator"))[0] == 200


async def test_accounts_are_good_from_their_places_only(bridge: Bridge) -> None:
    token = await bridge.user("admin")
    ruled(bridge, admins_from=["10.0.0.0/8"])
    assert (await bridge.call("GET", "/users", token=token)).status == 403
    assert await login(bridge, "admin") == (403, "/problems/account.elsewhere")
    assert (await bridge.call("GET", "/conferences", role="operator")).status == 200
    local = bridge.process.local_token
    assert (await bridge.call("GET", "/users", token=local)).status == 200, "the server itself"


async def test_nobody_logs_in_out_of_hours(bridge: Bridge) -> None:
    for role in ("operator", "admin"):
        await bridge.user(role)
    ruled(bridge, hours={"begin": "00:00", "end": "00:01"})
    assert await login(bridge, "operator") == (403, "/problems/account.out_of_hours")
    assert (await login(bridge, "admin"))[0] == 200


async def test_old_short_and_used_passwords(bridge: Bridge) -> None:
    token = await bridge.user("operator")
    ruled(bridge, password_length=16, password_history=2, password_days=90)

    async def change(old: str, new: str) -> str:
        body = {"old": old, "new": new}
        response = await bridge.call("POST", "/password", body, token=token)
        return "" if response.status == 204 else str((await response.json())["type"])

    assert (await change(PASSWORD, "fourteen-chars")).endswith("too_short")
    assert await change(PASSWORD, "another-battery-staple") == ""
    assert (await change("another-battery-staple", PASSWORD)).endswith("used_before")
    assert await change("another-battery-staple", "a-third-battery-staple") == ""
    bridge.pass_time(91 * 86400)
    token, user = await bridge.process.auth.login(
        "operator", "a-third-battery-staple", "127.0.0.1", "x"
    )
    me = await (await bridge.call("GET", "/me", token=token)).json()
    assert me["must_change"] is True
    assert (await bridge.call("GET", "/conferences", token=token)).status == 403
    assert user.password_at > 0


async def test_logins_end_when_they_are_not_used(bridge: Bridge) -> None:
    token = await bridge.user("operator")
    ruled(bridge, idle_minutes=10)
    bridge.pass_time(11 * 60)
    assert (await bridge.call("GET", "/me", token=token)).status == 401


async def test_an_open_console_that_nobody_uses_ends(bridge: Bridge) -> None:
    ruled(bridge, console_idle_minutes=15)
    used, left = [await bridge.login_session("operator"), await bridge.login_session("viewer")]
    for session in (used, left):
        session.act(bridge.now)
    bridge.pass_time(14 * 60)
    used.act(bridge.now)
    bridge.pass_time(2 * 60)
    await bridge.process.session_keeper._look_at_logins()
    assert used in bridge.control.sessions.all()
    assert left not in bridge.control.sessions.all()


async def test_an_auditor_reads_and_changes_nothing(bridge: Bridge) -> None:
    for path in ("/users", "/logins", "/devices", "/audit", "/security", "/conferences"):
        assert (await bridge.call("GET", path, role="auditor")).status == 200, path
    for method, path, body in (
        ("POST", "/users", {"name": "eve", "role": "admin"}),
        ("PATCH", "/users/auditor", {"role": "admin"}),
        ("GET", "/backup", None),
        ("POST", "/conferences", {"template": "giao-ban"}),
    ):
        assert (await bridge.call(method, path, body, role="auditor")).status == 403, path
    rules = await (await bridge.call("GET", "/security", role="auditor")).json()
    found = {rule["setting"]: rule["value"] for rule in rules}
    assert found["bridge.security.password_length"] == "12"
    assert found["bridge.backup.keep"] == "14"


async def test_administration_at_an_address_of_its_own(
    bridge: Bridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The test's server is not the admins' listener; then it is."""
    token = await bridge.user("admin")
    services = bridge.http.services
    monkeypatch.setattr(services, "admin_port", lambda: 1)
    for path in ("/users", "/audit"):
        response = await bridge.call("GET", path, token=token)
        assert response.status == 403
        assert (await response.json())["type"].endswith("admin_elsewhere")
    assert (await bridge.client.get("/admin")).status == 403
    assert (await bridge.call("GET", "/conferences", token=token)).status == 200
    port = bridge.client.server.port
    monkeypatch.setattr(services, "admin_port", lambda: port)
    assert (await bridge.call("GET", "/users", token=token)).status == 200
    assert (await bridge.client.get("/admin")).status == 200


async def test_a_stranger_with_the_password_only_is_not_in(bridge: Bridge) -> None:
    await bridge.user("operator")
    await enrolled(bridge, "operator")
    with pytest.raises(Denied):
        await bridge.process.auth.login("operator", PASSWORD, "192.0.2.1", "x")
