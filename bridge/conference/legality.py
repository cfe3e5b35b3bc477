"""Which command is allowed in which phase, and to whom: a table, asked before every decision."""

from __future__ import annotations

from dataclasses import dataclass, replace

from bridge.conference import commands as c
from bridge.conference import desk_call_commands as d
from bridge.conference import peer_commands as p
from bridge.conference.model import Actor, Phase, Refusal, State

OPEN_OR_LIVE: frozenset[Phase] = frozenset({"open", "live"})
TRIAL: frozenset[Phase] = frozenset({"open"})
LIVE: frozenset[Phase] = frozenset({"live"})

DIRECTING_ROLES = frozenset({"admin", "operator"})


@dataclass(frozen=True, slots=True)
class Rule:
    """When and for whom a command is legal. ``phases`` are those in which it is; ``operator``:
    users who may direct; ``own``: a point, for itself; ``person``: a delegate, for itself;
    ``system``: scheduler and system only. ``directs``: only the director."""

    phases: frozenset[Phase] = OPEN_OR_LIVE
    operator: bool = True
    own: bool = False
    person: bool = False
    directs: bool = True


_FACT = Rule(operator=False, directs=False)
_OF_DESK_CALL = Rule(operator=False, own=True, directs=False)
_SECRETARY = Rule(phases=LIVE, directs=False)  # writes while somebody else directs
_ROLL = Rule(directs=False)  # whoever keeps the list does so while somebody else directs

TABLE: dict[type[c.Command], Rule] = {
    c.Start: Rule(phases=TRIAL),
    c.Extend: Rule(),
    c.End: Rule(),
    c.Lock: Rule(),
    c.Direct: Rule(directs=False),
    c.Preview: Rule(),
    c.Take: Rule(),
    c.Back: Rule(),
    c.Return: Rule(),
    c.ReturnPicture: Rule(),
    c.SetLayout: Rule(),
    c.Pin: Rule(),
    c.Rank: Rule(),
    c.RequestFloor: Rule(operator=False, own=True, directs=False),
    c.WithdrawFloor: Rule(own=True),
    c.Grant: Rule(),
    c.SpeakingTime: Rule(),
    c.StartRollCall: Rule(),
    c.Next: Rule(),
    c.StopRollCall: Rule(),
    c.Mute: Rule(),
    c.Unmute: Rule(),
    c.MuteAll: Rule(),
    c.SelfMute: Rule(operator=False, own=True, directs=False),
    c.Camera: Rule(),
    c.Accept: Rule(operator=False, own=True, directs=False),
    c.Drop: Rule(),
    c.Recall: Rule(),
    c.Banner: Rule(),
    c.Share: Rule(own=True),
    c.StopShare: Rule(own=True),
    c.Record: Rule(),
    c.PauseRecording: Rule(),
    c.StopRecording: Rule(),
    c.SetAudience: Rule(),
    c.RenewCode: Rule(),
    c.ShowPage: Rule(own=True),
    c.PutAway: Rule(own=True),
    c.AttachPaper: _FACT,
    c.WithdrawPaper: _FACT,
    c.Attend: _ROLL,
    c.SetRegistration: _ROLL,
    c.ListPersons: _FACT,
    c.UnlistPersons: _FACT,
    c.KeepStrokes: Rule(directs=False),  # as papers are brought
    c.NextItem: Rule(),
    c.AddItem: Rule(),
    c.SetAgenda: Rule(),
    c.NoteDecision: _SECRETARY,
    c.EditDecision: _SECRETARY,
    c.WithdrawDecision: _SECRETARY,
    d.RingOfficer: replace(_OF_DESK_CALL, phases=TRIAL),
    d.AnswerCall: _OF_DESK_CALL,
    d.DeclineCall: _OF_DESK_CALL,
    d.HandOver: replace(_OF_DESK_CALL, phases=LIVE),
    d.HangUp: _OF_DESK_CALL,
    p.SendPicture: Rule(),
    p.AskThere: Rule(),
    p.TakeBack: Rule(),
    p.NoteFloorThere: _FACT,
    p.NoteAsking: _FACT,
    p.NoteMembers: _FACT,
    c.OpenVote: Rule(),
    c.CastBallot: Rule(operator=False, own=True, person=True, directs=False),
    c.RemindVoters: Rule(),
    c.CastSecretly: _FACT,
    c.CountSecretly: _FACT,
    c.CloseVote: Rule(),
    c.CancelVote: Rule(),
    c.PointUp: _FACT,
    c.PointDown: _FACT,
    c.CallFailed: _FACT,
    c.NoteRecording: _FACT,
    c.NoteAudience: _FACT,
    c.Tick: _FACT,
    c.StepClock: _FACT,
    c.NoteQuality: _FACT,
    c.NotePicture: _FACT,
}

OF_DESK_CALLS = frozenset({d.RingOfficer, d.AnswerCall, d.DeclineCall, d.HandOver, d.HangUp})
IN_DESK_CALLS = OF_DESK_CALLS | {c.SelfMute, c.Share, c.StopShare, c.ShowPage, c.PutAway}
"""What is done by people in a desk call. Nothing else is: nobody directs one, nobody listens
in, and nothing is recorded."""


def refusal(state: State, command: c.Command, actor: Actor) -> Refusal | None:
    """Why ``actor`` may not give ``command`` now; None where it may."""
    rule = TABLE[type(command)]
    if not _may(rule, command, actor):
        return Refusal(key="refusal.not_allowed")
    if state.phase == "ended":
        return Refusal(key="refusal.ended")
    if state.phase not in rule.phases:
        early = state.phase == "open"
        return Refusal(key="refusal.not_started" if early else "refusal.already_started")
    if rule.directs and actor.kind == "user" and state.director not in (None, actor.name):
        return Refusal(key="refusal.other_director", arguments={"user": str(state.director)})
    return _not_of_its_kind(state, command, actor)


def _not_of_its_kind(state: State, command: c.Command, actor: Actor) -> Refusal | None:
    """Why a command has no place in a desk call, or in a meeting."""
    if state.call is None:
        other = type(command) in OF_DESK_CALLS
        return Refusal(key="refusal.no_desk_call") if other else None
    if actor.kind == "system" or (actor.kind == "point" and type(command) in IN_DESK_CALLS):
        return None
    return Refusal(key="refusal.desk_call")


def _may(rule: Rule, command: c.Command, actor: Actor) -> bool:
    if actor.kind in ("system", "scheduler"):
        return True
    if actor.kind == "user":
        return rule.operator and actor.role in DIRECTING_ROLES
    person = getattr(command, "person", "")
    if actor.kind == "person":
        return rule.person and person == actor.name
    return rule.own and not person and getattr(command, "point", None) == actor.name
