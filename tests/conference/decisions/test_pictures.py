"""What is seen: preview, take, panes, cameras, banners and shared screens."""

from __future__ import annotations

from bridge.conference import commands as c
from bridge.conference import events as e
from bridge.conference.plan import feed_of, panes, plan
from tests.conference.support import POINTS, live, point


def test_preview_and_take() -> None:
    run = live()
    assert run.refused(c.Take()) == "refusal.no_preview"
    run.ok(c.Preview(point="b"))
    assert run.ok(c.Take()) == (e.Taken(point="b", previous="a"),)
    assert run.state.preview is None
    assert run.ok(c.Take(point="b")) == ()
    assert run.heard() == {"a"}, "a take is a picture, no microphone"
    run.ok(c.Return())
    assert run.state.on_air == "a"


def test_what_cannot_be_shown() -> None:
    run = live(present=("a", "b"), observers=("d",))
    assert run.refused(c.Take(point="c")) == "refusal.point_absent"
    assert run.refused(c.Take(point="d")) == "refusal.observer"
    assert run.refused(c.Take(point="z")) == "refusal.unknown_point"
    assert run.refused(c.Preview(point="d")) == "refusal.observer"
    assert run.refused(c.Rank(points=("b", "z"))) == "refusal.unknown_point"


def test_who_is_on_air_sees_the_return_picture() -> None:
    run = live()
    run.ok(c.Take(point="b"))
    shown = {p: feed.point for p, feed in plan(run.state).programme.items() if feed}
    assert shown == {"a": "b", "b": "a", "c": "b", "d": "b"}
    run.ok(c.ReturnPicture(point="d"))
    feed = plan(run.state).programme["b"]
    assert feed is not None
    assert feed.point == "d"
    run.ok(c.ReturnPicture())
    run.ok(c.Return())
    feed = plan(run.state).programme["a"]
    assert feed is not None
    assert feed.point == "b", "the chair sees who was before"


def test_panes_are_fixed_or_ranked() -> None:
    run = live()
    assert panes(run.state) == POINTS
    run.ok(c.Pin(pane=2, point="d"))
    run.ok(c.Rank(points=("c",)))
    assert panes(run.state) == ("c", "d", "a", "b")
    run.ok(c.Pin(pane=1, point="d"))
    assert run.state.pins == {1: "d"}, "a point stands in one pane"
    run.ok(c.Pin(pane=1))
    assert panes(run.state) == ("c", "a", "b", "d")


def test_a_camera_that_is_off_is_shown_to_nobody() -> None:
    run = live()
    run.ok(c.Take(point="b"))
    run.ok(c.Camera(point="b", off=True))
    current = plan(run.state)
    assert current.viewer is None
    assert feed_of(current, "c", "thumb:b") is None
    run.ok(c.Camera(point="b", off=False))
    assert plan(run.state).viewer is not None


def test_banners_and_shared_screens() -> None:
    run = live()
    run.ok(c.Banner(text="  Nghỉ 10 phút "))
    run.ok(c.Banner(text="Chỉnh camera", point="b"))
    assert (run.state.banner, run.state.banners) == ("Nghỉ 10 phút", {"b": "Chỉnh camera"})
    run.ok(c.Banner(point="b"))
    assert run.state.banners == {}
    run.ok(c.Share(point="b"), point("b"))
    assert run.refused(c.Share(point="c"), point("c")) == "refusal.already_shared"
    run.ok(c.Share())
    content = plan(run.state).content
    assert content is not None
    assert (run.state.content, content.user) == ("user:lan", "lan")
    assert run.ok(c.StopShare(point="b"), point("b")) == ()
    run.ok(c.StopShare())
    assert plan(run.state).content is None
