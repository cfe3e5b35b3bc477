"""Accounts that a directory vouches for: made at the first login, kept as the directory says.

They have no password here. Who has no role in the directory any more is refused and thrown out;
everybody else is asked for again after ``renew_hours``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from cryptography.fernet import Fernet, InvalidToken

from bridge.accounts import passwords
from bridge.accounts.auth import Auth, Denied
from bridge.accounts.openid import Begun, OpenId
from bridge.base.roles import Role, User, name_problem
from config.security_schema import Directory

WAIT = 600  # seconds that somebody may take at the directory
PRECEDENCE: tuple[Role, ...] = ("admin", "operator", "technician", "officer", "auditor", "viewer")


def values_of(claims: Any, path: str) -> set[str]:
    """What stands under a claim, a text or a list of them; dots lead into it."""
    found = claims
    if path in claims:
        found = claims[path]
    else:
        for name in path.split("."):
            found = found.get(name) if isinstance(found, dict) else None
    if isinstance(found, str):
        return {found}
    return {each for each in found if isinstance(each, str)} if isinstance(found, list) else set()


def role_of(directory: Directory, claims: Any) -> Role | None:
    """The role that the directory's claims give; None: none."""
    held = values_of(claims, directory.role_claim)
    return next((r for r in PRECEDENCE if held & set(directory.roles.get(r, []))), None)


class DirectoryAccounts:
    """Logins by the directory that the topology names. ``ended`` is told the login that must end
    at once, ``now`` is UTC seconds."""

    def __init__(
        self,
        auth: Auth,
        openid: OpenId,
        now: Callable[[], float],
        ended: Callable[[str], None],
    ) -> None:
        self._auth = auth
        self._ended = ended
        self._openid = openid
        self._now = now
        self._seal = Fernet(Fernet.generate_key())  # a login does not outlive a restart on its way

    @property
    def directory(self) -> Directory | None:
        return self._auth.security.directory

    def _configured(self) -> Directory:
        if self.directory is None:
            raise Denied(404, "account.directory_none")
        return self.directory

    async def begin(self, back: str, page: str) -> tuple[str, str]:
        """The address that a browser is sent to, and a sealed cookie that it must bring back."""
        address, begun = await self._openid.begin(self._configured(), back, page)
        sealed = self._seal.encrypt_at_time(msgspec.json.encode(begun), int(self._now()))
        return address, sealed.decode()

    def begun(self, cookie: str) -> Begun | None:
        """The login that a cookie belongs to; None: none, or too old."""
        try:
            plain = self._seal.decrypt_at_time(cookie.encode(), WAIT, int(self._now()))
        except (InvalidToken, UnicodeEncodeError):
            return None
        return msgspec.json.decode(plain, type=Begun)

    async def finish(
        self, begun: Begun, answer: dict[str, str], address: str, agent: str
    ) -> tuple[str, User]:
        """A new token and the user, made or changed as the directory says. Raises `Denied`."""
        directory = self._configured()
        name = "nobody"
        try:
            claims = await self._openid.finish(directory, begun, answer)
            subject = f"{directory.issuer} {claims['sub']}"
            known = await self._auth.accounts.user_of_subject(subject)
            name = f"user:{known.name}" if known is not None else "nobody"
            role = role_of(directory, claims)
            if role is None:
                await self._throw_out(known)
                raise Denied(403, "account.directory_no_role")
            user = await self._account(known, subject, role, claims, address)
            self._auth.check_place(user, address)
            self._auth.check_hours(user)
        except Denied as denied:
            await self._auth.note(name, address, "directory login", outcome=denied.key)
            raise
        return await self._auth.open(user, address, agent), user

    async def _throw_out(self, user: User | None) -> None:
        if user is not None:
            for login in await self._auth.accounts.logins(user.name):
                await self._auth.accounts.end_login(login.id)
                self._ended(login.id)

    async def _account(
        self, known: User | None, subject: str, role: Role, claims: Any, address: str
    ) -> User:
        accounts = self._auth.accounts
        if known is not None:
            if known.disabled:
                raise Denied(403, "account.directory_disabled")
            if known.role != role:
                await accounts.change_user(known.name, role=role)
                await self._throw_out(known)
                await self._auth.note("directory", address, "user change", known.name, role)
            return msgspec.structs.replace(known, role=role)
        name = str(claims.get(self._configured().name_claim, "")).partition("@")[0].lower()
        if name_problem(name):
            raise Denied(422, "account.directory_name")
        user = User(name=name, role=role, created=self._now(), directory=True)
        if not await accounts.add_user(user, "", passwords.new_token(), subject):
            raise Denied(409, "account.directory_taken")
        await self._auth.note("directory", address, "user add", name, role)
        return user
