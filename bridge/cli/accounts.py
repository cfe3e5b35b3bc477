"""`user` and `ca`: accounts in the database, certificates in the state folder. They work
whether the bridge runs or not."""

from __future__ import annotations

import asyncio
import datetime
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from bridge.accounts import passwords
from bridge.accounts.syslog import PSEUDONYM_KEY, rotate
from bridge.app import certificates
from bridge.app.errors import StartError
from bridge.app.state_folder import read_secret
from bridge.base.i18n import text
from bridge.base.roles import ROLES, User, name_problem, password_problem
from bridge.cli.common import EXIT_BAD_INPUT, File, errors, load_or_exit, state_folder
from bridge.store.accounts import Accounts
from bridge.store.database import NotSaved, StoreError, engine_of, migrate

user_app = typer.Typer(no_args_is_help=True, help="Accounts of operators, technicians, admins.")
ca_app = typer.Typer(no_args_is_help=True, help="A local certificate authority for the pages.")
security_app = typer.Typer(no_args_is_help=True, help="What a security centre asks for.")

Name = Annotated[str, typer.Argument(help="the account's name: a-z, 0-9, dot, hyphen")]
RoleOption = Annotated[str, typer.Option(help=", ".join(ROLES))]
PointsOption = Annotated[
    list[str] | None, typer.Option("--point", help="a point that a technician looks after")
]


def _with_accounts(file: Path, work: Callable[[Accounts], Awaitable[None]]) -> None:
    topology = load_or_exit(file)
    folder = state_folder(file, topology)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    async def run() -> None:
        engine = engine_of(topology.bridge.database, folder)
        try:
            await migrate(engine)
            await work(Accounts(engine))
        finally:
            await engine.dispose()

    try:
        asyncio.run(run())
    except (StoreError, NotSaved) as error:
        errors.print(str(error), soft_wrap=True, markup=False)
        raise typer.Exit(1) from None


def _fail(key: str, **arguments: str) -> typer.Exit:
    errors.print(text("en", key, **arguments), soft_wrap=True, markup=False)
    return typer.Exit(EXIT_BAD_INPUT)


def _unknown(name: str) -> typer.Exit:
    errors.print(
        f"{text('en', 'account.unknown', name=name)} This shows all: python bridge.py user list",
        soft_wrap=True,
        markup=False,
    )
    return typer.Exit(EXIT_BAD_INPUT)


def _check_role(role: str) -> None:
    if role not in ROLES:
        errors.print(f"{role!r} is not a role. Roles are {', '.join(ROLES)}.", markup=False)
        raise typer.Exit(EXIT_BAD_INPUT)


def _check_points(file: Path, points: list[str] | None) -> None:
    known = {p.id for p in load_or_exit(file).points}
    for ident in points or []:
        if ident not in known:
            errors.print(
                f"The topology has no point {ident}. Its points: {', '.join(sorted(known))}.",
                soft_wrap=True,
                markup=False,
            )
            raise typer.Exit(EXIT_BAD_INPUT)


async def _audit(accounts: Accounts, action: str, target: str) -> None:
    await accounts.note(
        at=time.time(), actor="user:cli", address="", action=action, target=target, outcome="done"
    )


@user_app.command("add")
def add(name: Name, file: File, role: RoleOption = "operator", point: PointsOption = None) -> None:
    """Add an account and print its first password, which must be changed at the first login."""
    _check_role(role)
    if name_problem(name):
        raise _fail(name_problem(name))
    _check_points(file, point)

    async def work(accounts: Accounts) -> None:
        secret = passwords.new_password()
        user = User(
            name=name,
            role=role,  # type: ignore[arg-type]
            must_change=True,
            points=tuple(point or ()),
            created=time.time(),
        )
        hashed = passwords.hash_password(secret)
        if not await accounts.add_user(user, hashed, passwords.new_token()):
            raise _fail("account.name_taken", name=name)
        await _audit(accounts, "user add", name)
        typer.echo(f"{name} ({role}): the first password is {secret}")

    _with_accounts(file, work)


@user_app.command("passwd")
def passwd(
    name: Name,
    file: File,
    stdin: Annotated[bool, typer.Option(help="read the new password from standard input")] = False,
) -> None:
    """Give an account a new password; its logins end."""
    if stdin:
        secret, must_change = typer.get_text_stream("stdin").readline().rstrip("\n"), False
        problem = password_problem(name, secret)
        if problem:
            raise _fail(problem)
    else:
        secret, must_change = passwords.new_password(), True

    async def work(accounts: Accounts) -> None:
        hashed = passwords.hash_password(secret)
        if not await accounts.change_user(name, password=hashed, must_change=must_change):
            raise _unknown(name)
        await accounts.end_logins(name)
        await _audit(accounts, "user passwd", name)
        typer.echo(f"{name}: " + ("done" if stdin else f"the new password is {secret}"))

    _with_accounts(file, work)


