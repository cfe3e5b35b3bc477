"""What a topology file may say about conferences that are held again and again."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Annotated, Literal

from dateutil.rrule import rrulestr
from pydantic import AfterValidator, Field

from config.minutes_schema import Minutes
from config.values import MAX_POINTS, Identifier, Model, Name, Text

MAX_ITEMS = 100  # of an agenda
_UNREADABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def _plain(value: str) -> str:
    if not value.strip() or _UNREADABLE.search(value):
        raise ValueError("a title is one line of letters that can be read, without controls")
    return value


def _local(value: str) -> str:
    try:
        parsed = datetime.strptime(value, "%Y-%m-%d %H:%M")
    except ValueError:
        raise ValueError(f"{value!r} is not a time like 2026-11-23 07:30") from None
    return parsed.strftime("%Y-%m-%d %H:%M")


def _date(value: str) -> str:
    try:
        return date.fromisoformat(value).isoformat()
    except ValueError:
        raise ValueError(f"{value!r} is not a date like 2026-12-28") from None


def _rule(value: str) -> str:
    upper = value.upper()
    if any(word in upper for word in ("SECONDLY", "MINUTELY", "HOURLY", "DTSTART", "\n", "\r")):
        raise ValueError("a rule repeats daily, weekly, monthly or yearly, and is one line")
    try:
        rrulestr(value, dtstart=datetime(2026, 1, 1))
    except (ValueError, TypeError, KeyError, IndexError, OverflowError):
        raise ValueError(
            f"{value!r} is not a recurrence rule (RFC 5545), for example FREQ=WEEKLY;BYDAY=MO"
        ) from None
    return value


class Rules(Model):
    """Rules that apply from the start of a conference."""

    all_muted: bool = True
    floor: Literal["request", "free"] = "request"
    recording: Literal["allowed", "forbidden", "automatic"] = Field(
        default="allowed", description="automatic: from the start of the conference on"
    )
    keep_days: Annotated[int, Field(ge=1, le=3650)] | None = Field(
        default=None, description="days after which a recording is deleted; never where left out"
    )
    audience: Literal["nobody", "accounts", "code", "anybody"] = Field(
        default="nobody", description="who may watch at /watch without being a point"
    )
    recording_voices: bool = False  # each voice gets a track of its own, beside the mix
    recording_for: Literal["watch", "direct", "admin"] = "watch"  # the right to see recordings
    speaking_seconds: Annotated[int, Field(ge=5, le=14_400)] | None = Field(
        default=None, description="seconds of a turn; no limit where left out"
    )


class Moved(Model):
    """One occurrence that takes place at another time."""

    day: Annotated[str, AfterValidator(_date)] = Field(description="on which it would take place")
    start: Annotated[str, AfterValidator(_local)]
    minutes: Annotated[int, Field(ge=5, le=24 * 60)]


class Extra(Model):
    """One occurrence more than the rule gives."""

    start: Annotated[str, AfterValidator(_local)]
    minutes: Annotated[int, Field(ge=5, le=24 * 60)]


class Schedule(Model):
    """When a template's conference takes place, on the wall clock of ``bridge.zone``."""

    start: Annotated[str, AfterValidator(_local)] = Field(description="YYYY-MM-DD HH:MM")
    minutes: Annotated[int, Field(ge=5, le=24 * 60)] = 90
    rule: Annotated[str, AfterValidator(_rule), Field(max_length=500)] | None = Field(
        default=None, description="RFC 5545 RRULE, for example FREQ=WEEKLY;BYDAY=MO"
    )
    exceptions: list[Annotated[str, AfterValidator(_date)]] = Field(default=[], max_length=500)
    moved: list[Moved] = Field(default=[], max_length=500)
    extra: list[Extra] = Field(default=[], max_length=500)


class Item(Model):
    """A matter on the agenda."""

    title: Annotated[Text, AfterValidator(_plain)]
    point: Identifier | None = Field(default=None, description="who speaks to it")
    minutes: Annotated[int, Field(ge=1, le=240)] | None = Field(
        default=None, description="as long as it takes where left out"
    )


class Template(Model):
    """A kind of conference that is held again and again."""

    id: Identifier
    title: Name
    chair: Identifier | None = Field(default=None, description="conference.chair where left out")
    points: list[Identifier] = Field(
        default=[], max_length=MAX_POINTS, description="all points where left out"
    )
    expected: list[Identifier] = Field(
        default=[], max_length=MAX_POINTS, description="who must come; all where left out"
    )
    opening_minutes: Annotated[int, Field(ge=0, le=24 * 60)] = Field(
        default=60, description="minutes before the start when the trial session opens"
    )
    start: Literal["by_hand", "on_time"] = "by_hand"
    layout: Literal["speaker", "alone", "grid", "content"] = "speaker"
    rules: Rules = Rules()
    agenda: list[Item] = Field(default=[], max_length=MAX_ITEMS)
    minutes: Minutes | None = Field(default=None, description="what differs from bridge.minutes")
    schedule: Schedule | None = None
