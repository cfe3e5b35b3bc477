"""Which command is allowed in which phase, and to whom: a table, asked before every decision."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.conference import commands as c
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
    c.NextItem: Rule(),
    c.AddItem: Rule(),
    c.SetAgenda: Rule(),
    c.NoteDecision: _SECRETARY,
    c.EditDecision: _SECRETARY,
    c.WithdrawDecision: _SECRETARY,
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
    return None


def _may(rule: Rule, command: c.Command, actor: Actor) -> bool:
    if actor.kind in ("system", "scheduler"):
        return True
    if actor.kind == "user":
        return rule.operator and actor.role in DIRECTING_ROLES
    person = getattr(command, "person", "")
    if actor.kind == "person":
        return rule.person and person == actor.name
    return rule.own and not person and getattr(command, "point", None) == actor.name
