"""Makes messages of conferences, points and lines, as clients are shown them. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

from bridge.base.i18n import Sentence, known, sentence
from bridge.conference.model import Seat, State, Title
from bridge.conference.other_bridges import PeerSeat
from bridge.conference.plan import panes
from bridge.conference.voting import Vote, result_of
from bridge.control.camera_moves import Move
from bridge.control.line_quality import LineQuality
from bridge.control.slots import Slots
from bridge.control.templates import Upcoming
from bridge.signalling import protocol
from bridge.signalling.camera_messages import CameraView, PresetView
from bridge.signalling.vote_messages import Attendance, VoteView
from config.camera_schema import CameraControl
from config.schema import Name, Topology


def as_sentence(name: Name | Title) -> Sentence:
    return Sentence(vi=name.vi, en=name.en or name.vi)


def why(key: str) -> Sentence | None:
    """A reason of the log as a sentence. Older logs have reasons that only programs understand."""
    if not key:
        return None
    name = key if key.startswith("call.") else f"lost.{key}"
    return sentence(name if known(name) else "lost.lost")


def _away(seat: Seat) -> str:
    """Why a seat is empty; the reason of a drop is a person's own words, not one of the log's."""
    return "dropped" if seat.dropped else seat.call_problem or seat.lost_reason


class Arriving(NamedTuple):
    """What arrives at the bridge of a point."""

    voice: protocol.Voice = "none"
    picture: bool = False


NOTHING = Arriving()


def seat_view(seat: Seat, arriving: Arriving) -> protocol.SeatView:
    return protocol.SeatView(
        present=seat.present,
        called=seat.called,
        connect=seat.connect,
        microphone=seat.heard,
        open=seat.microphone,
        locked=seat.locked,
        self_muted=seat.self_muted,
        camera_off=seat.camera_off,
        dropped=seat.dropped,
        floor_seconds=seat.floor_seconds,
        voice=arriving.voice,
        picture=arriving.picture,
        problem=None if seat.present else why(_away(seat)),
    )


def conference_view(
    state: State, receiver: str | None, arriving: Mapping[str, Arriving]
) -> protocol.ConferenceView:
    """A conference for a point, or for a console (``receiver`` None), which sees all seats.
    ``arriving`` is by point."""
    banner = state.banner
    if receiver is not None:
        banner = state.banners.get(receiver) or banner
    seats = state.seats if receiver is None else {receiver: state.seats[receiver]}
    return protocol.ConferenceView(
        id=state.booking.id,
        seq=state.seq,
        title=as_sentence(state.booking.title),
        phase=state.phase,
        chair=state.chair,
        points=state.points,
        expected=state.booking.expected or state.points,
        opened_at=state.opened_at,
        started_at=state.started_at,
        start=state.booking.start,
        end=state.end,
        on_air=state.on_air,
        preview=state.preview if receiver is None else None,
        return_picture=state.return_picture,
        layout=state.layout,
        panes=panes(state),
        pins=state.pins if receiver is None else {},
        content=state.content,
        content_sound=state.content_sound,
        floor=state.floor,
        queue=state.queue,
        roll_call=state.roll_call.waiting if state.roll_call is not None else None,
        director=state.director,
        closed=state.closed,
        recording=state.booking.rules.recording,
        record=state.recording,
        recorded=state.recorded,
        record_problem=state.recording_problem,
        audience=state.audience if receiver is None else "nobody",
        audience_code=state.audience_code if receiver is None else 0,
        viewers=state.viewers if receiver is None else {},
        free_floor=state.booking.rules.floor == "free",
        end_near=state.end_warned,
        banner=banner,
        banners=state.banners if receiver is None else {},
        seats={
            point: seat_view(seat, arriving.get(point, NOTHING)) for point, seat in seats.items()
        },
        papers=tuple(p for p in state.papers.values() if receiver is None or p.for_point(receiver)),
        showing=state.showing,
        agenda=state.agenda,
        item=state.item,
        items_begun=state.items_begun,
        decisions=state.decisions if receiver is None else (),
        votes=tuple(vote_view(vote, receiver) for vote in state.votes),
        registration=state.registration_open,
        attendance=_attendance(state, receiver),
        peers=(
            {p: state.peers.get(p, PeerSeat()) for p in state.booking.bridges}
            if receiver is None
            else {}
        ),
    )


def _attendance(state: State, receiver: str | None) -> dict[str, Attendance]:
    """How many delegates are on the list of each point, and are there; a room's own only."""
    shown = [p for p in state.persons.values() if receiver in (None, p.point)]
    listed = Counter(person.point for person in shown)
    present = Counter(person.point for person in shown if person.present)
    return {
        point: Attendance(listed=count, present=present[point]) for point, count in listed.items()
    }


