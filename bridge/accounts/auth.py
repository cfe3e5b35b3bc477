"""Authentication of users by password and login token, of rooms by device key; the audit trail."""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import logging
import secrets
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import NamedTuple

from bridge.accounts import device_cookie, passwords
from bridge.accounts.known_addresses import KnownAddresses
from bridge.accounts.syslog import Line
from bridge.accounts.throttle import Throttle
from bridge.accounts.turns import Crowded, Turns
from bridge.base.observer import Observer
from bridge.base.roles import User, name_problem, password_problem
from bridge.store.accounts import Accounts, Device, Login
from bridge.store.database import FAULTS

log = logging.getLogger("auth")

STRANGER_LINES = 60  # audit lines a minute that strangers at one address can cause
UNSAVED_LINES = 10_000  # lines kept while the store fails
SAVED_AT_ONCE = 100  # of those, so that nobody's login waits for all of them
STRANGERS = 1000  # addresses remembered
TOUCH = 60.0  # seconds between notes that a login or device was seen
LOCAL_USER = User(name="cli", role="admin")  # who can read the state folder


class Denied(Exception):
    """A request is refused; ``key`` names the sentence that says why, ``status`` is HTTP's."""

    def __init__(self, status: int, key: str, **arguments: str) -> None:
        super().__init__(key)
        self.status = status
        self.key = key
        self.arguments = arguments


class Identity(NamedTuple):
    """A user that is logged in; ``login`` is its id, "" for the local token."""

    user: User
    login: str


