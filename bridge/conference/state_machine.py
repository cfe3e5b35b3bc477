"""The conference as a state machine: `decide` tells what a command leads to, `due` when time
itself leads to something.

Pure: nothing is changed here. The decisions themselves stand by subject in
`bridge.conference.decisions`; `bridge.conference.apply` carries their events out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bridge.conference import commands as c
from bridge.conference import desk_call_commands as d
from bridge.conference import events as e
from bridge.conference import legality
from bridge.conference import peer_commands as p
from bridge.conference.decisions import (
    agenda,
    attending,
    audience,
    floor,
    minuted,
    other_sides,
    papers,
    phases,
    pictures,
    recording,
    ringing,
    seats,
    secret_ballots,
    sound,
    votes,
)
from bridge.conference.decisions.outcome import Outcome, no
from bridge.conference.desk_call import next_look
from bridge.conference.model import Actor, Refusal, State

END_WARNING = 300.0  # seconds before the planned end


def decide(state: State, command: c.Command, actor: Actor, now: float) -> Outcome:
    """Return the events of a command (none where nothing changes), or why it is refused."""
    refused = legality.refusal(state, command, actor)
    if refused is not None:
        return refused
    for point in (getattr(command, "point", None), *getattr(command, "points", ())):
        if point is not None and point not in state.seats:
            return no("refusal.unknown_point", point=point)
    outcome = _DECIDE[type(command)](state, command, actor, now)
    if isinstance(outcome, Refusal):
        return outcome
    if actor.kind == "user" and state.director is None and legality.TABLE[type(command)].directs:
        # Whoever directs while nobody does becomes the director.
        return (e.DirectorSet(user=actor.name), *outcome)
    return outcome


def _tick(state: State, _: c.Tick, actor: Actor, now: float) -> Outcome:
    if state.call is not None:
        return ringing.tick(state, now)
    if state.end is not None and not state.end_warned and now >= state.end - END_WARNING:
        return (e.EndNear(),)
    over = agenda.over_at(state)
    if over is not None and state.item is not None and now >= over - 0.001:
        return (e.ItemOver(number=state.item.number),)
    left = floor.next_warning(state)
    held = state.floor
    if held is None or left is None or held.limit is None:
        return ()
    if held.limit - held.spent(now) > left + 0.001:
        return ()
    if left == 0 and state.roll_call is not None:
        return floor.turn(state, now)
    return (e.FloorWarned(point=held.point, left=left),)


def _step_clock(state: State, command: c.StepClock, actor: Actor, now: float) -> Outcome:
    return (e.ClockStepped(seconds=command.seconds),)


_DECIDE: dict[type[c.Command], Callable[[State, Any, Actor, float], Outcome]] = {
    c.Start: phases.start,
    c.Extend: phases.extend,
    c.End: phases.end,
    c.Lock: phases.lock,
    c.Direct: phases.direct,
    c.Preview: pictures.preview,
    c.Take: pictures.take,
    c.Back: pictures.back,
    c.Return: floor.back_to_chair,
    c.ReturnPicture: pictures.return_picture,
    c.SetLayout: pictures.layout,
    c.Pin: pictures.pin,
    c.Rank: pictures.rank,
    c.RequestFloor: floor.request,
    c.WithdrawFloor: floor.withdraw,
    c.Grant: floor.grant,
    c.SpeakingTime: floor.speaking_time,
    c.StartRollCall: floor.roll_call,
    c.Next: floor.next_turn,
    c.StopRollCall: floor.stop_roll_call,
    c.Mute: sound.mute,
    c.Unmute: sound.unmute,
    c.MuteAll: sound.mute_all,
    c.SelfMute: sound.self_mute,
    c.Camera: pictures.camera,
    c.Accept: seats.accept,
    c.Drop: seats.drop,
    c.Recall: seats.recall,
    c.Banner: pictures.banner,
    c.Share: pictures.share,
    c.StopShare: pictures.stop_share,
    c.Record: recording.record,
    c.PauseRecording: recording.pause,
    c.StopRecording: recording.stop,
    c.NoteRecording: recording.note,
    c.NoteAudience: audience.note,
    c.SetAudience: audience.admit,
    c.RenewCode: audience.renew_code,
    c.ShowPage: papers.show,
    c.PutAway: papers.put_away,
    c.AttachPaper: papers.attach,
    c.WithdrawPaper: papers.withdraw,
    c.Attend: attending.note,
    c.SetRegistration: attending.registration,
    c.ListPersons: attending.listed,
    c.UnlistPersons: attending.unlisted,
    c.KeepStrokes: papers.keep_strokes,
    c.NextItem: agenda.next_item,
    c.AddItem: agenda.add,
    c.SetAgenda: agenda.set_items,
    c.NoteDecision: minuted.note,
    c.EditDecision: minuted.edit,
    c.WithdrawDecision: minuted.withdraw,
    d.RingOfficer: ringing.ring,
    d.AnswerCall: ringing.answer,
    d.DeclineCall: ringing.decline,
    d.HandOver: ringing.hand_over,
    d.HangUp: ringing.hang_up,
    p.SendPicture: other_sides.send_picture,
    p.AskThere: other_sides.ask,
    p.TakeBack: other_sides.take_back,
    p.NoteFloorThere: other_sides.note_floor,
    p.NoteAsking: other_sides.note_asking,
    p.NoteMembers: other_sides.note_members,
    c.OpenVote: votes.begin,
    c.CastBallot: votes.cast,
    c.RemindVoters: votes.remind,
    c.CastSecretly: secret_ballots.cast,
    c.CountSecretly: secret_ballots.count,
    c.CloseVote: votes.close,
    c.CancelVote: votes.cancel,
    c.PointUp: seats.point_up,
    c.PointDown: seats.point_down,
    c.CallFailed: seats.call_failed,
    c.Tick: _tick,
    c.StepClock: _step_clock,
    c.NoteQuality: seats.note_quality,
    c.NotePicture: seats.note_picture,
}


def due(state: State) -> float | None:
    """When `Tick` has something to do next, UTC seconds; None: nothing is due."""
    if state.phase == "ended":
        return None
    if state.call is not None and state.booking.desk is not None:
        return next_look(state.call, state.booking.desk)
    times: list[float] = []
    if state.end is not None and not state.end_warned:
        times.append(state.end - END_WARNING)
    over = agenda.over_at(state)
    if over is not None:
        times.append(over)
    held, left = state.floor, floor.next_warning(state)
    if held is not None and left is not None and held.since is not None and held.limit:
        times.append(held.since + held.limit - held.used - left)
    return min(times, default=None)