def vote_view(vote: Vote, receiver: str | None) -> VoteView:
    """A vote for a point, or for a console (``receiver`` None), which sees all ballots and the
    count as it stands."""
    seen = vote.ballots if receiver is None else {receiver: vote.ballots.get(receiver)}
    own = vote.ballots.get(receiver or "")
    so_far = vote.result
    if so_far is None and receiver is None and not vote.secret:
        so_far = result_of(vote)
    return VoteView(
        number=vote.number,
        title=vote.title,
        kind=vote.kind,
        stage=vote.stage,
        choices=vote.choices,
        options=vote.options,
        quorum=vote.quorum,
        majority=vote.majority,
        signed=vote.signed,
        secret=vote.secret,
        opened_at=vote.opened_at,
        closed_at=vote.closed_at,
        reminded_at=vote.reminded_at,
        invited=len(vote.weights),
        voted=len(vote.voted),
        waiting=tuple(v for v in vote.waiting if receiver in (None, v)),
        chosen={voter: ballot.choice for voter, ballot in seen.items() if ballot is not None},
        counts=so_far.counts if so_far is not None else {},
        ballots=own.number if own is not None else int(receiver in vote.secretly),
        unsigned=tuple(
            voter
            for voter, ballot in seen.items()
            if ballot and not ballot.key and vote.by == "points"
        ),
        by=vote.by,
        result=vote.result,
    )


def summary(state: State) -> protocol.Summary:
    return protocol.Summary(
        id=state.booking.id,
        title=as_sentence(state.booking.title),
        phase=state.phase,
        points=len(state.seats),
        present=len(state.present),
        director=state.director,
    )


def point_infos(
    topology: Topology, *, desks: bool = False, presets: bool = False
) -> tuple[protocol.PointInfo, ...]:
    """The points that meet; or (``desks``) those that call one another. With the ``presets`` of
    their cameras for who may call them."""
    return tuple(
        protocol.PointInfo(
            id=point.id,
            name=as_sentence(point.name),
            tier=point.tier,
            chair=point.id == topology.conference.chair,
            observer=point.role == "observer",
            presets=preset_views(point.camera_control) if presets else (),
        )
        for point in topology.points
        if (point.desk is not None) == desks
    )


def preset_views(camera: CameraControl | None) -> tuple[PresetView, ...]:
    """The presets of a camera, by their digits."""
    found = camera.presets if camera is not None else []
    return tuple(
        PresetView(number=preset.number, name=as_sentence(preset.name))
        for preset in sorted(found, key=lambda preset: preset.number)
    )


def camera_views(moves: Mapping[str, Move]) -> dict[str, CameraView]:
    """What cameras were asked for last."""
    return {
        point: CameraView(preset=m.preset, at=m.at, waits=m.waits, problem=m.problem)
        for point, m in moves.items()
    }


def layer_infos(topology: Topology) -> tuple[protocol.LayerInfo, ...]:
    return tuple(
        protocol.LayerInfo(
            rid=layer.rid, height=layer.height, bitrate=layer.bitrate, frame_rate=layer.frame_rate
        )
        for layer in topology.media.layers
    )


def slot_map(slots: Slots) -> protocol.SlotMap:
    return protocol.SlotMap(video=slots.video, audio=slots.audio)


def upcoming_view(upcoming: Upcoming) -> protocol.Upcoming:
    return protocol.Upcoming(
        template=upcoming.template,
        title=as_sentence(upcoming.title),
        start=upcoming.start,
        end=upcoming.end,
    )


def quality_view(line: LineQuality) -> protocol.Quality:
    return protocol.Quality(
        up=line.up,
        down=line.down,
        up_loss=line.up_loss,
        down_loss=line.down_loss,
        rtt_ms=line.rtt_ms,
        at=line.at,
        reach=line.reach,
        up_variation=line.up_variation,
        down_variation=line.down_variation,
        up_mos=line.up_mos,
        down_mos=line.down_mos,
        offset_ms=line.offset_ms,
        uncertainty_ms=line.uncertainty_ms,
        marks={
            kind: protocol.MarkView(sent=mark.sent, down=mark.down, up=mark.up)
            for kind, mark in line.marks.items()
        },
        source=line.source,
        agent=line.agent,
        router=line.router,
        silent=line.silent,
        maintenance=line.maintenance,
        incidents=line.incidents,
        watching=line.watching,
        playback=line.playback,
    )
