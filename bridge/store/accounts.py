"""Users, logins, device keys, enrolment codes, sessions and the audit trail."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from bridge.base.roles import User
from bridge.store import tables as t
from bridge.store.database import NotSaved, first_line

LOGIN_LIFE = 12 * 3600.0  # seconds without use after which a login ends
ENROLMENT_LIFE = 24 * 3600.0
AUDIT_PAGE = 500


class Login(msgspec.Struct, frozen=True, kw_only=True):
    """A user's login on one browser."""

    id: str
    user: str
    created: float
    seen: float
    address: str
    agent: str


class Device(msgspec.Struct, frozen=True, kw_only=True):
    """A room PC that holds a key; ``signing_key`` is the public half of the one it signs with."""

    id: str
    point: str
    name: str
    created: float
    seen: float | None = None
    revoked: float | None = None
    signing_key: str = ""


class StoredSession(msgspec.Struct, frozen=True, kw_only=True):
    """A signalling session: of a point's device, or of a user's login."""

    id: str
    point: str | None
    device: str | None
    login: str | None
    user: str | None
    role: str
    created: float


class Secrets(msgspec.Struct, frozen=True, kw_only=True):
    """What an account is checked by: hashes of its password and of those before, the secret of
    its second factor, digests of its recovery codes (JSON)."""

    password: str
    past: tuple[str, ...] = ()
    factor: str = ""
    recovery: str = "[]"


class AuditEntry(msgspec.Struct, frozen=True, kw_only=True):
    """Who did what to what, from where, and whether it was allowed."""

    id: int
    at: float
    actor: str
    address: str
    action: str
    target: str
    outcome: str


