"""The catalogues: both languages have the same keys and places, and code names no others."""

from __future__ import annotations

import re
import string

from bridge.base import i18n
from tests.paths import ROOT


def places(sentence: str) -> set[str]:
    """Places of a sentence; a name that differs by language ends in ``_en`` in the English one."""
    named = {name for _, name, _, _ in string.Formatter().parse(sentence) if name}
    return {name.removesuffix("_en") for name in named}


def test_the_languages_agree() -> None:
    vi, en = i18n.catalogue("vi"), i18n.catalogue("en")
    assert vi.keys() == en.keys()
    for key in vi:
        assert places(vi[key]) == places(en[key]), key
        assert vi[key].strip()
        assert en[key].strip()


def test_code_names_only_keys_that_exist() -> None:
    known = i18n.catalogue("vi")
    families = {key.partition(".")[0] for key in known}
    pattern = re.compile(r"[\"'`]((?:" + "|".join(families) + r")\.[a-z_.]+[a-z_])[\"'`]")
    files = [*ROOT.glob("bridge/**/*.py"), *ROOT.glob("bridge/web/**/*.js")]
    files += ROOT.glob("bridge/web/**/*.html")
    named = {key for file in files for key in pattern.findall(file.read_text("utf-8"))}
    named -= {key for key in named if key.startswith(("state.js", "protocol.js"))}
    unknown = {key for key in named if key not in known and not key.endswith((".js", ".py", ".ts"))}
    assert unknown == set()
    assert len(named) > 30


def test_pages_load_nothing_from_elsewhere() -> None:
    for file in ROOT.glob("bridge/web/**/*"):
        if file.suffix in (".js", ".html", ".css"):
            # The name of SVG's namespace is a name: nothing is loaded from there.
            text = file.read_text("utf-8").replace('"http://www.w3.org/2000/svg"', '"SVG"')
            assert not re.search(r"https?://", text), file
            assert "innerHTML" not in text, file
            assert not re.search(r"\sstyle=|\son[a-z]+=", text), file


def test_keys_that_are_put_together_exist() -> None:
    """Families of which the page or the report builds the key."""
    from typing import get_args

    from bridge.base.roles import ROLES
    from bridge.conference import commands as c
    from bridge.conference import events as e
    from bridge.conference import legality
    from bridge.conference.desk_call import CallOutcome, Unreached
    from bridge.conference.model import Layout, Phase
    from bridge.programme.orders import Problem
    from bridge.reports.conference import COLUMNS
    from bridge.signalling.desk_messages import OfficerState
    from bridge.signalling.protocol import PointState

    problems = [word for word in get_args(Problem) if word]
    known = i18n.catalogue("vi")
    variants = {
        "microphones": ("open", "closed"),
        "camera": ("on", "off"),
        "maintenance": ("on", "off"),
        "attendance": ("present", "absent"),
        "registration": ("on", "off"),
        "content_sound": ("on", "off"),
        "officer_unreached": get_args(Unreached),
        "locked": ("on", "off"),
        "banner": ("on", "off"),
        "self_muted": ("on", "off"),
        "recording": ("on", "paused", "off", *problems),
        "recording_written": ("on", "off"),
        "recording_kept": ("lost",),
        "audience": ("nobody", "accounts", "code", "anybody"),
    }
    expected = {f"role.{name}" for name in ROLES}
    expected |= {f"recording.{word}" for word in problems}
    expected |= {f"desk.outcome_{name}" for name in (*get_args(CallOutcome), "running")}
    expected |= {f"desk.state_{name}" for name in get_args(OfficerState)}
    expected |= {f"refusal.officer_{name}" for name in get_args(OfficerState) if name != "free"}
    expected |= {f"layout.{name}" for name in get_args(Layout)}
    expected |= {f"phase.{name}" for name in get_args(Phase)}
    expected |= {f"state.{name}" for name in (*get_args(PointState), "requesting", "speaking")}
    expected |= {f"report.column_{name}" for name in COLUMNS}
    expected |= {f"quality.{name}" for name in ("good", "fair", "poor", "bad", "unknown")}
    for kind in get_args(e.Event):
        tag = kind.__struct_config__.tag
        expected |= {f"event.{tag}_{v}" for v in variants.get(tag, ())} or {f"event.{tag}"}
    from monitoring.quality import incident_rules, readiness_rules

    expected |= {f"incident.{kind}" for kind in (*incident_rules.KINDS, "fault")}
    expected |= {f"ready.check.{name}" for name in readiness_rules.CHECKS}
    expected |= {f"ready.level.{name}" for name in readiness_rules.ORDER}
    expected |= {f"ready.verdict_{name}" for name in readiness_rules.ORDER}
    table = (ROOT / "bridge/web/console/keys.js").read_text("utf-8")
    bindings = re.findall(r'^  { action: "([a-z_]+)",(.*)$', table, re.MULTILINE)
    assert len(bindings) > 20
    expected |= {f"shortcut.{name}" for name, _ in bindings}
    expected |= {f"action.{name}" for name, rest in bindings if "button: true" in rest}
    expected.add("event.recording_kept")
    assert expected <= known.keys(), expected - known.keys()
    assert set(legality.TABLE) == set(get_args(c.Command))
