"""Typed commands of the console."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.conference import commands as c
from bridge.conference.model import Refusal
from bridge.conference.typed import _VERBS, HELP, parse

POINTS = ("hoi-truong", "khoan-du", "chi-ne")


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("take khoan-du", c.Take(point="khoan-du")),
        ("  TAKE   2 ", c.Take(point="khoan-du")),
        ("take", c.Take()),
        ("back", c.Back()),
        ("preview off", c.Preview()),
        ("floor next", c.Grant()),
        ("floor chi-ne 120", c.Grant(point="chi-ne", seconds=120)),
        ("time off", c.SpeakingTime()),
        ("rollcall 15 khoan-du", c.StartRollCall(seconds=15, points=("khoan-du",))),
        ("rollcall stop", c.StopRollCall()),
        ("mute all", c.MuteAll()),
        ("mute all but speaker", c.MuteAll(but="speaker")),
        ("mute all but chair lock", c.MuteAll(but="chair", lock=True)),
        ("mute khoan-du lock", c.Mute(point="khoan-du", lock=True)),
        ("camera off chi-ne", c.Camera(point="chi-ne", off=True)),
        ("layout grid", c.SetLayout(layout="grid")),
        ("pin 2 khoan-du", c.Pin(pane=2, point="khoan-du")),
        ("unpin 2", c.Pin(pane=2)),
        ("rank chi-ne khoan-du", c.Rank(points=("chi-ne", "khoan-du"))),
        ("return-picture chair", c.ReturnPicture()),
        ("banner Nghỉ 10 phút", c.Banner(text="Nghỉ 10 phút")),
        ("banner @khoan-du Chỉnh camera", c.Banner(text="Chỉnh camera", point="khoan-du")),
        ("banner off", c.Banner()),
        ("unlock", c.Lock(locked=False)),
        ("direct take-over", c.Direct(take_over=True)),
        ("extend 15", c.Extend(minutes=15)),
        ("share stop", c.StopShare()),
        ("vote open Thông qua kế hoạch", c.OpenVote(title="Thông qua kế hoạch")),
        (
            "vote open Chọn: A / Phương án B",
            c.OpenVote(title="Chọn", kind="choice", options=("A", "Phương án B")),
        ),
        ("vote remind", c.RemindVoters()),
        ("vote close", c.CloseVote()),
        ("vote cancel", c.CancelVote()),
    ],
)
def test_typed_commands(text: str, command: c.Command) -> None:
    assert parse(text, POINTS) == command


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("", "typed.empty"),
        ("dance", "typed.unknown"),
        ("take nobody", "refusal.unknown_point"),
        ("take 9", "refusal.unknown_point"),
        ("take 1 2", "typed.usage"),
        ("layout round", "typed.usage"),
        ("floor chi-ne soon", "typed.usage"),
        ("floor chi-ne 1", "typed.usage"),
        ("mute all but nobody else", "typed.usage"),
        ("mute", "typed.usage"),
        ("extend 0", "typed.usage"),
        ("extend 99999999999999999999", "typed.usage"),
        ("banner", "typed.usage"),
        ("banner " + "x" * 400, "typed.usage"),
        ("start now", "typed.usage"),
    ],
)
def test_typed_nonsense(text: str, key: str) -> None:
    outcome = parse(text, POINTS)
    assert isinstance(outcome, Refusal)
    assert outcome.key == key


def test_every_word_is_explained() -> None:
    assert {word for word, _ in HELP} == set(_VERBS)


@given(st.text(max_size=60), st.sampled_from([*_VERBS, ""]))
def test_whatever_is_typed(text: str, word: str) -> None:
    assert isinstance(parse(f"{word} {text}", POINTS), (c.Asked, Refusal))
