"""Metrics of conferences: starts, takes, the floor, commands. Pure."""

from __future__ import annotations

from monitoring.exposition.buckets import COMMANDS, LENGTHS, TAKES, WAITS
from monitoring.exposition.label_sets import (
    AUDIENCE,
    AUDIENCE_REFUSALS,
    CALL_RESULTS,
    KIND,
    POINT,
    PRESET_RESULTS,
    REASON,
    RESULT,
    STATE,
    WORKER,
)
from monitoring.exposition.metric import Metric, counter, gauge, histogram

CONFERENCES: tuple[Metric, ...] = (
    gauge("conferences", STATE, state=("open", "live")).help(
        "Conferences that run: trial sessions (open) and live ones."
    ),
    counter("conference_starts_total", RESULT, result=("started", "refused", "not_saved")).help(
        "Starts of conferences, by result."
    ),
    histogram("conference_duration_seconds", LENGTHS).help("From start to end of a conference."),
    gauge("conference_next_start_timestamp_seconds").help(
        "When the next planned conference starts; 0: none."
    ),
    counter("floor_requests_total", RESULT, result=("granted", "withdrawn", "unanswered")).help(
        "Requests for the floor, by outcome."
    ),
    gauge("floor_requests_waiting").help("Requests for the floor that wait."),
    histogram("floor_wait_seconds", WAITS).help(
        "From a request for the floor until it was granted."
    ),
    gauge("floor_holder", POINT).help("1 for the point that has the floor."),
    gauge("on_air", POINT).help("1 for the point that is on air."),
    counter("desk_calls_total", RESULT, result=CALL_RESULTS).help(
        "Calls of citizens' desks that ended, by outcome."
    ),
    counter("desk_call_talk_seconds_total").help("Seconds that desks and officers have talked."),
    counter("talkbacks_total", RESULT, result=("done", "refused")).help(
        "How often operators spoke to a room alone, or were not let."
    ),
    counter("camera_presets_total", RESULT, result=PRESET_RESULTS).help(
        "Presets of points' cameras that were called, by what came of it."
    ),
    counter("takes_total").help("Changes of who is on air."),
    histogram("take_duration_seconds", TAKES).help(
        "From the order to show another picture until a receiver's programme slot switched."
    ),
    gauge("audience_viewers", KIND, kind=AUDIENCE).help(
        "Who watches conferences, by how they were admitted; hls: over HTTP."
    ),
    counter("audience_refused_total", REASON, reason=AUDIENCE_REFUSALS).help(
        "Who wanted to watch, or watched and asked for what there is not, and was refused."
    ),
    gauge("audience_workers", STATE, state=("ready", "away")).help(
        "Workers for viewers alone, here and on other machines, by state."
    ),
    gauge("audience_worker_viewers", WORKER).help("Viewers that a worker serves."),
    gauge("audience_relays", WORKER).help("Conferences that are relayed to a worker for viewers."),
    counter("audience_relays_opened_total", WORKER).help("Relays to that worker."),
    counter("audience_relays_failed_total", WORKER).help(
        "Relays that did not open or fell silent; each is opened again."
    ),
    counter("commands_total", RESULT, result=("done", "refused", "not_saved", "failed")).help(
        "Commands to conferences, by result."
    ),
    histogram("command_duration_seconds", COMMANDS).help(
        "From a command until it was saved and answered."
    ),
)
