"""The demo's accounts, an operator and an admin, and the conference that it starts."""

from __future__ import annotations

import asyncio

from bridge.accounts import passwords
from bridge.app.errors import StartError
from bridge.app.process import ControlProcess
from bridge.base.roles import Role, User
from bridge.conference.commands import Start
from bridge.conference.model import Actor
from bridge.control.draft import Done

DEMO_ACTOR = Actor(kind="user", name="demo", role="operator")


ADMIN = "admin"


async def demo_accounts(process: ControlProcess) -> dict[str, str]:
    """Make the demo's accounts, an operator and an admin; return by their names the keys that log
    them in, for the addresses of pages."""
    keys: dict[str, str] = {}
    roles: tuple[tuple[str, Role], ...] = ((DEMO_ACTOR.name, "operator"), (ADMIN, "admin"))
    for name, role in roles:
        user = User(name=name, role=role, created=process.conductor.now())
        hashed = await asyncio.to_thread(passwords.hash_password, passwords.new_password())
        await process.accounts.add_user(user, hashed, passwords.new_token())
        keys[name] = process.auth.open_demo(name)
    return keys


async def room_address(process: ControlProcess, point: str) -> str:
    """The address at which a browser becomes a point's room; good once."""
    code = passwords.new_code()
    await process.accounts.add_enrolment(
        passwords.digest(code), point, DEMO_ACTOR.name, process.conductor.now()
    )
    return f"{process.url}/room#code={code}"


async def start_conference(process: ControlProcess) -> str:
    """Start the first template's conference, as the key S in the console does; return its id.
    Raises `StartError` where it cannot be opened."""
    template = next(iter(process.scheduler.templates().values()))
    opened = await process.scheduler.open(template, DEMO_ACTOR)
    if not isinstance(opened, Done):
        raise StartError(f"The demo's conference could not be opened: {opened.key}.")
    await process.conductor.submit(opened.conference, Start(), DEMO_ACTOR)
    return opened.conference
