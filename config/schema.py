"""What a topology file may say. Units are in the field descriptions."""

from __future__ import annotations

import ipaddress
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, Field, model_validator

from config.audience_schema import Audience
from config.camera_schema import CameraControl
from config.hosts_schema import Hosts
from config.minutes_schema import Minutes
from config.peers_schema import MAX_PEERS, Peer, Peering
from config.persons_schema import Persons
from config.security_schema import Backup, Security, Syslog
from config.sip_schema import SipGateway, SipPoint
from config.template_schema import Rules, Schedule, Template
from config.values import MAX_POINTS, MAX_PORT, Identifier, Ip, Model, Name, Network, Port, Text

MAX_WORKERS = 16  # that serve points: as many conferences at once hardly any district holds

__all__ = ["MAX_POINTS", "Identifier", "Name", "Rules", "Schedule", "Template"]


def _zone(value: str) -> str:
    if value not in available_timezones():
        raise ValueError(f"{value!r} is not a time zone, for example Asia/Ho_Chi_Minh")
    return str(ZoneInfo(value))


def _url(value: str) -> str:
    if not value.startswith(("http://", "https://")):
        raise ValueError(f"{value!r} is not an http or https address")
    return value


Thumbnails = Annotated[int, Field(ge=0, le=48)]
Kbit = Annotated[int, Field(gt=0, le=100_000, description="kbit/s")]


class Tls(Model):
    """PEM files; relative paths are taken from the topology file's folder."""

    certificate: Text
    key: Text


class Web(Model):
    """Where pages, signalling and API are served."""

    listen: Ip = "127.0.0.1"
    port: Port = 8443
    tls: Tls | None = None
    origins: list[Text] = Field(
        default=[], description="origins of pages that may open a WebSocket, besides our own"
    )
    hosts: list[Text] = Field(
        default=[],
        max_length=50,
        description="names under which the pages are reached, besides the addresses in this file "
        "and the names in the certificate",
    )


class MediaPort(Model):
    """The one UDP port for all media."""

    listen: list[Ip] = Field(min_length=1, max_length=8)
    port: Port = 5004
    public: list[Ip] = Field(
        default=[],
        max_length=8,
        description="addresses that points are told; the listen addresses where empty",
    )
    spare: bool = Field(
        default=True,
        description="a second worker waits, to take the place of one that dies at once (100 MB)",
    )


class MetricsPort(Model):
    """Where Prometheus scrapes. Elsewhere than on loopback it needs TLS (the server's
    certificate where none is given), and a token or client certificates."""

    listen: Ip = "127.0.0.1"
    port: Port = 9464
    token: Annotated[str, Field(min_length=16, max_length=200)] | None = Field(
        default=None, description="bearer token that a scraper must show"
    )
    tls: Tls | None = None
    client_authority: Text | None = Field(
        default=None, description="PEM file of who signs the certificates of scrapers"
    )

    @model_validator(mode="after")
    def _guarded(self) -> MetricsPort:
        guarded = self.token is not None or self.client_authority is not None
        if not ipaddress.ip_address(self.listen).is_loopback and not guarded:
            raise ValueError(
                f"metrics on {self.listen} are open to everybody: give a token or a "
                "client_authority, or listen on 127.0.0.1"
            )
        return self


class Webhook(Model):
    """Where events of conferences and points are posted, signed with ``secret``."""

    id: Identifier
    url: Annotated[str, AfterValidator(_url), Field(max_length=500)]
    secret: Annotated[str, Field(min_length=16, max_length=200)]
    events: list[Text] = Field(default=[], description="kinds of events; all where empty")


class Probes(Model):
    """How lines are probed, all the time."""

    port: Port = Field(default=862, description="UDP port of the agents' reflectors (RFC 8762)")
    rate: Annotated[
        float, Field(ge=1, le=50, allow_inf_nan=False, description="packets a second and class")
    ] = 5.0
    classes: list[Literal["ef", "af41", "be"]] = Field(
        default=["ef", "af41", "be"],
        min_length=1,
        max_length=3,
        description="classes of service: EF (46), AF41 (34), best effort (0)",
    )
    keep_days: Annotated[
        int, Field(ge=1, le=4000, description="days that figures of lines are kept")
    ] = 400
    minutes_days: Annotated[
        int, Field(ge=1, le=400, description="days with one row a minute; then ten minutes, hours")
    ] = 14


