"""Typed commands of the console: "take khoan-du", "floor next", "mute all but speaker"."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from bridge.conference import commands as c
from bridge.conference.model import Refusal

HELP: tuple[tuple[str, str], ...] = (
    ("take", "take POINT | take"),
    ("preview", "preview POINT"),
    ("back", "back"),
    ("return", "return"),
    ("floor", "floor next | floor POINT [SECONDS]"),
    ("next", "next"),
    ("item", "item next | item NUMBER | item add [MINUTES] [@POINT] TITLE"),
    ("decision", "decision TEXT | decision edit NUMBER TEXT | decision withdraw NUMBER"),
    (
        "vote",
        "vote open TITLE | vote open TITLE: OPTION / OPTION / … | vote secret TITLE | "
        "vote remind | vote close | vote cancel",
    ),
    ("time", "time SECONDS | time off"),
    ("rollcall", "rollcall [SECONDS] | rollcall stop"),
    ("mute", "mute POINT [lock] | mute all [but chair | but speaker] [lock]"),
    ("unmute", "unmute POINT"),
    ("camera", "camera off POINT | camera on POINT"),
    ("layout", "layout speaker | alone | grid | content"),
    ("pin", "pin PANE POINT"),
    ("unpin", "unpin PANE"),
    ("rank", "rank POINT POINT …"),
    ("return-picture", "return-picture POINT | return-picture chair"),
    ("withdraw", "withdraw POINT"),
    ("drop", "drop POINT"),
    ("recall", "recall POINT"),
    ("banner", "banner TEXT | banner @POINT TEXT | banner off"),
    ("share", "share POINT | share stop"),
    ("paper", "paper ID [PAGE] | paper off"),
    ("page", "page NUMBER"),
    ("record", "record | record pause | record stop"),
    ("audience", "audience nobody | audience accounts | audience code | audience anybody"),
    ("code", "code new"),
    ("lock", "lock"),
    ("unlock", "unlock"),
    ("direct", "direct | direct take-over"),
    ("start", "start"),
    ("extend", "extend MINUTES"),
    ("end", "end"),
)
"""Words and how they are used; the console shows them and completes from them."""


_asked: msgspec.json.Decoder[c.Asked] = msgspec.json.Decoder(c.Asked)


class _Usage(Exception):
    """The words do not fit the command."""


def parse(text: str, points: tuple[str, ...]) -> c.Asked | Refusal:
    """Return the command of a line. Points are named by id, or by their number from 1."""
    words = text.split()
    if not words:
        return Refusal(key="typed.empty")
    verb, rest = words[0].lower(), words[1:]
    parser = _VERBS.get(verb)
    if parser is None:
        return Refusal(key="typed.unknown", arguments={"word": verb[:40]})

    def point(word: str) -> str:
        word = word.lower()
        if word.isdecimal() and 1 <= int(word[:6]) <= len(points):
            return points[int(word) - 1]
        if word not in points:
            raise _Usage(word)
        return word

    try:
        plain = msgspec.to_builtins(parser(rest, point, text))
        return _asked.decode(msgspec.json.encode(plain))
    except _Usage as error:
        if error.args:
            return Refusal(
                key="refusal.unknown_point", arguments={"point": str(error.args[0])[:40]}
            )
    except (IndexError, ValueError, msgspec.ValidationError):
        pass
    return Refusal(key="typed.usage", arguments={"usage": dict(HELP)[verb]})


Point = Callable[[str], str]


def _only(words: list[str], most: int) -> None:
    if len(words) > most:
        raise ValueError


def _record(words: list[str], point: Point, _: str) -> c.Asked:
    _only(words, 1)
    if not words:
        return c.Record()
    if words[0] == "pause":
        return c.PauseRecording()
    if words[0] != "stop":
        raise ValueError
    return c.StopRecording()


def _audience(words: list[str], point: Point, _: str) -> c.Asked:
    _only(words, 1)
    return msgspec.convert({"type": "audience", "admits": words[0]}, type=c.SetAudience)


def _code(words: list[str], point: Point, _: str) -> c.Asked:
    if words != ["new"]:
        raise ValueError
    return c.RenewCode()


def _take(words: list[str], point: Point, _: str) -> c.Asked:
    _only(words, 1)
    return c.Take(point=point(words[0]) if words else None)


def _preview(words: list[str], point: Point, _: str) -> c.Asked:
    _only(words, 1)
    return c.Preview(point=None if words[0] == "off" else point(words[0]))


def _floor(words: list[str], point: Point, _: str) -> c.Asked:
    _only(words, 2)
    seconds = int(words[1]) if len(words) > 1 else None
    return c.Grant(point=None if words[0] == "next" else point(words[0]), seconds=seconds)


def _item(words: list[str], point: Point, text: str) -> c.Asked:
    if words[0] != "add":
        _only(words, 1)
        return c.NextItem(number=None if words[0] == "next" else int(words[0]))
    rest = text.split(None, 2)[2].strip()
    minutes = speaker = None
    first, _, behind = rest.partition(" ")
    if first.isdecimal() and behind.strip():
        minutes, rest = int(first[:6]), behind.strip()
    first, _, behind = rest.partition(" ")
    if first.startswith("@"):
        speaker, rest = point(first[1:]), behind.strip()
    return c.AddItem(title=rest, point=speaker, minutes=minutes)


def _decision(words: list[str], point: Point, text: str) -> c.Asked:
    rest = text.split(None, 1)[1].strip()
    if words[0] == "withdraw" and len(words) == 2 and words[1].isdecimal():
        return c.WithdrawDecision(decision=int(words[1][:6]))
    if words[0] == "edit" and len(words) > 2 and words[1].isdecimal():
        return c.EditDecision(decision=int(words[1][:6]), text=rest.split(None, 2)[2])
    return c.NoteDecision(text=rest)


def _vote(words: list[str], point: Point, text: str) -> c.Asked:
    secret = words[0] == "secret"
    if words[0] != "open" and not secret:
        _only(words, 1)
        plain: dict[str, c.Asked] = {
            "remind": c.RemindVoters(),
            "close": c.CloseVote(),
            "cancel": c.CancelVote(),
        }
        if words[0] not in plain:
            raise ValueError
        return plain[words[0]]
    title, _, options = text.split(None, 2)[2].strip().partition(": ")
    if not options:
        return c.OpenVote(title=title, secret=secret)
    named = tuple(option.strip() for option in options.split(" / "))
    return c.OpenVote(title=title.strip(), kind="choice", options=named, secret=secret)


def _time(words: list[str], point: Point, _: str) -> c.Asked:
    _only(words, 1)
    return c.SpeakingTime(seconds=None if words[0] == "off" else int(words[0]))


def _rollcall(words: list[str], point: Point, _: str) -> c.Asked:
    if words == ["stop"]:
        return c.StopRollCall()
    seconds = int(words[0]) if words else 20
    return c.StartRollCall(seconds=seconds, points=tuple(point(w) for w in words[1:]))


def _mute(words: list[str], point: Point, _: str) -> c.Asked:
    lock = words[-1] == "lock"
    words = words[:-1] if lock else words
    if words[0] == "all":
        if len(words) == 1:
            return c.MuteAll(lock=lock)
        if words[1] == "but" and words[2] in ("chair", "speaker"):
            _only(words, 3)
            return c.MuteAll(but="chair" if words[2] == "chair" else "speaker", lock=lock)
        raise ValueError
    _only(words, 1)
    return c.Mute(point=point(words[0]), lock=lock)


def _camera(words: list[str], point: Point, _: str) -> c.Asked:
    _only(words, 2)
    if words[0] not in ("on", "off"):
        raise ValueError
    return c.Camera(point=point(words[1]), off=words[0] == "off")


def _layout(words: list[str], point: Point, _: str) -> c.Asked:
    _only(words, 1)
    return msgspec.convert({"type": "layout", "layout": words[0]}, type=c.SetLayout)


def _banner(words: list[str], point: Point, text: str) -> c.Asked:
    rest = text.split(None, 1)[1]
    if rest.startswith("@"):
        name, _, rest = rest[1:].partition(" ")
        return c.Banner(text="" if rest.strip() == "off" else rest.strip(), point=point(name))
    return c.Banner(text="" if rest.strip() == "off" else rest.strip())


def _one(build: Callable[[str], c.Asked]) -> Callable[[list[str], Point, str], c.Asked]:
    def parser(words: list[str], point: Point, _: str) -> c.Asked:
        _only(words, 1)
        return build(point(words[0]))

    return parser


def _none(command: c.Asked) -> Callable[[list[str], Point, str], c.Asked]:
    def parser(words: list[str], point: Point, _: str) -> c.Asked:
        _only(words, 0)
        return command

    return parser


def _pin(words: list[str], point: Point, _: str) -> c.Asked:
    _only(words, 2)
    return c.Pin(pane=int(words[0]), point=point(words[1]))


def _unpin(words: list[str], point: Point, _: str) -> c.Asked:
    _only(words, 1)
    return c.Pin(pane=int(words[0]))


def _return_picture(words: list[str], point: Point, _: str) -> c.Asked:
    _only(words, 1)
    return c.ReturnPicture(point=None if words[0] == "chair" else point(words[0]))


def _share(words: list[str], point: Point, _: str) -> c.Asked:
    _only(words, 1)
    return c.StopShare() if words[0] == "stop" else c.Share(point=point(words[0]))


def _paper(words: list[str], point: Point, _: str) -> c.Asked:
    _only(words, 2)
    if words == ["off"]:
        return c.PutAway()
    return c.ShowPage(paper=words[0], page=int(words[1]) if len(words) > 1 else 1)


def _page(words: list[str], point: Point, _: str) -> c.Asked:
    _only(words, 1)
    return c.ShowPage(page=int(words[0]))


def _direct(words: list[str], point: Point, _: str) -> c.Asked:
    if words not in ([], ["take-over"]):
        raise ValueError
    return c.Direct(take_over=bool(words))


def _extend(words: list[str], point: Point, _: str) -> c.Asked:
    _only(words, 1)
    return c.Extend(minutes=int(words[0]))


_VERBS: dict[str, Callable[[list[str], Point, str], c.Asked]] = {
    "take": _take,
    "preview": _preview,
    "back": _none(c.Back()),
    "return": _none(c.Return()),
    "floor": _floor,
    "next": _none(c.Next()),
    "item": _item,
    "decision": _decision,
    "vote": _vote,
    "time": _time,
    "rollcall": _rollcall,
    "mute": _mute,
    "unmute": _one(lambda p: c.Unmute(point=p)),
    "camera": _camera,
    "layout": _layout,
    "pin": _pin,
    "unpin": _unpin,
    "rank": lambda words, point, _: c.Rank(points=tuple(point(w) for w in words)),
    "return-picture": _return_picture,
    "withdraw": _one(lambda p: c.WithdrawFloor(point=p)),
    "drop": _one(lambda p: c.Drop(point=p)),
    "recall": _one(lambda p: c.Recall(point=p)),
    "banner": _banner,
    "share": _share,
    "paper": _paper,
    "page": _page,
    "record": _record,
    "audience": _audience,
    "code": _code,
    "lock": _none(c.Lock()),
    "unlock": _none(c.Lock(locked=False)),
    "direct": _direct,
    "start": _none(c.Start()),
    "extend": _extend,
    "end": _none(c.End()),
}