class Auth:
    """Checks who is asking. ``now`` is UTC seconds, ``monotonic`` for waits. ``local_token`` is the
    command line's; ``noted`` gets every line of the audit trail at once."""

    def __init__(
        self,
        accounts: Accounts,
        now: Callable[[], float],
        monotonic: Callable[[], float],
        local_token: str,
        observer: Observer,
        noted: Callable[[Line], None] | None = None,
        device_key: bytes = b"",
    ) -> None:
        self.accounts = accounts
        self._now = now
        self._monotonic = monotonic
        self._local_token = local_token
        self._throttle = Throttle()
        self._turns = Turns()
        self._device_key = device_key or secrets.token_bytes(32)
        self.known = KnownAddresses(accounts, now)
        self._touched: dict[str, float] = {}
        self._strangers: dict[str, tuple[int, int]] = {}
        self._observer = observer
        self._noted = noted
        self._noting = asyncio.Lock()
        self._unsaved: deque[Line] = deque(maxlen=UNSAVED_LINES)
        self._demo_keys: dict[str, str] = {}  # by account

    # --- audit --------------------------------------------------------------------------

    async def note(
        self, actor: str, address: str, action: str, target: str = "", outcome: str = "done"
    ) -> None:
        """Write a line of the audit trail, and tell the collector. What cannot be saved waits
        for the next line; what strangers at one address do too often is left out."""
        if actor == "nobody" and self._too_many(address):
            log.warning("not audited any more this minute: %s %s", action, outcome)
            return
        line = Line(self._now(), actor, address, action, target[:300], outcome[:300])
        if self._noted is not None:
            self._noted(line)
        self._unsaved.append(line)
        async with self._noting:
            for _ in range(min(len(self._unsaved), SAVED_AT_ONCE)):
                try:
                    await self.accounts.note(**self._unsaved[0]._asdict())
                except FAULTS as error:
                    log.error(
                        "%d lines of the audit trail wait for the store: %s",
                        len(self._unsaved),
                        type(error).__name__,
                    )
                    return
                self._unsaved.popleft()

    def _too_many(self, address: str) -> bool:
        """Strangers must not fill the disk with refusals."""
        minute = int(self._monotonic() // 60)
        before, count = self._strangers.pop(address, (minute, 0))
        count = count + 1 if before == minute else 1
        self._strangers[address] = (minute, count)
        while len(self._strangers) > STRANGERS:
            del self._strangers[next(iter(self._strangers))]
        return count > STRANGER_LINES

    # --- users --------------------------------------------------------------------------

    def device_cookie(self, user: str, given: str) -> str:
        """The cookie that a device gets at a login, so that it has a lane of its own next time."""
        known = device_cookie.device(self._device_key, user, given)
        return given if known else device_cookie.sign(self._device_key, user, secrets.token_hex(8))

    async def _lane(self, name: str, address: str, cookie: str) -> str:
        """The lane of who tries ``name``'s password: "" for strangers."""
        device = device_cookie.device(self._device_key, name, cookie)
        if device:
            lane = f"device:{device}"
            if self._throttle.wait(name, address, self._monotonic(), lane) <= 0:
                return lane
        came_from = {login.address for login in await self.accounts.logins(name)}
        return f"place:{name} {address}" if address in came_from else ""

    @contextlib.asynccontextmanager
    async def _turn(self, name: str, address: str, lane: str) -> AsyncIterator[None]:
        """One's turn at trying a password. Raises `Denied` where too many wait."""
        try:
            async with self._turns.turn(lane or name, address, trusted=bool(lane)):
                self._check_wait(name, address, lane)
                yield
        except Crowded:
            self._observer.denied("throttled")
            raise Denied(429, "account.crowded") from None

    def _check_wait(self, name: str, address: str, lane: str = "") -> None:
        wait = self._throttle.wait(name, address, self._monotonic(), lane)
        if wait > 0:
            self._observer.denied("throttled")
            raise Denied(429, "account.wait", seconds=str(int(wait) + 1))

    async def login(
        self, name: str, password: str, address: str, agent: str, *, device: str = ""
    ) -> tuple[str, User]:
        """Return a new token and the user; ``device`` is the cookie of an earlier login. Raises
        `Denied`."""
        lane = await self._lane(name, address, device) if not name_problem(name) else ""
        async with self._turn(name, address, lane):
            stored = await self.accounts.password(name) if not name_problem(name) else None
            user = await self.accounts.user(name) if stored is not None else None
            right = await passwords.verify_async(stored, password)
            if not right or user is None or user.disabled:
                self._throttle.failed(name, address, self._monotonic(), lane)
                self._observer.denied("password")
                await self.note(f"user:{name[:40]}", address, "login", outcome="refused")
                raise Denied(401, "account.wrong_password")
            self._throttle.succeeded(name, lane)
        return await self._open(user, address, agent), user

    def open_demo(self, name: str) -> str:
        """Let whoever has the returned key in as this account of the demo."""
        key = passwords.new_token()
        self._demo_keys[name] = key
        return key

    def demo_key(self, name: str) -> str:
        """The key that `open_demo` made for an account, "" before."""
        return self._demo_keys.get(name, "")

    async def login_demo(self, key: str, address: str, agent: str) -> tuple[str, User]:
        """An account of the demo, by the key in the address that the demo prints."""
        self._check_wait("demo", address)
        given = key.encode("utf-8", "replace")
        names = [n for n, k in self._demo_keys.items() if hmac.compare_digest(k.encode(), given)]
        user = await self.accounts.user(names[0]) if names else None
        if user is None:
            self._throttle.failed("demo", address, self._monotonic())
            self._observer.denied("password")
            raise Denied(401, "account.wrong_password")
        return await self._open(user, address, agent), user

    async def _open(self, user: User, address: str, agent: str) -> str:
        token = passwords.new_token()
        now = self._now()
        await self.accounts.add_login(
            Login(
                id=passwords.digest(token),
                user=user.name,
                created=now,
                seen=now,
                address=address,
                agent=agent[:200],
            )
        )
        self.known.add(address)
        await self.note(f"user:{user.name}", address, "login")
        return token

    async def identify(self, token: str) -> Identity | None:
        """Who a token belongs to; None for nobody."""
        if not token:
            return None
        if hmac.compare_digest(token.encode("utf-8", "replace"), self._local_token.encode()):
            return Identity(LOCAL_USER, "")
        ident = passwords.digest(token)
        now = self._now()
        found = await self.accounts.login(ident, now)
        if found is None:
            return None
        login, user = found
        if now - max(login.seen, self._touched.get(ident, 0.0)) > TOUCH:
            self._touched[ident] = now
            with contextlib.suppress(*FAULTS):  # being seen is no reason to refuse
                await self.accounts.touch_login(ident, now)
        return Identity(user, login.id)

    async def change_password(self, user: User, old: str, new: str, address: str) -> None:
        """Raises `Denied`. The user's other logins are ended by the caller."""
        lane = f"place:{user.name} {address}"  # who is logged in is no stranger
        async with self._turn(user.name, address, lane):
            stored = await self.accounts.password(user.name)
            if not await passwords.verify_async(stored, old):
                self._throttle.failed(user.name, address, self._monotonic(), lane)
                self._observer.denied("password")
                raise Denied(403, "account.wrong_old_password")
        problem = password_problem(user.name, new)
        if problem or new == old:
            raise Denied(422, problem or "account.same_password")
        hashed = await asyncio.to_thread(passwords.hash_password, new)
        await self.accounts.change_user(user.name, password=hashed, must_change=False)
        await self.note(f"user:{user.name}", address, "password")

    # --- devices ------------------------------------------------------------------------

    async def device(self, point: str, key: str, address: str) -> Device:
        """The device that holds a key of a point. Raises `Denied`."""
        self._check_wait(f"point:{point} {address}", address)
        device = await self.accounts.device_of_key(passwords.digest(key)) if key else None
        if device is None or device.point != point or device.revoked is not None:
            self._throttle.failed(f"point:{point} {address}", address, self._monotonic())
            self._observer.denied("device_key")
            await self.note(f"point:{point[:64]}", address, "session", outcome="wrong key")
            raise Denied(401, "http.wrong_key")
        self._throttle.succeeded(f"point:{point} {address}")
        self.known.add(address)
        now = self._now()
        if now - self._touched.get(device.id, 0.0) > TOUCH:
            self._touched[device.id] = now
            with contextlib.suppress(*FAULTS):
                await self.accounts.touch_device(device.id, now)
        return device

    async def enrol(self, code: str, name: str, address: str) -> tuple[str, str]:
        """Use a one-time code up; return the point and a new device key. Raises `Denied`."""
        # By address only: guesses made elsewhere must not keep a room out.
        self._check_wait(f"enrol {address}", address)
        now = self._now()
        normal = passwords.normal_code(code)
        point = await self.accounts.use_enrolment(passwords.digest(normal), now)
        if point is None:
            self._throttle.failed(f"enrol {address}", address, self._monotonic())
            self._observer.denied("enrolment_code")
            await self.note("device", address, "enrol", outcome="wrong code")
            raise Denied(401, "account.wrong_code")
        key = passwords.new_token()
        device = Device(
            id=secrets.token_hex(8), point=point, name=name[:100] or "room", created=now, seen=now
        )
        await self.accounts.add_device(device, passwords.digest(key))
        await self.note(f"point:{point}", address, "enrol", target=device.id)
        return point, key
