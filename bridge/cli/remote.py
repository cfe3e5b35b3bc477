"""`conference`, `point`, `backup`, `restore`: talk to the bridge that runs on this machine, with
the token that lies in its state folder."""

from __future__ import annotations

import asyncio
import json
import ssl
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote, urlencode

import aiohttp
import typer
from rich.console import Console
from rich.table import Table

from bridge.app.certificates import CA_CERTIFICATE
from bridge.app.credentials import LOCAL_ADDRESS, LOCAL_TOKEN
from bridge.app.errors import StartError
from bridge.app.state_folder import free
from bridge.base.files import write_private
from bridge.cli.common import File, errors, load_or_exit, moment, state_folder
from bridge.cli.offline import restore_offline, said
from bridge.demo.ports import another_answers
from bridge.store.database import NotSaved, StoreError
from config.room_address import room_address
from config.schema import Topology

conference_app = typer.Typer(no_args_is_help=True, help="Conferences of the running bridge.")
point_app = typer.Typer(no_args_is_help=True, help="Points of the running bridge.")
WIDTH = 140  # columns: ids are not cut, a narrow terminal wraps
TIMEOUT = aiohttp.ClientTimeout(total=600, connect=10)
NO_BUNDLE = (
    "This bridge has no bundle for room PCs. Make one (make bundle) and give it to the bridge: "
    "python bridge.py bundle use FILE"
)
PLAIN: dict[str, Any] = {"soft_wrap": True, "markup": False}  # other people's words


def ask(file: Path, method: str, path: str, body: Any = None, data: bytes | None = None) -> bytes:
    """One call; prints the reason and exits with 1 where it is refused."""
    state = state_folder(file, load_or_exit(file))
    try:
        url = (state / LOCAL_ADDRESS).read_text("utf-8").strip()
        token = (state / LOCAL_TOKEN).read_text("utf-8").strip()
    except OSError:
        errors.print(
            "The bridge does not run here (or its state folder cannot be read). "
            "Start it: python bridge.py serve FILE",
            soft_wrap=True,
        )
        raise typer.Exit(1) from None
    context: ssl.SSLContext | bool = True
    if (state / "tls" / CA_CERTIFICATE).exists():
        context = ssl.create_default_context(cafile=state / "tls" / CA_CERTIFICATE)

    async def call() -> tuple[int, bytes]:
        headers = {"Authorization": f"Bearer {token}"}
        async with (
            aiohttp.ClientSession(timeout=TIMEOUT) as http,
            http.request(
                method, url + path, json=body, data=data, headers=headers, ssl=context
            ) as response,
        ):
            return response.status, await response.read()

    try:
        status, answer = asyncio.run(call())
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        reason = str(error) or "it takes too long"
        errors.print(
            f"The bridge at {url} does not answer: {reason}. See whether it runs "
            "(systemctl status diem-cau), and start it again if it does not.",
            **PLAIN,
        )
        raise typer.Exit(1) from None
    if status >= 400:
        problem = _parsed(answer)
        errors.print(problem.get("title", f"The bridge refuses: {status}."), **PLAIN)
        if problem.get("detail"):
            errors.print(problem["detail"], **PLAIN)
        for row in problem.get("rows", ()):  # of a table that was refused
            errors.print(f"row {row['row']}: {row['sentence']}", **PLAIN)
        raise typer.Exit(1)
    return answer


def document(
    file: Path, method: str, path: str, body: Any = None, data: bytes | None = None
) -> Any:
    """One call, as `ask`; returns the JSON of its answer."""
    return _parsed(ask(file, method, path, body, data))


def _parsed(answer: bytes) -> Any:
    """The JSON of an answer; prints a sentence and exits with 1 where it is none."""
    try:
        return json.loads(answer)
    except ValueError:
        errors.print(
            f"What answers at the address in {LOCAL_ADDRESS} of the state folder is not the "
            "bridge. See what else listens there, and start the bridge again.",
            **PLAIN,
        )
        raise typer.Exit(1) from None


@conference_app.command("start")
def start(
    template: Annotated[str, typer.Argument(help="id of a template")],
    file: File,
    trial: Annotated[bool, typer.Option(help="open the trial session only")] = False,
) -> None:
    """Open a conference of a template and start it."""
    body = {"template": template, "start": not trial}
    answer = document(file, "POST", "/api/v1/conferences", body)
    typer.echo(answer["conference"])


@conference_app.command("plan")
def plan(template: Annotated[str, typer.Argument(help="id of a template")], file: File) -> None:
    """Show what a conference of a template would take of each link, before it starts."""
    found = document(file, "GET", f"/api/v1/templates/{quote(template, safe='')}/plan")
    table = Table("link", "gives kbit/s", "taken ↑/↓", "needs ↑/↓", "gets ↑/↓", "lowered")
    for row in found["links"]:
        table.add_row(
            row["name"]["vi"] + (" (measured)" if row["measured"] else ""),
            str(row["budget"]),
            f"{row['taken_up']}/{row['taken_down']}",
            f"{row['need_up']}/{row['need_down']}",
            f"{row['promised_up']}/{row['promised_down']}",
            "" if row["lowered"] == "full" else row["lowered"],
        )
    console = Console(width=WIDTH)
    console.print(table)
    for point, step in found["points"].items():
        console.print(f"{point}: ↓ {step['down']}, ↑ {step['up']}", markup=False)
    if found["refused"]:
        errors.print(found["refused"]["en"], soft_wrap=True, markup=False)
        raise typer.Exit(1)
    lowered = len(found["points"])
    typer.echo(f"{lowered} points are lowered" if lowered else "Everything fits.")


