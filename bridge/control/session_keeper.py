"""Restores stored sessions after a restart, and ends those whose login is over or to which nobody
comes back."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from bridge.accounts.policy import to_renew
from bridge.control.active_topology import ActiveTopology
from bridge.control.presence import Presence
from bridge.control.sessions import Session, Sessions
from bridge.store.accounts import Accounts, StoredSession
from bridge.store.database import FAULTS, NotSaved

log = logging.getLogger("sessions")

CALL_INTERVAL = 1.0  # seconds between looks at points that are called
SWEEP_EVERY = 5  # of those, between looks for abandoned sessions


class SessionKeeper:
    """Runs the periodic jobs around sessions. ``now`` is UTC seconds, ``monotonic`` never goes
    back."""

    def __init__(
        self,
        topology: ActiveTopology,
        sessions: Sessions,
        presence: Presence,
        accounts: Accounts,
        now: Callable[[], float],
        monotonic: Callable[[], float],
    ) -> None:
        self._topology = topology
        self._sessions = sessions
        self._presence = presence
        self._accounts = accounts
        self._now = now
        self._monotonic = monotonic

    async def restore(self) -> None:
        """Bring the sessions of the process before back, as far as they may still be here."""
        for stored in await self._accounts.sessions():
            await self._restore(stored)

    async def _restore(self, stored: StoredSession) -> None:
        if not await self._usable(stored):
            await self._forget(stored.id)
            return
        session = Session(
            "",
            stored.id,
            "point" if stored.point is not None else "console",
            stored.point,
            stored.role,
            stored.created,
            user=stored.user,
            device=stored.device,
            login=stored.login,
            idle_since=self._monotonic(),
        )
        replaced = self._sessions.add(session)
        if replaced is not None:
            await self._forget(replaced.id)

    async def _usable(self, stored: StoredSession) -> bool:
        """Whether its point and device, or its login, are still valid."""
        if stored.device is not None and stored.point in self._topology.points:
            device = await self._accounts.device(stored.device)
            return device is not None and device.revoked is None
        if stored.login is not None:
            return await self._accounts.login(stored.login, self._now()) is not None
        return False

    async def _forget(self, session: str) -> None:
        try:
            await self._accounts.end_session(session)
        except NotSaved as error:
            log.error("the end of a session could not be saved: %s", error)

    async def run(self) -> None:
        """Call points that are away and end what is over, until cancelled."""
        count = 0
        while True:
            await asyncio.sleep(CALL_INTERVAL)
            self._presence.call()
            count += 1
            if count % SWEEP_EVERY:
                continue
            try:
                await self.look()
            except FAULTS as error:
                log.error("sessions wait for the store: %s", type(error).__name__)

    async def look(self) -> None:
        """End sessions that nobody came back for, and those whose login is over."""
        for session in self._presence.sweep():
            await self._accounts.end_session(session.id)
        await self._look_at_logins()

    def _left_alone(self, session: Session, allowed: float) -> bool:
        """Whether nobody has given a command for longer than an open console may be left alone. An
        officer's page waits to be called."""
        if not allowed or session.acted_at is None or session.point is not None:
            return False
        return self._monotonic() - session.acted_at > allowed

    async def _look_at_logins(self) -> None:
        """An open console keeps its login alive; one whose login was ended elsewhere (by the
        command line, say) ends too."""
        now = self._now()
        rules = self._topology.current.bridge.security
        for session in self._sessions.all():
            if not session.login:
                continue
            if self._left_alone(session, rules.console_idle_minutes * 60.0):
                await self._accounts.end_login(session.login)
            life = rules.idle_minutes * 60.0
            found = await self._accounts.login(session.login, now, life)
            if found is None or (found[1].directory and to_renew(rules, found[0].created, now)):
                self._presence.end(session, "logged_out")
                await self._accounts.end_session(session.id)
            elif session.client is not None:
                await self._accounts.touch_login(session.login, now)
