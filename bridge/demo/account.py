"""The demo's account, an operator, and the conference that it starts."""

from __future__ import annotations

import asyncio

from bridge.accounts import passwords
from bridge.app.errors import StartError
from bridge.app.process import ControlProcess
from bridge.base.roles import User
from bridge.conference.commands import Start
from bridge.conference.model import Actor
from bridge.control.draft import Done

DEMO_ACTOR = Actor(kind="user", name="demo", role="operator")


async def demo_operator(process: ControlProcess) -> str:
    """Make the demo's account; return the key that logs it in, for the console's address."""
    user = User(name=DEMO_ACTOR.name, role="operator", created=process.conductor.now())
    hashed = await asyncio.to_thread(passwords.hash_password, passwords.new_password())
    await process.accounts.add_user(user, hashed, passwords.new_token())
    return process.auth.open_demo()


async def start_conference(process: ControlProcess) -> str:
    """Start the first template's conference, as the key S in the console does; return its id.
    Raises `StartError` where it cannot be opened."""
    template = next(iter(process.scheduler.templates().values()))
    opened = await process.scheduler.open(template, DEMO_ACTOR)
    if not isinstance(opened, Done):
        raise StartError(f"The demo's conference could not be opened: {opened.key}.")
    await process.conductor.submit(opened.conference, Start(), DEMO_ACTOR)
    return opened.conference
