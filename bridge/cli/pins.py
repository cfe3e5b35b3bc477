"""`peer`: the certificate that this bridge shows to others, and those that it takes."""

from __future__ import annotations

import datetime
from pathlib import Path

import typer
from rich.console import Console
from rich.table import Table

from bridge.cli.common import EXIT_BAD_INPUT, File, errors, load_or_exit, state_folder
from bridge.control.peers import pinned
from config.schema import Topology

NEXT = "peer-next"  # of the state folder: what `peer renew` has made, until it is used

peer_app = typer.Typer(no_args_is_help=True, help="Other bridges: a province, districts.")


@peer_app.command("show")
def show(file: File) -> None:
    """Print our certificate for the other bridge's admin, making one where there is none; and what
    is known of the others."""
    topology = load_or_exit(file)
    peering, state = topology.bridge.peering, state_folder(file, topology)
    own, _ = pinned.own_pair(peering, file.resolve().parent, state)
    try:
        if peering.certificate is None:
            pinned.make(state, topology.bridge.name.vi, _now())
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
    topology, state = _ours(file)
    nextone = state / NEXT
    pinned.make(nextone, topology.bridge.name.vi, _now())
    found = pinned.read_pinned(nextone / pinned.CERTIFICATE)
    typer.echo(found.pem.strip())
    typer.echo(f"key (SHA-256): {found.digest}")


@peer_app.command("use-next")
def use_next(file: File) -> None:
    """Show the certificate that `peer renew` has made, from the next start on."""
    _, state = _ours(file)
    nextone = state / NEXT
    if not (nextone / pinned.CERTIFICATE).exists():
        errors.print("There is no next certificate. Run bridge.py peer renew first.", markup=False)
        raise typer.Exit(EXIT_BAD_INPUT)
    for name in (pinned.KEY, pinned.CERTIFICATE):
        (nextone / name).replace(state / name)
    nextone.rmdir()
    typer.echo("It is shown from the next start on: systemctl restart diem-cau")


def _ours(file: Path) -> tuple[Topology, Path]:
    """The topology and the state folder, where the certificate is one that we make. Ends the
    command where the topology names another one: what is made here would never be shown."""
    topology = load_or_exit(file)
    named = topology.bridge.peering.certificate
    if named is not None:
        errors.print(
            f"The topology names the certificate {named}, which is not made here. Put the next one "
            "in its place, once the other bridges list it, and restart; or take "
            "bridge.peering.certificate and key out.",
            markup=False,
        )
        raise typer.Exit(EXIT_BAD_INPUT)
    return topology, state_folder(file, topology)


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)
