"""What links give and lines carry: a conference planned before it starts, and a point's traffic in
both directions while it runs."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from bridge.accounts.auth import Denied
from bridge.base.i18n import Sentence, sentence
from bridge.conference.model import Booking, State
from bridge.control import templates, views
from bridge.control.admission.ladder import Step
from bridge.control.admission.link_tree import OWN
from bridge.control.admission.planning import Load, Promise, taken_by
from bridge.media import messages as m
from bridge.server.api.points import own_point
from bridge.server.api.routes import Call, Route
from config.schema import Name


class LinkNeed(msgspec.Struct, frozen=True, kw_only=True):
    """What a conference takes of one link, kbit/s: ``need`` if nothing was lowered, ``promised``
    after that, ``taken`` by the conferences that run, of the ``budget`` that the link gives to
    conferences. ``lowered`` is how far everybody behind it is lowered at least (as in `PointStep`);
    ``measured``: it is a point's line that was found to carry less than the file says."""

    link: str
    name: Sentence
    budget: int
    need_up: int
    need_down: int
    promised_up: int
    promised_down: int
    taken_up: int
    taken_down: int
    lowered: str
    measured: bool = False


class PointStep(msgspec.Struct, frozen=True, kw_only=True):
    """How far a point is lowered: full, medium, no_thumbnails, no_content, lowest or sound."""

    up: str
    down: str


class LinkPlan(msgspec.Struct, frozen=True, kw_only=True):
    """A conference on the tree of links, before it starts. ``points`` are those that are lowered;
    ``refused`` says why it cannot be opened."""

    links: list[LinkNeed]
    points: dict[str, PointStep]
    refused: Sentence | None = None


class SlotTraffic(msgspec.Struct, frozen=True, kw_only=True):
    """What a slot gets: bit/s, lines, frames per second; ``paused`` is measuring, line, link or "".
    ``name`` is the point's."""

    slot: str
    point: str | None
    name: Sentence | None
    layer: str
    height: int
    frame_rate: float
    bitrate: int
    paused: str


class LayerTraffic(msgspec.Struct, frozen=True, kw_only=True):
    """What comes in of a layer, and whether it is asked for."""

    source: str
    rid: str
    height: int
    frame_rate: float
    bitrate: int


class PointTraffic(msgspec.Struct, frozen=True, kw_only=True):
    """Both directions of a point, bit/s. ``estimate`` is what its line carries (0: unknown),
    ``bound`` what its links give it (0: no bound), ``used`` what it is sent; ``red`` and
    ``red_received`` are how many earlier frames its sound repeats. ``asked`` are the layers that
    it is to send, by source."""

    connected: bool
    estimate: int = 0
    bound: int = 0
    used: int = 0
    loss: float = 0.0
    red: int = 0
    slots: list[SlotTraffic] = []
    share_up: int = 0
    received: int = 0
    lost: float = 0.0
    red_received: int = 0
    layers: list[LayerTraffic] = []
    asked: dict[str, tuple[str, ...]] = {}
    promised: PointStep | None = None


async def plan_template(call: Call) -> LinkPlan:
    """Plan a conference of a template as if it was opened now."""
    services = call.services
    template = services.scheduler.templates().get(call.param("id"))
    if template is None:
        raise Denied(404, "api.unknown_template", id=call.param("id"))
    booking = templates.booking_of(template, services.control.topology.current, "", None)
    taken = taken_by(services.control.promises.made.values())
    return plan_view(call, booking, services.conductor.running(), taken)


def plan_view(
    call: Call, booking: Booking, beside: Sequence[State], taken: dict[str, Load]
) -> LinkPlan:
    """What a conference would take of the links ``beside`` others, which take ``taken``."""
    promises = call.services.control.promises
    promise = promises.plan(beside, booking)
    whole = promises.whole(promise.meeting)
    refusal = promises.refusal(promise)
    return LinkPlan(
        links=[_link(call, link, promise, whole, taken) for link in promise.loads],
        points={
            point: step_of(promise, point)
            for point in promise.meeting.points
            if max(promise.up[point], promise.down[point]) > Step.FULL
        },
        refused=sentence(refusal.key, **refusal.arguments) if refusal is not None else None,
    )


def _link(
    call: Call, link: str, promise: Promise, whole: dict[str, Load], taken: dict[str, Load]
) -> LinkNeed:
    topology = call.services.control.topology.current
    name: Name | None
    if link.startswith(OWN):
        point = topology.point(link.removeprefix(OWN))
        name = point.name if point is not None else None
    else:
        name = next((x.name for x in topology.links if x.id == link), None)
    used = taken.get(link, Load())
    return LinkNeed(
        link=link,
        name=views.as_sentence(name) if name is not None else Sentence(vi=link, en=link),
        budget=call.services.control.promises.tree.budgets[link],
        need_up=whole[link].up,
        need_down=whole[link].down,
        promised_up=promise.loads[link].up,
        promised_down=promise.loads[link].down,
        taken_up=used.up,
        taken_down=used.down,
        lowered=promise.at_least[link].name.lower(),
        measured=link.startswith(OWN),
    )


def step_of(promise: Promise, point: str) -> PointStep:
    """How far a promise lowers a point."""
    return PointStep(up=promise.up[point].name.lower(), down=promise.down[point].name.lower())


async def show_traffic(call: Call) -> PointTraffic:
    """What a point is sent and sends now."""
    ident = own_point(call)
    control = call.services.control
    session = control.sessions.of_point(ident)
    transport = session.transport if session is not None else ""
    rate = control.bounds.rate_of(transport) if transport else None
    promise = next((p for p in control.promises.made.values() if ident in p.down), None)
    promised = step_of(promise, ident) if promise is not None else None
    if session is None or rate is None:
        return PointTraffic(connected=bool(transport), promised=promised)
    return PointTraffic(
        connected=session.transport_up,
        estimate=rate.estimate,
        bound=rate.bound,
        used=rate.used,
        loss=rate.loss,
        red=rate.red,
        slots=[_slot(call, transport, slot) for slot in rate.slots if slot.kind == "video"],
        share_up=round(1000 * control.bounds.share_of(ident)[0]),
        received=rate.received,
        lost=rate.lost,
        red_received=rate.red_received,
        layers=[
            LayerTraffic(
                source=x.name,
                rid=x.rid,
                height=x.height,
                frame_rate=x.frame_rate,
                bitrate=x.bitrate,
            )
            for x in rate.layers
        ],
        asked={source: layers.rids for source, layers in session.layers.items()},
        promised=promised,
    )


def _slot(call: Call, transport: str, slot: m.SlotRate) -> SlotTraffic:
    routes = call.services.control.routes
    point = routes.named(slot.source) if slot.source is not None else None
    point = point or routes.stands(transport).get(slot.name)
    known = call.services.control.topology.current.point(point) if point is not None else None
    return SlotTraffic(
        slot=slot.name,
        point=point,
        name=views.as_sentence(known.name) if known is not None else None,
        layer=slot.layer,
        height=slot.height,
        frame_rate=slot.frame_rate,
        bitrate=slot.bitrate,
        paused=slot.paused,
    )


ROUTES = [
    Route(
        "GET",
        "/api/v1/templates/{id}/plan",
        plan_template,
        "watch",
        "What a conference takes of each link, before it starts",
        answer=LinkPlan,
    ),
    Route(
        "GET",
        "/api/v1/points/{id}/traffic",
        show_traffic,
        "own_points",
        "What a point is sent and sends now",
        answer=PointTraffic,
    ),
]
