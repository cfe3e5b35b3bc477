"""`peer`: the certificate that this bridge shows to others, and those that it takes."""

from __future__ import annotations

import datetime

import typer
from rich.console import Console
from rich.table import Table

from bridge.cli.common import EXIT_BAD_INPUT, File, errors, load_or_exit, state_folder
from bridge.control.peers import pinned
from config.schema import Topology

peer_app = typer.Typer(no_args_is_help=True, help="Other bridges: a province, districts.")


@peer_app.command("show")
def show(file: File) -> None:
    """Print our certificate for the other bridge's admin, making one where there is none; and what
    is known of the others."""
    from bridge.app.peering import own_pair  # noqa: PLC0415 - it reads the control process

    topology = load_or_exit(file)
    folder = file.resolve().parent
    own, _ = own_pair(topology, folder, state_folder(file, topology))
    try:
        if own.name == pinned.CERTIFICATE:
            pinned.make(own.parent, topology.bridge.name.vi, _now())
        found = pinned.read_pinned(own)
    except pinned.PinProblem as error:
        errors.print(str(error), markup=False)
        raise typer.Exit(EXIT_BAD_INPUT) from None
    typer.echo(found.pem.strip())
    typer.echo(f"key (SHA-256): {found.digest}")
    typer.echo(f"valid until:   {found.expires:%Y-%m-%d}")
    _others(topology, file)


def _others(topology: Topology, file: File) -> None:
    if not topology.peers:
        return
    table = Table("peer", "point", "side", "key (SHA-256)", "valid until")
    for peer in topology.peers:
        for name in peer.certificates:
            try:
                known = pinned.read_pinned(file.resolve().parent / name)
                table.add_row(
                    peer.id, peer.point, peer.side, known.digest, f"{known.expires:%Y-%m-%d}"
                )
            except pinned.PinProblem as error:
                table.add_row(peer.id, peer.point, peer.side, str(error), "")
    Console().print(table)


@peer_app.command("renew")
def renew(file: File) -> None:
    """Make another certificate with a fresh key, and print it. Give it to the other bridges; once
    they list it, `peer use-next` and a restart bring it into use."""
    topology = load_or_exit(file)
    state = state_folder(file, topology)
    nextone = state / "peer-next"
    pinned.make(nextone, topology.bridge.name.vi, _now())
    found = pinned.read_pinned(nextone / pinned.CERTIFICATE)
    typer.echo(found.pem.strip())
    typer.echo(f"key (SHA-256): {found.digest}")


@peer_app.command("use-next")
def use_next(file: File) -> None:
    """Show the certificate that `peer renew` has made, from the next start on."""
    topology = load_or_exit(file)
    state = state_folder(file, topology)
    nextone = state / "peer-next"
    if not (nextone / pinned.CERTIFICATE).exists():
        errors.print("There is no next certificate. Run bridge.py peer renew first.", markup=False)
        raise typer.Exit(EXIT_BAD_INPUT)
    for name in (pinned.KEY, pinned.CERTIFICATE):
        (nextone / name).replace(state / name)
    nextone.rmdir()
    typer.echo("It is shown from the next start on: systemctl restart diem-cau")


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)
