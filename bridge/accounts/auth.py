"""Authentication of users by password and login token, of rooms by device key; the audit trail."""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import json
import logging
import secrets
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import NamedTuple

from bridge.accounts import device_cookie, factor, passwords, policy
from bridge.accounts.known_addresses import KnownAddresses
from bridge.accounts.syslog import Line
from bridge.accounts.throttle import Throttle
from bridge.accounts.turns import Crowded, Turns
from bridge.base.i18n import Sentence
from bridge.base.observer import Observer
from bridge.base.roles import User, name_problem, password_problem
from bridge.store.accounts import Accounts, Device, Login
from bridge.store.database import FAULTS
from config.schema import Bridge
from config.security_schema import Security

log = logging.getLogger("auth")

STRANGER_LINES = 60  # audit lines a minute that strangers at one address can cause
UNSAVED_LINES = 10_000  # lines kept while the store fails
SAVED_AT_ONCE = 100  # of those, so that nobody's login waits for all of them
STRANGERS = 1000  # addresses remembered
TOUCH = 60.0  # seconds between notes that a login or device was seen
LOCAL_USER = User(name="cli", role="admin")  # who can read the state folder


class Denied(Exception):
    """A request is refused; ``key`` names the sentence that says why, ``status`` is HTTP's."""

    def __init__(self, status: int, key: str, **arguments: str | Sentence) -> None:
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
        rules: Callable[[], Bridge] | None = None,
    ) -> None:
        """``rules`` gives the topology's part that says what accounts may; the defaults without."""
        self._rules = rules
        self._steps: dict[str, int] = {}
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

    @property
    def security(self) -> Security:
        """The rules for accounts, as they are now."""
        return self._rules().security if self._rules is not None else Security()

    def check_place(self, user: User, address: str) -> None:
        """Raises `Denied` where an account may not come from an address."""
        if policy.from_elsewhere(self.security, user.role, address):
            raise Denied(403, "account.elsewhere")

    def check_hours(self, user: User) -> None:
        """Raises `Denied` where an account may not log in now."""
        rules = self._rules() if self._rules is not None else None
        if rules is not None and policy.out_of_hours(
            rules.security, user.role, rules.zone, self._now()
        ):
            raise Denied(403, "account.out_of_hours")

    async def _check_factor(self, user: User, code: str) -> None:
        """Raises `Denied` where an account has a second factor and the code is not of it."""
        if not user.factor:
            return
        if not code:
            raise Denied(401, "account.code_needed")
        if not await self.use_code(user.name, code):
            raise Denied(401, "account.wrong_factor")

    async def use_code(self, name: str, code: str) -> bool:
        """Whether a code is of an account's second factor, or one of its recovery codes. Each is
        good once."""
        found = await self.accounts.secrets(name)
        if found is None:
            return False
        step = factor.step_of(found.factor.lstrip(factor.PENDING), code, self._now())
        if step is not None and step > self._steps.get(name, -1):
            self._steps[name] = step
            return True
        left = factor.without_recovery(found.recovery, code)
        if left is None:
            return False
        await self.accounts.change_user(name, recovery=left)
        await self.note(f"user:{name}", "", "recovery code")
        return True

    async def login(
        self,
        name: str,
        password: str,
        address: str,
        agent: str,
        *,
        device: str = "",
        code: str = "",
    ) -> tuple[str, User]:
        """Return a new token and the user; ``device`` is the cookie of an earlier login, ``code``
        that of the second factor. Raises `Denied`."""
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
            try:
                self.check_place(user, address)
                self.check_hours(user)
                await self._check_factor(user, code)
            except Denied as denied:
                if denied.key == "account.wrong_factor":
                    self._throttle.failed(name, address, self._monotonic(), lane)
                if denied.key != "account.code_needed":
                    await self.note(f"user:{name[:40]}", address, "login", outcome=denied.key)
                raise
            self._throttle.succeeded(name, lane)
        return await self.open(user, address, agent), user

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
        return await self.open(user, address, agent), user

    async def open(self, user: User, address: str, agent: str) -> str:
        """A new login of a user who has shown who he is; returns its token."""
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

    async def identify(self, token: str, address: str = "") -> Identity | None:
        """Who a token belongs to; None for nobody. Raises `Denied` where who it is may not come
        from ``address``."""
        if not token:
            return None
        if hmac.compare_digest(token.encode("utf-8", "replace"), self._local_token.encode()):
            return Identity(LOCAL_USER, "")
        return await self.of_login(passwords.digest(token), address)

    async def of_login(self, ident: str, address: str = "") -> Identity | None:
        """The same by a login's id, which an open session of it knows."""
        now = self._now()
        found = await self.accounts.login(ident, now, self.security.idle_minutes * 60.0)
        if found is None:
            return None
        login, user = found
        if user.directory and policy.to_renew(self.security, login.created, now):
            return None
        if address:
            self.check_place(user, address)
        if now - max(login.seen, self._touched.get(ident, 0.0)) > TOUCH:
            self._touched[ident] = now
            with contextlib.suppress(*FAULTS):  # being seen is no reason to refuse
                await self.accounts.touch_login(ident, now)
        return Identity(user, login.id)

    async def check_password(self, user: User, password: str, address: str) -> None:
        """Somebody who is logged in shows the password again. Raises `Denied`."""
        if user.directory:
            raise Denied(409, "account.of_directory")
        lane = f"place:{user.name} {address}"  # who is logged in is no stranger
        async with self._turn(user.name, address, lane):
            stored = await self.accounts.password(user.name)
            if not await passwords.verify_async(stored, password):
                self._throttle.failed(user.name, address, self._monotonic(), lane)
                self._observer.denied("password")
                raise Denied(403, "account.wrong_old_password")

    async def change_password(self, user: User, old: str, new: str, address: str) -> None:
        """Raises `Denied`. The user's other logins are ended by the caller."""
        await self.check_password(user, old, address)
        problem = password_problem(user.name, new)
        if problem or new == old:
            raise Denied(422, problem or "account.same_password")
        await self.set_password(user.name, new, must_change=False)
        await self.note(f"user:{user.name}", address, "password")

    async def set_password(self, name: str, new: str, *, must_change: bool) -> None:
        """Give an account a password that the rules allow. Raises `Denied`."""
        rules = self.security
        if policy.too_short(rules, new):
            raise Denied(422, "account.too_short", length=str(rules.password_length))
        found = await self.accounts.secrets(name)
        past = policy.remembered(rules, found.past, found.password) if found is not None else []
        for hashed in past:
            if await passwords.verify_async(hashed, new):
                raise Denied(422, "account.used_before")
        await self.accounts.change_user(
            name,
            password=await asyncio.to_thread(passwords.hash_password, new),
            past_passwords=json.dumps(past[: rules.password_history - 1]),
            password_at=self._now(),
            must_change=must_change,
        )

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
