"""Starts the kiosk browser on the point's page, watches it, and starts it again, after growing
pauses, when it dies or hangs. Every reason is reported."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import shutil
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from endpoints.agent.devtools import Browser, BrowserGone, launch

log = logging.getLogger("kiosk")

PAUSES = (0.0, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0)  # seconds before the next start
STEADY = 120.0  # seconds that a browser must live for its past to be forgotten
MANY, MANY_WITHIN = 4, 300.0  # so many deaths in so many seconds: something is wrong
LOOK_EVERY = 5.0
HANGING_AFTER = 3  # looks without an answer
AWAY_AFTER = 90.0  # seconds that the bridge sees no page until it is loaded anew
START_TIME = 30.0
# What the installer leaves for Chromium and Chrome (installation/agent.py).
POLICIES = (
    Path("/etc/chromium/policies/managed/diem-cau.json"),
    Path("/etc/opt/chrome/policies/managed/diem-cau.json"),
)
KEYS = "!!(localStorage.getItem('point') && localStorage.getItem('key'))"


@dataclass(slots=True)
class Restarts:
    """Decides how long to wait before a browser that died is started again, and tells whether it
    keeps dying. Pure; times are monotonic seconds."""

    total: int = 0
    _deaths: deque[float] = field(default_factory=lambda: deque(maxlen=len(PAUSES)))
    _quick: int = 0

    def died(self, started: float, now: float) -> float:
        """A browser that was started then died now; return the seconds to wait."""
        self.total += 1
        self._quick = 0 if now - started >= STEADY else self._quick + 1
        self._deaths.append(now)
        return PAUSES[min(self._quick, len(PAUSES) - 1)]

    def failing(self, now: float) -> bool:
        """Whether it keeps dying."""
        return sum(1 for at in self._deaths if now - at <= MANY_WITHIN) >= MANY


def command_line(
    browser: str, profile: Path, url: str, *, root: bool, headless: bool, extra: tuple[str, ...]
) -> list[str]:
    """The browser's command line. Pure."""
    flags = [
        f"--user-data-dir={profile}",
        "--remote-debugging-pipe",
        "--no-first-run",
        "--no-default-browser-check",
        "--noerrdialogs",
        "--disable-session-crashed-bubble",
        "--disable-infobars",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--disable-features=Translate,WebRtcHideLocalIpsWithMdns",
        "--autoplay-policy=no-user-gesture-required",
        "--password-store=basic",
    ]
    flags.append("--headless=new" if headless else "--kiosk")
    if root:  # Chromium's sandbox refuses root; a kiosk should have a user of its own
        flags.append("--no-sandbox")
    return [browser, *flags, *extra, url]


def in_policy(certificate: str, policies: Sequence[Path] = POLICIES) -> bool:
    """Whether a policy of this PC makes the browser trust an authority (PEM): the installer
    leaves one."""
    body = "".join(line for line in certificate.split("\n") if not line.startswith("-")).strip()
    for path in policies:
        with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
            if body and body in json.loads(path.read_text("utf-8"))["CACertificates"]:
                return True
    return False