class Accounts:
    """The tables about people and devices. Writing methods raise `NotSaved`."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def _write(self, *statements: sa.Executable) -> int:
        """Run statements in one transaction; return the rows the last one changed."""
        count = 0
        try:
            async with self._engine.begin() as connection:
                for statement in statements:
                    count = int((await connection.execute(statement)).rowcount)
        except IntegrityError:
            raise
        except (SQLAlchemyError, OSError) as error:
            raise NotSaved(first_line(error)) from None
        return count

    async def _rows(self, query: sa.Select[Any]) -> Sequence[sa.Row[Any]]:
        async with self._engine.connect() as connection:
            rows: Sequence[sa.Row[Any]] = (await connection.execute(query)).all()
            return rows

    # --- users --------------------------------------------------------------------------

    async def users(self) -> list[User]:
        return [_user(row) for row in await self._rows(sa.select(t.users).order_by(t.users.c.name))]

    async def user(self, name: str) -> User | None:
        rows = await self._rows(sa.select(t.users).where(t.users.c.name == name))
        return _user(rows[0]) if rows else None

    async def password(self, name: str) -> str | None:
        rows = await self._rows(sa.select(t.users.c.password).where(t.users.c.name == name))
        return str(rows[0][0]) if rows else None

    async def secrets(self, name: str) -> Secrets | None:
        """None where there is no such account."""
        rows = await self._rows(sa.select(t.users).where(t.users.c.name == name))
        if not rows:
            return None
        row = rows[0]
        return Secrets(
            password=row.password,
            past=tuple(json.loads(row.past_passwords)),
            factor=row.factor,
            recovery=row.recovery,
        )

    async def user_of_subject(self, subject: str) -> User | None:
        """The account that a directory vouches for by this word."""
        rows = await self._rows(sa.select(t.users).where(t.users.c.subject == subject))
        return _user(rows[0]) if rows and subject else None

    async def add_user(
        self, user: User, password: str, calendar_key: str, subject: str = ""
    ) -> bool:
        """Add an account; False where the name is taken. ``subject`` is a directory's word."""
        row = {
            "name": user.name,
            "role": user.role,
            "password": password,
            "must_change": user.must_change,
            "disabled": user.disabled,
            "points": json.dumps(user.points),
            "calendar_key": calendar_key,
            "created": user.created,
            "password_at": user.password_at or user.created,
            "subject": subject,
        }
        try:
            await self._write(sa.insert(t.users).values(row))
        except IntegrityError:
            return False
        return True

    async def change_user(self, name: str, **changes: Any) -> bool:
        """Change columns of an account; False where there is none."""
        if "points" in changes:
            changes["points"] = json.dumps(changes["points"])
        statement = sa.update(t.users).where(t.users.c.name == name).values(**changes)
        return await self._write(statement) > 0

    async def calendar_key(self, name: str) -> str:
        rows = await self._rows(sa.select(t.users.c.calendar_key).where(t.users.c.name == name))
        return str(rows[0][0]) if rows else ""

    async def user_of_calendar(self, key: str) -> User | None:
        rows = await self._rows(sa.select(t.users).where(t.users.c.calendar_key == key))
        return _user(rows[0]) if rows and key else None

    # --- logins -------------------------------------------------------------------------

    async def add_login(self, login: Login) -> None:
        await self._write(sa.insert(t.logins).values(msgspec.structs.asdict(login)))

    async def login(
        self, ident: str, now: float, life: float = LOGIN_LIFE
    ) -> tuple[Login, User] | None:
        """The login and its user; None where it ended, was not used for ``life`` seconds, or was
        disabled."""
        query = (
            sa.select(t.logins, t.users.c.name.label("user_name"))
            .join(t.users, t.users.c.name == t.logins.c.user)
            .where(t.logins.c.id == ident)
        )
        rows = await self._rows(query)
        if not rows or now - rows[0].seen > life:
            return None
        user = await self.user(rows[0].user)
        if user is None or user.disabled:
            return None
        return _login(rows[0]), user

    async def touch_login(self, ident: str, now: float) -> None:
        await self._write(sa.update(t.logins).where(t.logins.c.id == ident).values(seen=now))

    async def logins(self, user: str | None = None) -> list[Login]:
        query = sa.select(t.logins).order_by(t.logins.c.created)
        if user is not None:
            query = query.where(t.logins.c.user == user)
        return [_login(row) for row in await self._rows(query)]

    async def end_login(self, ident: str) -> bool:
        return await self._write(sa.delete(t.logins).where(t.logins.c.id == ident)) > 0

    async def end_logins(self, user: str) -> None:
        await self._write(sa.delete(t.logins).where(t.logins.c.user == user))

    # --- devices ------------------------------------------------------------------------

    async def add_device(self, device: Device, key: str) -> bool:
        """Add a device key (its digest); False where the key is known already."""
        row = {**msgspec.structs.asdict(device), "key": key}
        try:
            await self._write(sa.insert(t.devices).values(row))
        except IntegrityError:
            return False
        return True

    async def add_devices(self, devices: Iterable[tuple[Device, str]]) -> None:
        """Add devices with the digests of their keys, all of them or, where one is known, none."""
        rows = [{**msgspec.structs.asdict(device), "key": key} for device, key in devices]
        try:
            # One statement for every row: one with all rows in it would be compiled anew each time.
            async with self._engine.begin() as connection:
                await connection.execute(sa.insert(t.devices), rows)
        except (SQLAlchemyError, OSError) as error:
            raise NotSaved(first_line(error)) from None

    async def known_keys(self, keys: Iterable[str]) -> set[str]:
        """Those of these keys (digests) that a device has or had."""
        asked = set(keys)
        rows = await self._rows(sa.select(t.devices.c.key))
        return {str(row[0]) for row in rows} & asked

    async def device_of_key(self, key: str) -> Device | None:
        rows = await self._rows(sa.select(t.devices).where(t.devices.c.key == key))
        return _device(rows[0]) if rows else None

    async def device(self, ident: str) -> Device | None:
        rows = await self._rows(sa.select(t.devices).where(t.devices.c.id == ident))
        return _device(rows[0]) if rows else None

    async def devices(self) -> list[Device]:
        query = sa.select(t.devices).order_by(t.devices.c.point, t.devices.c.created)
        return [_device(row) for row in await self._rows(query)]

    async def touch_device(self, ident: str, now: float) -> None:
        await self._write(sa.update(t.devices).where(t.devices.c.id == ident).values(seen=now))

    async def keep_signing_key(self, ident: str, key: str) -> None:
        await self._write(
            sa.update(t.devices).where(t.devices.c.id == ident).values(signing_key=key)
        )

    async def revoke_device(self, ident: str, now: float) -> bool:
        statement = (
            sa.update(t.devices)
            .where(t.devices.c.id == ident, t.devices.c.revoked.is_(None))
            .values(revoked=now)
        )
        return await self._write(statement) > 0

    # --- enrolment ----------------------------------------------------------------------

    async def add_enrolment(self, code: str, point: str, by: str, now: float) -> float:
        """Keep a code's digest; return when it expires."""
        expires = now + ENROLMENT_LIFE
        await self._write(
            sa.insert(t.enrolments).values(
                code=code, point=point, created=now, expires=expires, by=by
            )
        )
        return expires

    async def use_enrolment(self, code: str, now: float) -> str | None:
        """The point of a code that is valid, which is used up by this; None otherwise."""
        statement = (
            sa.update(t.enrolments)
            .where(
                t.enrolments.c.code == code,
                t.enrolments.c.used.is_(None),
                t.enrolments.c.expires > now,
            )
            .values(used=now)
        )
        if await self._write(statement) == 0:
            return None
        rows = await self._rows(sa.select(t.enrolments).where(t.enrolments.c.code == code))
        return str(rows[0].point)

    # --- sessions -----------------------------------------------------------------------

    async def add_session(self, session: StoredSession) -> None:
        await self._write(sa.insert(t.sessions).values(msgspec.structs.asdict(session)))

    async def end_session(self, ident: str) -> None:
        await self._write(sa.delete(t.sessions).where(t.sessions.c.id == ident))

    async def sessions(self) -> list[StoredSession]:
        rows = await self._rows(sa.select(t.sessions).order_by(t.sessions.c.created))
        return [StoredSession(**dict(row._mapping)) for row in rows]

    # --- audit --------------------------------------------------------------------------

    async def note(
        self, *, at: float, actor: str, address: str, action: str, target: str, outcome: str
    ) -> None:
        """Add a line to the audit trail."""
        await self._write(
            sa.insert(t.audit).values(
                at=at, actor=actor, address=address, action=action, target=target, outcome=outcome
            )
        )

    async def audit(
        self, *, before: int | None = None, limit: int | None = AUDIT_PAGE
    ) -> list[AuditEntry]:
        """Lines of the audit trail, newest first."""
        query = sa.select(t.audit).order_by(t.audit.c.id.desc())
        if before is not None:
            query = query.where(t.audit.c.id < before)
        if limit is not None:
            query = query.limit(limit)
        return [AuditEntry(**dict(row._mapping)) for row in await self._rows(query)]

    # --- known addresses ----------------------------------------------------------------

    async def addresses(self) -> dict[str, float]:
        """When somebody who may come in was last seen at an address."""
        query = sa.select(t.known_addresses).order_by(t.known_addresses.c.seen)
        return {row.address: row.seen for row in await self._rows(query)}

    async def put_addresses(self, seen: dict[str, float], since: float) -> None:
        """Add addresses, and forget those not seen after ``since``."""
        table = t.known_addresses
        await self._write(
            sa.delete(table).where(sa.or_(table.c.seen < since, table.c.address.in_(list(seen)))),
            *(sa.insert(table).values(address=a, seen=at) for a, at in seen.items()),
        )

    # --- templates and settings ---------------------------------------------------------

    async def templates(self) -> dict[str, str]:
        """Bodies (JSON) by id."""
        rows = await self._rows(sa.select(t.templates).order_by(t.templates.c.id))
        return {row.id: row.body for row in rows}

    async def put_template(self, ident: str, body: str, now: float) -> None:
        await self._write(
            sa.delete(t.templates).where(t.templates.c.id == ident),
            sa.insert(t.templates).values(id=ident, body=body, at=now),
        )

    async def delete_template(self, ident: str) -> bool:
        return await self._write(sa.delete(t.templates).where(t.templates.c.id == ident)) > 0

    async def setting(self, key: str) -> str | None:
        rows = await self._rows(sa.select(t.settings.c.value).where(t.settings.c.key == key))
        return str(rows[0][0]) if rows else None

    async def put_setting(self, key: str, value: str) -> None:
        await self._write(
            sa.delete(t.settings).where(t.settings.c.key == key),
            sa.insert(t.settings).values(key=key, value=value),
        )


def _user(row: sa.Row[Any]) -> User:
    return User(
        name=row.name,
        role=row.role,
        must_change=row.must_change,
        disabled=row.disabled,
        points=tuple(json.loads(row.points)),
        created=row.created,
        password_at=row.password_at,
        factor=bool(row.factor) and not row.factor.startswith("?"),
        directory=bool(row.subject),
    )


def _login(row: sa.Row[Any]) -> Login:
    return Login(
        id=row.id,
        user=row.user,
        created=row.created,
        seen=row.seen,
        address=row.address,
        agent=row.agent,
    )


def _device(row: sa.Row[Any]) -> Device:
    return Device(**{name: getattr(row, name) for name in Device.__struct_fields__})
