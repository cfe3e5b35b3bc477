"""The second factor of one's account, and the rules that accounts and backups are kept by."""

from __future__ import annotations

import asyncio
import json
from typing import Annotated

import msgspec

from bridge.accounts import factor
from bridge.accounts.auth import Denied
from bridge.server.api.routes import Call, Route
from bridge.store.backup import files

Short = Annotated[str, msgspec.Meta(max_length=200)]


class FactorPassword(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One's password, asked for again before a second factor is changed."""

    password: Short


class FactorCode(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A code of the second factor."""

    code: Short


class FactorSecret(msgspec.Struct, frozen=True, kw_only=True):
    """What an authenticator program takes in: the secret, or the address that holds it."""

    secret: str
    address: str


class RecoveryCodes(msgspec.Struct, frozen=True, kw_only=True):
    """Codes for when the second factor is lost, each good once. They are shown this once."""

    codes: list[str]


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """A setting of the topology by its path, and its value as it is in force."""

    setting: str
    value: str


async def _again(call: Call, password: str) -> None:
    """Whoever finds an open page must not take the account. Raises `Denied`."""
    await call.services.auth.check_password(call.user, password, call.address)


async def begin_factor(call: Call) -> FactorSecret:
    body: FactorPassword = call.body
    await _again(call, body.password)
    if call.user.factor:
        raise Denied(409, "account.factor_is_on")
    secret = factor.new_secret()
    await call.services.accounts.change_user(call.user.name, factor=factor.PENDING + secret)
    return FactorSecret(secret=secret, address=factor.address(secret, call.user.name))


async def confirm_factor(call: Call) -> RecoveryCodes:
    body: FactorCode = call.body
    found = await call.services.accounts.secrets(call.user.name)
    if found is None or not found.factor.startswith(factor.PENDING):
        raise Denied(409, "account.no_factor_begun")
    if not await call.services.auth.use_code(call.user.name, body.code):
        raise Denied(422, "account.wrong_factor")
    codes, stored = factor.new_recovery()
    secret = found.factor.removeprefix(factor.PENDING)
    await call.services.accounts.change_user(call.user.name, factor=secret, recovery=stored)
    await call.note("second factor on")
    return RecoveryCodes(codes=codes)


async def end_factor(call: Call) -> None:
    body: FactorPassword = call.body
    await _again(call, body.password)
    await call.services.accounts.change_user(call.user.name, factor="", recovery="[]")
    await call.note("second factor off")


async def rules(call: Call) -> list[Rule]:
    """What is in force: every setting of ``bridge.security`` and ``bridge.backup``, and when the
    newest backup was made."""
    bridge, backups = call.services.control.topology.current.bridge, call.services.backups
    found = [
        Rule(setting=f"bridge.{part}.{name}", value=json.dumps(value, ensure_ascii=False))
        for part, model in (("security", bridge.security), ("backup", bridge.backup))
        for name, value in model.model_dump(mode="json").items()
    ]
    newest = await asyncio.to_thread(files, backups.folder)
    name = newest[-1].name if newest else "–"
    return [*found, Rule(setting="backup", value=backups.problem or name)]


ROUTES = [
    Route(
        "POST",
        "/api/v1/factor",
        begin_factor,
        None,
        "Begin to set up a second factor",
        FactorPassword,
        FactorSecret,
        201,
        fresh_password=False,
    ),
    Route(
        "POST",
        "/api/v1/factor/confirm",
        confirm_factor,
        None,
        "Turn the second factor on with its first code",
        FactorCode,
        RecoveryCodes,
        fresh_password=False,
    ),
    Route(
        "DELETE",
        "/api/v1/factor",
        end_factor,
        None,
        "Turn one's second factor off",
        FactorPassword,
        status=204,
    ),
    Route(
        "GET",
        "/api/v1/security",
        rules,
        "inspect",
        "Rules for accounts and backups that are in force",
        answer=list[Rule],
    ),
]
