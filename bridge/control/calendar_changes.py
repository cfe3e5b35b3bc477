"""Changes of single bookings: one occurrence cancelled, moved, restored, or held once more. Pure.

They stand beside the templates, so that those of the topology file can be changed, too: a template
with its changes is the template that everybody sees.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from config.schema import Template
from config.template_schema import Extra, Moved

MAX_CHANGES = 400  # of a template; older ones are forgotten first

Action = Literal["cancel", "move", "restore", "repeat"]


class Changed(msgspec.Struct, frozen=True, kw_only=True):
    """What differs from one template's rule. Days are as the rule has them (YYYY-MM-DD), starts on
    the wall (YYYY-MM-DD HH:MM)."""

    cancelled: tuple[str, ...] = ()
    moved: dict[str, tuple[str, int]] = {}
    extra: dict[str, int] = {}


Changes = dict[str, Changed]


def with_changes(template: Template, changed: Changed | None) -> Template:
    """The template as its bookings are now."""
    schedule = template.schedule
    if changed is None or schedule is None:
        return template
    moved = {one.day: one for one in schedule.moved}
    moved |= {
        day: Moved(day=day, start=start, minutes=minutes)
        for day, (start, minutes) in changed.moved.items()
    }
    extra = {one.start: one for one in schedule.extra}
    extra |= {start: Extra(start=start, minutes=length) for start, length in changed.extra.items()}
    update = {
        "exceptions": sorted({*schedule.exceptions, *changed.cancelled}),
        "moved": [moved[day] for day in sorted(moved)],
        "extra": [extra[start] for start in sorted(extra)],
    }
    return template.model_copy(update={"schedule": schedule.model_copy(update=update)})


def changed_by(before: Changed, action: Action, day: str, start: str, minutes: int) -> Changed:
    """The changes after one more. ``day`` names the occurrence; for one beside the rule it is its
    own start. ``start`` and ``minutes`` are those of `move` and `repeat`."""
    cancelled = [one for one in before.cancelled if one != day]
    moved = {one: to for one, to in before.moved.items() if one != day}
    extra = dict(before.extra)
    beside = len(day) > len("2026-11-30")
    if action == "repeat":
        extra[start] = minutes
    elif beside:
        extra.pop(day, None)
        if action == "move":
            extra[start] = minutes
    elif action == "cancel":
        cancelled.append(day)
    elif action == "move":
        moved[day] = (start, minutes)
    return Changed(
        cancelled=tuple(sorted(cancelled)[-MAX_CHANGES:]),
        moved=dict(sorted(moved.items())[-MAX_CHANGES:]),
        extra=dict(sorted(extra.items())[-MAX_CHANGES:]),
    )