@user_app.command("role")
def role(
    name: Name,
    role: Annotated[str, typer.Argument(help=", ".join(ROLES))],
    file: File,
    point: PointsOption = None,
) -> None:
    """Change an account's role (and a technician's points); its logins end."""
    _check_role(role)
    _check_points(file, point)

    async def work(accounts: Accounts) -> None:
        changes: dict[str, object] = {"role": role}
        if point is not None:
            changes["points"] = tuple(point)
        if not await accounts.change_user(name, **changes):
            raise _unknown(name)
        await accounts.end_logins(name)
        await _audit(accounts, "user role", f"{name} {role}")
        typer.echo(f"{name} is {role} now")

    _with_accounts(file, work)


@user_app.command("list")
def show(file: File) -> None:
    """List all accounts."""

    async def work(accounts: Accounts) -> None:
        table = Table("name", "role", "points", "state")
        for user in await accounts.users():
            state = "disabled" if user.disabled else "first login" if user.must_change else ""
            table.add_row(user.name, user.role, ", ".join(user.points), state)
        Console().print(table)

    _with_accounts(file, work)


@user_app.command("disable")
def disable(
    name: Name,
    file: File,
    enable: Annotated[bool, typer.Option(help="let the account in again")] = False,
) -> None:
    """Keep an account out; its logins end."""

    async def work(accounts: Accounts) -> None:
        if not await accounts.change_user(name, disabled=not enable):
            raise _unknown(name)
        if not enable:
            await accounts.end_logins(name)
        await _audit(accounts, "user enable" if enable else "user disable", name)
        typer.echo(f"{name} is {'enabled' if enable else 'disabled'}")

    _with_accounts(file, work)


@user_app.command("factor")
def factor_off(name: Name, file: File) -> None:
    """Take an account's second factor away (a lost telephone); its logins end."""

    async def work(accounts: Accounts) -> None:
        if not await accounts.change_user(name, factor="", recovery="[]"):
            raise _unknown(name)
        await accounts.end_logins(name)
        await _audit(accounts, "user factor off", name)
        typer.echo(f"{name} has no second factor now")

    _with_accounts(file, work)


@ca_app.command("init")
def ca_init(
    file: File,
    host: Annotated[
        list[str] | None, typer.Option(help="a name or address of the server; may be repeated")
    ] = None,
    secret: Annotated[
        Path | None, typer.Option(help="a file with a secret that encrypts the authority's key")
    ] = None,
) -> None:
    """Make a local authority (once) and a certificate of the server (each time)."""
    topology = load_or_exit(file)
    hosts = list(host or [])
    for name in hosts:
        if not certificates.is_host(name):
            errors.print(
                f"{name!r} is neither a name nor an address of a server. Give it as browsers will "
                "open it, for example: --host cau.huyen.example --host 192.0.2.10",
                soft_wrap=True,
                markup=False,
            )
            raise typer.Exit(EXIT_BAD_INPUT)
    if topology.bridge.web.listen not in hosts:
        hosts.append(topology.bridge.web.listen)
    folder = state_folder(file, topology) / "tls"
    now = datetime.datetime.now(datetime.UTC)
    try:
        ca, certificate, _ = certificates.create(
            folder,
            hosts,
            topology.bridge.name.text("en"),
            now,
            read_secret(secret, "--secret") if secret is not None else "",
        )
    except (StartError, ValueError) as error:
        errors.print(str(error), soft_wrap=True, markup=False)
        raise typer.Exit(1) from None
    except OSError as error:
        errors.print(f"The folder {folder} cannot be written: {error.strerror}.", markup=False)
        raise typer.Exit(1) from None
    typer.echo(f"server certificate for {', '.join(hosts)}: {certificate}")
    typer.echo(f"authority, to be installed on room PCs and consoles: {ca}")
    typer.echo("Install it with the address /api/v1/ca.crt, or copy the file.")


@security_app.command("rotate-pseudonyms")
def rotate_pseudonyms(file: File) -> None:
    """Begin new pseudonyms in the events for a security centre; a running bridge uses them at
    once."""
    folder = state_folder(file, load_or_exit(file))
    try:
        rotate(folder / PSEUDONYM_KEY)
    except OSError as error:
        errors.print(f"The folder {folder} cannot be written: {error.strerror}.", markup=False)
        raise typer.Exit(1) from None
    typer.echo("New pseudonyms from now on; nothing leads from the old ones to them.")