@conference_app.command("end")
def end(
    conference: Annotated[str, typer.Argument(help="id of a conference")],
    file: File,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="do not ask")] = False,
) -> None:
    """End a conference for everybody."""
    path = f"/api/v1/conferences/{quote(conference, safe='')}"
    document(file, "GET", f"{path}/report")  # one that is not there is not asked about
    if not yes and not typer.confirm(f"End {conference} for everybody?"):
        raise typer.Exit(1)
    path += "/commands"
    ask(file, "POST", path, {"command": {"type": "direct", "take_over": True}})
    ask(file, "POST", path, {"command": {"type": "end"}})
    typer.echo(f"{conference} has ended")


@conference_app.command("do")
def do(
    conference: Annotated[str, typer.Argument(help="id of a conference")],
    words: Annotated[list[str], typer.Argument(help="a command as it is typed on the console")],
    file: File,
) -> None:
    """Give a command to a conference, for example: do ID item next."""
    path = f"/api/v1/conferences/{quote(conference, safe='')}/commands"
    answer = document(file, "POST", path, {"text": " ".join(words)})
    typer.echo(f"done, event {answer['seq']}")


@conference_app.command("list")
def list_(file: File) -> None:
    """List conferences, running ones first."""
    zone = load_or_exit(file).bridge.zone
    table = Table("id", "title", "state", "opened", "present")
    for item in document(file, "GET", "/api/v1/conferences"):
        opened = moment(item["opened_at"], zone)
        present = f"{item['present']}/{item['points']}" if item["phase"] != "ended" else ""
        table.add_row(item["id"], item["title"]["vi"], item["phase"], opened, present)
    Console(width=WIDTH).print(table)


@conference_app.command("show")
def show(conference: Annotated[str, typer.Argument(help="id of a conference")], file: File) -> None:
    """Show who is in a conference and what was done there."""
    report = document(file, "GET", f"/api/v1/conferences/{quote(conference, safe='')}/report")[
        "report"
    ]
    zone = load_or_exit(file).bridge.zone
    table = Table("point", "joined", "present s", "drops", "turns", "floor s", "up", "down")
    for row in report["points"]:
        joined = row["joined_at"]
        table.add_row(
            row["point"],
            moment(joined, zone) if joined else "never",
            f"{row['present_seconds']:.0f}",
            str(len(row["interruptions"])),
            str(row["turns"]),
            f"{row['floor_seconds']:.0f}",
            max(row["up"], key=row["up"].get, default="unknown"),
            max(row["down"], key=row["down"].get, default="unknown"),
        )
    console = Console(width=WIDTH)
    console.print(report["title"]["vi"], markup=False)
    console.print(table)


@point_app.command("code")
def code(
    point: Annotated[str, typer.Argument(help="id of a point")],
    file: File,
    address: Annotated[
        str, typer.Option(help="where room PCs reach the bridge, for example https://192.0.2.10")
    ] = "",
) -> None:
    """Make a one-time code with which a room PC enrols itself, and the line that installs one."""
    address = address or room_address(load_or_exit(file))
    query = urlencode({"address": address})
    answer = document(file, "POST", f"/api/v1/points/{quote(point, safe='')}/enrolments?{query}")
    zone = load_or_exit(file).bridge.zone
    typer.echo(f"{answer['code']}  (for {point}, once, until {moment(answer['expires'], zone)})")
    if answer["line"]:
        typer.echo("\nA new room PC, as root; it installs everything and uses the code:\n")
        typer.echo(answer["line"])
    else:
        errors.print(NO_BUNDLE, soft_wrap=True)


def backup(file: File, out: Annotated[Path, typer.Argument(help="file to write")]) -> None:
    """Write a backup of the database of the running bridge (for cron)."""
    data = ask(file, "GET", "/api/v1/backup")
    try:
        write_private(out, data)  # hashes of passwords and keys are inside
    except OSError as error:
        errors.print(f"{out} cannot be written: {error.strerror}.", markup=False)
        raise typer.Exit(1) from None
    typer.echo(f"{out}: {len(data)} octets")


def restore(
    file: File,
    source: Annotated[Path, typer.Argument(help="a backup", exists=True)],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="do not ask")] = False,
) -> None:
    """Replace the database by a backup, whether the bridge runs or not; the audit trail stays.
    Asks first."""
    if not yes and not typer.confirm(
        f"Replace everything that the bridge has stored by {source}? "
        "What was stored since that backup is lost."
    ):
        raise typer.Exit(1)
    topology = load_or_exit(file)
    state = state_folder(file, topology)
    if free(state) and not another_answers(state / LOCAL_ADDRESS, ""):
        _restore_offline(topology, state, source, file.resolve().parent)
        return
    answer = document(file, "PUT", "/api/v1/backup", data=source.read_bytes())
    typer.echo(said(answer["rows"], answer["signed_by"], answer["lost_logs"]))


def _restore_offline(topology: Topology, state: Path, source: Path, base: Path) -> None:
    try:
        typer.echo(asyncio.run(restore_offline(topology, state, source, base)))
    except (StartError, StoreError, NotSaved, ValueError) as error:
        errors.print(str(error), **PLAIN)
        raise typer.Exit(1) from None