class Router(Model):
    """A reflector that is on when the room PC is off: TWAMP-Light in a router of the point, or
    only its answers to ICMP echo."""

    address: Ip
    kind: Literal["twamp", "stamp", "icmp"] = "twamp"
    port: Port = 862
    size: Annotated[int, Field(ge=41, le=1472, description="octets of a probe packet")] = 64
    timestamps: Literal["ntp", "ptp"] = "ntp"
    stateful: bool = Field(
        default=False, description="it counts its replies, so that the directions can be told apart"
    )


class Recordings(Model):
    """Where recordings lie, and how much they leave to others."""

    folder: Text | None = Field(
        default=None, description="folder beside the topology file; in the state folder if left out"
    )
    free_mb: Annotated[int, Field(ge=100, le=10_000_000)] = Field(
        default=2000, description="free space in MB below which recording ends"
    )


class Bridge(Model):
    """The bridge itself: where it keeps its state, serves its pages and takes media."""

    name: Name
    zone: Annotated[str, AfterValidator(_zone)] = Field(
        default="Asia/Ho_Chi_Minh", description="time zone of schedules, pages and reports"
    )
    language: Literal["vi", "en"] = Field(default="vi", description="of texts in recordings")
    database: Annotated[str, Field(max_length=500)] = Field(
        default="", description="postgresql://…; SQLite in the state folder where empty"
    )
    hosts: Hosts | None = Field(
        default=None, description="several hosts of this bridge, of which one leads"
    )
    contact: Text | None = Field(
        default=None, description="whom a technician calls: a name and a telephone number"
    )
    webhooks: list[Webhook] = Field(default=[], max_length=20)
    web: Web = Web()
    media: MediaPort
    metrics: MetricsPort = MetricsPort()
    syslog: Syslog | None = None
    backup: Backup = Backup()
    recordings: Recordings = Recordings()
    audience: Audience = Audience()
    minutes: Minutes = Minutes()
    persons: Persons = Persons()
    sip: SipGateway | None = Field(
        default=None, description="the gateway for codecs; needed where a point has sip"
    )
    peering: Peering = Peering()
    security: Security = Security()
    workers: Annotated[
        int,
        Field(
            ge=1,
            le=MAX_WORKERS,
            description="media workers, each with a core and a port of its own; a conference is "
            "held by one of them",
        ),
    ] = 1
    state: Text = Field(
        default="var", description="folder for keys and sockets, beside the topology file"
    )

    @property
    def host_pages(self) -> tuple[str, ...]:
        """Where the pages of every host are, this one's first; none where there is one only."""
        return self.hosts.urls if self.hosts is not None else ()

    @model_validator(mode="after")
    def _ports(self) -> Bridge:
        workers = self.workers + self.audience.workers
        if self.media.port + workers - 1 > MAX_PORT:
            raise ValueError(
                f"{workers} workers need as many ports from media.port {self.media.port} on, and "
                f"the last port there is has the number {MAX_PORT}: choose a lower one"
            )
        return self

    @model_validator(mode="after")
    def _one_database(self) -> Bridge:
        if self.hosts is not None and not self.database.startswith("postgres"):
            raise ValueError(
                "several hosts need PostgreSQL: SQLite is a file on one machine, and is lost with "
                "it. Give bridge.database a postgresql:// address, or leave bridge.hosts out"
            )
        return self


class Link(Model):
    """A line of the dedicated network; links form a tree."""

    id: Identifier
    name: Name
    parent: Identifier | None = None
    capacity: Annotated[
        float, Field(gt=0, le=1_000_000, allow_inf_nan=False, description="Mbit/s per direction")
    ]
    video_share: Annotated[
        float, Field(gt=0, le=1, description="share of the capacity that video may use")
    ] = 0.5
    audience_share: Annotated[float, Field(ge=0, le=1)] | None = Field(
        default=None,
        description="share of the capacity that viewers may use beside that; 0.1 where left out, "
        "or what video leaves",
    )
    networks: list[Network] = Field(
        default=[], max_length=100, description="addresses of viewers behind this link"
    )

    @property
    def for_audience(self) -> float:
        """The share of the capacity that viewers may use."""
        if self.audience_share is not None:
            return self.audience_share
        return min(0.1, 1 - self.video_share)

    @model_validator(mode="after")
    def _shared(self) -> Link:
        if self.video_share + self.for_audience > 1:
            raise ValueError("video_share and audience_share are more than the link together")
        return self


