"""Makes the register of persons of a control process: of its log, its database and its key."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncEngine

from bridge.accounts.auth import Auth
from bridge.app.credentials import DELEGATE_KEY, kept_key
from bridge.control.control import Control
from bridge.control.persons.register import Register
from bridge.store.log import EventLog
from bridge.store.person_records import PersonRecords


def make_register(
    control: Control, events: EventLog, auth: Auth, engine: AsyncEngine, state: Path
) -> Register:
    """The register beside a log; how long names are kept follows the topology; the key of codes
    lies in the folder ``state``."""

    async def audit(action: str, target: str, outcome: str) -> None:
        await auth.note("system", "", action, target, outcome)

    return Register(
        control.conductor,
        PersonRecords(engine),
        events,
        lambda: control.topology.current.bridge.persons.keep_days,
        audit,
        kept_key(state / DELEGATE_KEY),
    )
