"""Commands of bridge.py. Errors are sentences on standard error and an exit code."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.tree import Tree

from bridge.app.errors import StartError
from bridge.app.restarter import stay
from bridge.app.state_folder import held, look_at_database
from bridge.base import logs
from bridge.base.systemd import attend, notify
from bridge.cli.accounts import ca_app, security_app, user_app
from bridge.cli.agents import agents_app, bundle_app
from bridge.cli.common import EXIT_BAD_INPUT, errors, load_or_exit, state_folder
from bridge.cli.emptying import drain
from bridge.cli.minutes import minutes_app
from bridge.cli.named_files import faults
from bridge.cli.paper import paper_app
from bridge.cli.person import person_app
from bridge.cli.pins import peer_app
from bridge.cli.ready import ready
from bridge.cli.remote import PLAIN, backup, conference_app, point_app, restore
from bridge.cli.verify import verify
from config.needs import bottleneck, budget, link_loads, need_of, point_need, probe_load
from config.schema import Topology

TREE_WIDTH = 140  # columns
DEMO_TOPOLOGY = Path(__file__).parent.parent.parent / "config" / "lac-thuy.yaml"

app = typer.Typer(
    add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, help=__doc__
)
app.add_typer(user_app, name="user")
app.add_typer(ca_app, name="ca")
app.add_typer(security_app, name="security")
app.add_typer(conference_app, name="conference")
app.add_typer(point_app, name="point")
app.add_typer(paper_app, name="paper")
app.add_typer(minutes_app, name="minutes")
app.add_typer(person_app, name="person")
app.add_typer(peer_app, name="peer")
app.add_typer(agents_app, name="agents")
app.add_typer(bundle_app, name="bundle")
app.command()(backup)
app.command()(restore)
app.command()(drain)
app.command()(ready)
app.command()(verify)


def main() -> None:
    """Run the command line."""
    app()


@app.command()
def check(
    file: Annotated[Path | None, typer.Argument(help="a topology file")] = None,
    schema: Annotated[bool, typer.Option(help="print the JSON Schema for editors")] = False,
) -> None:
    """Check a topology and the files that it names: print every problem (exit 2), or the topology
    as a tree (exit 0)."""
    if schema:
        typer.echo(json.dumps(Topology.model_json_schema(), ensure_ascii=False, indent=2))
        return
    if file is None:
        errors.print(
            "Name a topology file, for example: python bridge.py check config/lac-thuy.yaml"
        )
        raise typer.Exit(EXIT_BAD_INPUT)
    topology = load_or_exit(file)
    found = faults(topology, file.parent, datetime.now(UTC))
    lines: list[str] = []
    if topology.bridge.hosts is not None:
        from bridge.cli.fellow_hosts import look_at_hosts  # noqa: PLC0415 - few have several

        state = state_folder(file, topology)
        looked = asyncio.run(look_at_hosts(topology, state))
        lines, found = [*looked.lines, takeover_line(topology)], [*found, *looked.faults]
    for fault in found:
        errors.print(f"{file}: {fault.said}", **PLAIN)
    if any(fault.grave for fault in found):
        raise typer.Exit(EXIT_BAD_INPUT)
    # Wide enough for a line a point; a narrow terminal wraps, nothing is cut off.
    console = Console(highlight=False, width=TREE_WIDTH)
    console.print(topology_tree(topology))
    for line in lines:
        console.print(line, markup=False)
    console.print(media_line(topology), markup=False)
    console.print(minutes_head(topology), markup=False)


def media_line(topology: Topology) -> str:
    """The UDP ports that points have to reach. Pure."""
    bridge = topology.bridge
    first, more = bridge.media.port, bridge.workers + bridge.audience.workers - 1
    if not first or not more:
        return f"Media: UDP port {first or '(chosen by the system)'}, 1 worker"
    return (
        f"Media: UDP ports {first} to {first + more}, one for each worker: {bridge.workers} for "
        f"points, {bridge.audience.workers} for viewers. Let all of them through."
    )


def takeover_line(topology: Topology) -> str:
    """What the loss of a host means, in a line. Pure."""
    hosts = topology.bridge.hosts
    assert hosts is not None
    return (
        f"Another host leads {hosts.takeover:g} s after the last sign of life. Recordings and "
        "secret votes that run stay on the host that received them."
    )


def minutes_head(topology: Topology) -> str:
    """How minutes are headed, in a line. Pure."""
    minutes = topology.bridge.minutes
    agency = minutes.agency or topology.bridge.name.vi.upper()
    above = f"{minutes.superior}, " if minutes.superior else ""
    return f"Minutes: {above}{agency}, Số: …/{minutes.symbol}, {minutes.place or '(no place)'}"


def topology_tree(topology: Topology) -> Tree:
    """Links as branches, points as leaves, needs beside what links give."""
    need = point_need(topology.media, len(topology.points))
    loads = link_loads(topology)
    tree = Tree(
        f"[bold]{escape(topology.bridge.name.vi)}[/]  {len(topology.points)} points, "
        f"each sends {need.up / 1000:.1f} and receives {need.down / 1000:.1f} Mbit/s; "
        f"probes take {probe_load(topology):.0f} kbit/s each way"
    )
    branches: dict[str | None, Tree] = {None: tree}
    waiting = list(topology.links)
    while waiting:
        link = waiting.pop(0)
        if link.parent not in branches:
            waiting.append(link)
            continue
        load = loads[link.id]
        mark = "[green]fits[/]" if load.fits else "[red]does not fit[/]"
        branches[link.id] = branches[link.parent].add(
            f"{link.id}: {link.capacity:g} Mbit/s, {budget(link) / 1000:g} for video; needs "
            f"{load.need.up / 1000:.1f} up, {load.need.down / 1000:.1f} down: {mark}"
        )
    for point in topology.points:
        tightest = bottleneck(topology, point)
        chair = ", chair" if point.id == topology.conference.chair else ""
        mark = "" if tightest.fits else f"; [red]link {tightest.link.id} is too narrow[/]"
        own = need_of(topology, point)
        observer = ", observer" if point.role == "observer" else ""
        branches[point.link].add(
            f"{escape(point.name.vi)} ({point.id}, {point.tier}{chair}{observer}): needs "
            f"{own.up / 1000:.1f} up, {own.down / 1000:.1f} down{mark}"
        )
    return tree


@app.command()
def serve(
    file: Annotated[Path, typer.Argument(help="a topology file")],
    external_worker: Annotated[
        bool, typer.Option(help="the media worker is started by somebody else (systemd)")
    ] = False,
    respawn: Annotated[
        bool,
        typer.Option(help="begin again at once when killed: a process that has loaded all waits"),
    ] = False,
) -> None:
    """Run the bridge until it is told to stop (SIGTERM, Ctrl-C). The media worker goes on
    forwarding while this process is restarted; SIGTERM ends both, but not a worker that was
    started by somebody else. With bridge.hosts it waits until this host leads."""
    from bridge.app.process import ControlProcess  # noqa: PLC0415 - most of what is to be read
    from bridge.app.turn import Turn  # noqa: PLC0415

    logs.configure(process="control")
    topology = load_or_exit(file)
    if respawn or topology.bridge.hosts is not None:  # who leads no more begins anew
        stay()
        topology = load_or_exit(file)  # it may have changed since the one before began
    folder = state_folder(file, topology)

    async def lead(stop: asyncio.Event, turn: Turn | None) -> None:
        process = ControlProcess(
            topology,
            state=folder,
            folder=file.resolve().parent,
            topology_file=file.resolve(),
            keep_worker=external_worker,
            own_worker=not external_worker,
            term=turn.leadership.term() if turn is not None else None,
            hand_over=turn.hand_over if turn is not None else None,
        )
        if turn is not None:
            await turn.expect_rooms(process)
        async with process:
            if sys.stdout.isatty():  # elsewhere it is a journal of JSON lines
                typer.echo(f"{process.url}/console")
                typer.echo(media_line(topology))
            alive = [asyncio.create_task(attend(lambda: process.healthy))]
            if turn is not None:
                alive.append(asyncio.create_task(turn.count_waiting(process)))
            await (stop.wait() if turn is None else turn.lead(stop))
            notify("STOPPING=1")
            for task in alive:
                task.cancel()

    async def run() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, stop.set)
        if topology.bridge.hosts is None:
            await lead(stop, None)
            return
        own = not external_worker
        async with Turn(topology, folder, file.resolve().parent, own_worker=own) as turn:
            alive = asyncio.create_task(attend(turn.healthy))
            waited = await turn.wait(stop)
            alive.cancel()
            try:
                if waited:
                    await lead(stop, turn)
            except StartError:
                turn.fall()  # whose term ended while it began did not fail
                raise

    try:
        with held(folder):
            look_at_database(
                folder, topology.bridge.database, folder / topology.bridge.backup.folder, file
            )
            asyncio.run(run())
    except StartError as error:
        errors.print(escape(str(error)), soft_wrap=True)
        raise typer.Exit(error.code) from None


@app.command()
def demo(
    points: Annotated[int | None, typer.Option(help="how many points, 2 or more")] = None,
    seconds: Annotated[
        float | None,
        typer.Option(
            help="end by itself after so long, on a busy machine once all was verified; exit 0 "
            "only if it was",
            min=1,
        ),
    ] = None,
    report: Annotated[Path | None, typer.Option(help="write a JSON report")] = None,
    browser: Annotated[bool, typer.Option(help="open the demo page")] = True,
    impair: Annotated[
        list[str] | None,
        typer.Option(help="make a line bad, for example khoan-du:loss-down=5%"),
    ] = None,
    monitoring: Annotated[
        bool, typer.Option("--monitoring", help="start Prometheus beside the demo")
    ] = False,
    room: Annotated[
        list[str] | None,
        typer.Option(help="leave a point to a real room, whose address is printed"),
    ] = None,
    record: Annotated[
        bool,
        typer.Option("--record", help="record the conference, read it back at the end, verify it"),
    ] = False,
    audience: Annotated[
        int,
        typer.Option(help="so many viewers watch, some by HLS", min=0, max=30),
    ] = 0,
    hosts: Annotated[
        int,
        typer.Option(
            help="2: two hosts on a PostgreSQL of the demo's own; the one that leads is lost at "
            "half time",
            min=1,
            max=2,
        ),
    ] = 1,
    file: Annotated[Path, typer.Option(help="topology")] = DEMO_TOPOLOGY,
) -> None:
    """Start worker, control process and simulated points on this machine."""
    os.environ.setdefault(logs.LEVEL, "ERROR")  # the display is what people look at
    logs.configure(process="control")  # before the imports: they may warn
    from bridge.demo.hosts.lost_host import HostsDemo  # noqa: PLC0415
    from bridge.demo.options import hosts_problem, problem  # noqa: PLC0415
    from bridge.demo.run import Demo  # noqa: PLC0415 - the other commands need no WebRTC stack
    from endpoints.netem.impairment import parse  # noqa: PLC0415

    topology = load_or_exit(file)
    impaired: dict[str, str] = {}
    try:
        for text in impair or []:
            impaired[parse(text).point] = text.partition(":")[2]
    except ValueError as error:
        errors.print(f"{error}.", soft_wrap=True, markup=False)
        raise typer.Exit(EXIT_BAD_INPUT) from None
    if wrong := problem(topology, points, impaired, room or [], report):
        errors.print(wrong, soft_wrap=True, markup=False)
        raise typer.Exit(EXIT_BAD_INPUT)
    count = len(topology.points) if points is None else points
    given = {"impair": impair, "monitoring": monitoring, "room": room, "record": record}
    if hosts > 1 and (wrong := hosts_problem({**given, "audience": audience})):
        errors.print(wrong, soft_wrap=True, markup=False)
        raise typer.Exit(EXIT_BAD_INPUT)
    try:
        if hosts > 1:
            two = HostsDemo(topology, points=count, seconds=seconds, report=report)
            raise typer.Exit(0 if asyncio.run(two.run()) else 1)
        ok = asyncio.run(
            Demo(
                topology,
                points=count,
                seconds=seconds,
                report=report,
                open_browser=browser,
                impaired=impaired,
                local=state_folder(file, topology),
                monitoring=monitoring,
                rooms=room or [],
                record=record,
                audience=audience,
            ).run()
        )
    except StartError as error:
        errors.print(escape(str(error)), soft_wrap=True)
        raise typer.Exit(1) from None
    raise typer.Exit(0 if ok else 1)