class Point(Model):
    """A site in the conference."""

    id: Identifier
    name: Name
    tier: Identifier
    role: Literal["member", "observer"] = Field(
        default="member", description="an observer sees and hears, and sends nothing"
    )
    link: Identifier
    probe: Ip | None = Field(default=None, description="address that health probes go to")
    key: Annotated[str, Field(min_length=16, max_length=200)] | None = Field(
        default=None, description="secret of the room PC; left out: generated in the keys file"
    )
    router: Router | None = Field(
        default=None, description="what is probed while the room PC is off"
    )
    connect: Literal["automatic", "invitation", "none"] = Field(
        default="automatic",
        description="how the room comes into a conference: by itself, by a button, not at all",
    )
    desk: Literal["citizen", "officer"] | None = Field(
        default=None,
        description="no room that meets, but a desk: of citizens, who call officers; or of an "
        "officer, who is called",
    )
    camera_control: CameraControl | None = Field(
        default=None, description="presets of its camera that operators may call"
    )
    sound: Literal["room", "hall", "codec"] = Field(
        default="room",
        description="a room whose echo the browser takes out; a hall with a mixer, or a codec back "
        "to back in stereo, whose sound is left as it is",
    )

    sip: SipPoint | None = Field(
        default=None, description="a codec instead of a room PC: the gateway calls it"
    )


class Layer(Model):
    """A simulcast layer, lowest first."""

    rid: Annotated[str, Field(pattern=r"^[A-Za-z0-9]{1,16}$")]
    height: Annotated[int, Field(ge=90, le=2160, description="lines")]
    bitrate: Kbit
    frame_rate: Annotated[int, Field(ge=1, le=60)] = 30


class Media(Model):
    """What points send and receive."""

    codec: Literal["vp8", "h264"] = "vp8"
    layers: list[Layer] = Field(
        default=[
            Layer(rid="q", height=180, bitrate=150, frame_rate=15),
            Layer(rid="h", height=360, bitrate=400),
            Layer(rid="f", height=720, bitrate=1500),
        ],
        min_length=1,
        max_length=3,
    )
    content: Kbit = Field(default=1500, description="kbit/s of a shared screen")
    audio: Kbit = Field(default=40, description="kbit/s of one voice, headers included")
    audio_slots: Annotated[int, Field(ge=1, le=8, description="voices heard at once")] = 3
    thumbnails: Thumbnails = Field(
        default=24, description="small pictures that a room receives at once, at most"
    )
    console_thumbnails: Thumbnails = Field(
        default=48, description="small pictures that a console receives at once, at most"
    )
    estimation: bool = Field(
        default=True, description="send each room what its line seems to carry, and no more"
    )


class Conference(Model):
    """What a conference is where no template says otherwise: all points, this chair."""

    title: Name
    chair: Identifier


class DeskCalls(Model):
    """Calls of citizens' desks to officers."""

    ring_seconds: Annotated[
        int, Field(ge=10, le=120, description="seconds that an officer's page rings")
    ] = 30


class Topology(Model):
    """One file describes one bridge."""

    version: Literal[1]
    bridge: Bridge
    links: list[Link] = Field(min_length=1, max_length=1000)
    points: list[Point] = Field(min_length=2, max_length=MAX_POINTS)
    media: Media = Media()
    conference: Conference
    templates: list[Template] = Field(default=[], max_length=200)
    probes: Probes = Probes()
    desk_calls: DeskCalls = DeskCalls()
    peers: list[Peer] = Field(default=[], max_length=MAX_PEERS)

    def peer_of(self, point: str) -> Peer | None:
        """The other bridge that a point is."""
        return next((peer for peer in self.peers if peer.point == point), None)

    def point(self, ident: str) -> Point | None:
        return next((p for p in self.points if p.id == ident), None)