async def install_authority(certificate: str, home: Path) -> bool:
    """Put the local authority into the browser's certificate store (NSS); False where certutil
    (libnss3-tools) is missing."""
    tool = shutil.which("certutil")
    if tool is None:
        return False
    store = home / ".pki" / "nssdb"
    pem = home / "ca.crt"
    pem.parent.mkdir(parents=True, exist_ok=True)
    pem.write_text(certificate, "ascii")
    where = f"sql:{store}"
    steps = [] if (store / "cert9.db").exists() else [("-N", "--empty-password")]
    store.mkdir(parents=True, exist_ok=True)
    for arguments in [*steps, ("-A", "-n", "diem-cau", "-t", "C,,", "-i", str(pem))]:
        process = await asyncio.create_subprocess_exec(
            tool,
            "-d",
            where,
            *arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        if await process.wait() != 0:
            return False
    return True


class Kiosk:
    """The browser of the room PC: runs it, and restarts it, until cancelled."""

    def __init__(
        self,
        state: Path,
        *,
        where: Callable[[], str],
        want_code: Callable[[], Awaitable[None]],
        changed: Callable[[], None],
        browser: str = "chromium",
        headless: bool = False,
        extra: tuple[str, ...] = (),
    ) -> None:
        """``where`` is the bridge's address now, which may be another host's than before;
        ``want_code`` asks the bridge for a one-time code, which comes back by `code`;
        ``changed`` is called when there is something new to report. ``browser`` is the program,
        ``extra`` are further arguments for it."""
        self._where = where
        self._home = state / "kiosk"
        self._want_code = want_code
        self._changed = changed
        self._command = browser
        self._headless = headless
        self._extra = extra
        self._browser: Browser | None = None
        self._restarts = Restarts()
        self._code: asyncio.Future[str] | None = None
        self._again = asyncio.Event()
        self._away_since: float | None = None
        self._authority = ""
        self._state = "starting"
        self._reason = ""

    @property
    def report(self) -> dict[str, object]:
        """State, reason of the last restart, and number of restarts, for the agent's report."""
        return {
            "state": self._state,
            "reason": self._reason[:200],
            "restarts": self._restarts.total,
        }

    def use_authority(self, certificate: str) -> None:
        """Trust the bridge's own authority (PEM; "" for none) from the browser's next start on."""
        self._authority = certificate

    def code(self, code: str) -> None:
        """Take the one-time code that was wanted."""
        if self._code is not None and not self._code.done():
            self._code.set_result(code)

    def room(self, connected: bool, now: float) -> None:
        """Take what the bridge sees: whether the page is connected."""
        if connected:
            self._away_since = None
        elif self._away_since is None:
            self._away_since = now

    def restart(self) -> None:
        """Start the browser again: somebody asked for it."""
        self._again.set()

    def _say(self, state: str, reason: str | None = None) -> None:
        self._state = state
        if reason is not None:
            self._reason = reason
            log.warning("kiosk: %s", reason)
        self._changed()

    async def run(self) -> None:
        """Keep the browser running until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            started = loop.time()
            self._say("starting")
            try:
                reason = await self._live()
            except (OSError, BrowserGone) as error:
                reason = f"it did not start: {error}"
            finally:
                await self._end()
            asked = self._again.is_set()
            self._again.clear()
            if asked:
                self._say("starting", "restarted on request")
                continue
            pause = self._restarts.died(started, loop.time())
            failing = self._restarts.failing(loop.time())
            self._say("failed" if failing else "waiting", reason)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._again.wait()

    async def _end(self) -> None:
        browser, self._browser = self._browser, None
        if browser is not None:
            await browser.close()

    async def _live(self) -> str:
        """A browser's life; why it ended."""
        if shutil.which(self._command) is None:
            raise OSError(f"{self._command} is not installed")
        extra = self._extra
        if (
            self._authority
            and not in_policy(self._authority)
            and not await install_authority(self._authority, self._home)
        ):
            raise OSError("the bridge's certificate cannot be installed: apt install libnss3-tools")
        environment = {**os.environ, "HOME": str(self._home)}
        self._home.mkdir(parents=True, exist_ok=True)
        command = command_line(
            self._command,
            self._home / "profile",
            "about:blank",
            root=os.geteuid() == 0,
            headless=self._headless,
            extra=extra,
        )
        self._browser = browser = await launch(command, environment)
        async with asyncio.timeout(START_TIME):
            while True:
                with contextlib.suppress(BrowserGone):
                    await browser.attach()
                    break
                if browser.process.returncode is not None:
                    return f"it ended at once, with code {browser.process.returncode}"
                await asyncio.sleep(0.2)
        await self._open(browser)
        self._away_since = None
        self._say("running")
        return await self._watch(browser)

    async def _open(self, browser: Browser) -> None:
        """Open the page where the bridge is now."""
        url = self._where()
        await browser.call(
            "Browser.grantPermissions",
            origin=url,
            permissions=["audioCapture", "videoCapture", "wakeLockScreen"],
        )
        await browser.call("Page.navigate", page=True, url=f"{url}/room")
        await self._enrol(browser, f"{url}/room")

    async def _enrol(self, browser: Browser, page: str) -> None:
        """Give the page a one-time code where it has no key yet."""
        async with asyncio.timeout(START_TIME):
            while (  # noqa: ASYNC110 - the browser tells nobody
                await browser.evaluate("location.pathname") != "/room"
            ):
                await asyncio.sleep(0.2)
        if await browser.evaluate(KEYS):
            return
        self._code = asyncio.get_running_loop().create_future()
        await self._want_code()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(START_TIME):
                code = await self._code
            await browser.call("Page.navigate", page=True, url=f"{page}?#code={code}")

    async def _watch(self, browser: Browser) -> str:
        loop = asyncio.get_running_loop()
        unanswered = 0
        while True:
            ended = asyncio.create_task(browser.process.wait())
            again = asyncio.create_task(self._again.wait())
            done, _ = await asyncio.wait(
                [ended, again], timeout=LOOK_EVERY, return_when=asyncio.FIRST_COMPLETED
            )
            for task in (ended, again):
                task.cancel()
            if again in done:
                return ""
            if ended in done:
                return f"it died, with code {browser.process.returncode}"
            try:
                path = await browser.evaluate("location.pathname")
                unanswered = 0
            except BrowserGone as error:
                unanswered += 1
                if unanswered >= HANGING_AFTER:
                    return f"it hangs: {error}"
                continue
            away = self._away_since
            if path != "/room" or (away is not None and loop.time() - away > AWAY_AFTER):
                self._away_since = None
                self._reason = "the page was loaded anew"
                self._changed()
                with contextlib.suppress(BrowserGone):
                    await browser.call("Page.navigate", page=True, url="about:blank")
                    with contextlib.suppress(TimeoutError):  # its key may have been revoked
                        await self._open(browser)
