"""What `check` says of several hosts: whether the others answer, what their database promises, and
whether this one has what the others have."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path
from typing import NamedTuple

import aiohttp

from bridge.app.turn import digests, unlike
from bridge.cli.named_files import Fault
from bridge.store.database import StoreError
from bridge.store.leading.guarantees import problem_of, warning_of
from bridge.store.leading.survey import Survey, survey
from config.hosts_schema import Host
from config.schema import Topology

PATIENCE = 5.0  # seconds that a host may take to answer
APART = 2.0  # seconds between two clocks that are worth a word
LEADS, WAITS = "leads", "waits"


class Looked(NamedTuple):
    """Lines for people, and what is wrong."""

    lines: list[str]
    faults: list[Fault]


async def look_at_hosts(topology: Topology, state: Path) -> Looked:
    """Ask the other hosts and the database; nothing is changed anywhere."""
    hosts = topology.bridge.hosts
    assert hosts is not None
    answers = await asyncio.gather(*(_ask(host, state) for host in hosts.all))
    lines, faults = [], []
    for host, answer in zip(hosts.all, answers, strict=True):
        this = " (this file is for it)" if host is hosts.own else ""
        lines.append(f"Host {host.id}: {host.url}{this}: {answer}")
        if answer not in (LEADS, WAITS) and host is not hosts.own:
            faults.append(
                Fault(
                    f"Host {host.id} {answer}. Start its bridge (systemctl start diem-cau), or let "
                    f"{host.url} through.",
                    grave=False,
                )
            )
    try:
        found = await survey(topology.bridge.database)
    except StoreError as error:
        said = f"{error} Start it, or correct bridge.database; until then no host leads."
        return Looked(lines, [*faults, Fault(said, grave=False)])
    lines.append(database_line(found))
    faults += database_faults(found)
    if unalike := unlike(found.leader, digests(state), state):
        faults.append(Fault(unalike))
    return Looked(lines, faults)


def database_line(found: Survey) -> str:
    """The database in a line. Pure."""
    facts = found.facts
    version = f"PostgreSQL {facts.version // 10000}.{facts.version % 10000}"
    waits = f"commits wait for {facts.copies}" if facts.copies else "commits wait for no copy"
    leader = found.leader
    led = f"host {leader.host} led last" if leader is not None else "no host has led yet"
    return (
        f"Database: {version} on {found.server}, timeline {facts.seen.timeline}; {waits}, "
        f"{found.connected} connected; {led}"
    )


def database_faults(found: Survey) -> list[Fault]:
    """What is wrong with the database. Pure."""
    faults = []
    if said := problem_of(found.facts, found.several):
        faults.append(Fault(said))
    if said := warning_of(found.facts, found.several):
        faults.append(Fault(said, grave=False))
    if found.facts.copies and not found.connected:
        faults.append(
            Fault(
                f"No copy of the database is connected, and commits wait for one "
                f"({found.facts.copies}): nothing can be saved. Start the copy, or empty "
                "synchronous_standby_names while there is none.",
                grave=False,
            )
        )
    if abs(found.ahead) > APART:
        way = "before" if found.ahead > 0 else "behind"
        faults.append(
            Fault(
                f"The clock of the database's machine is {abs(found.ahead):.0f} s {way} this "
                "one's. Let both follow one time server (chrony).",
                grave=False,
            )
        )
    return faults


async def _ask(host: Host, state: Path) -> str:
    """What a host says of itself: ``LEADS``, ``WAITS``, or why it says neither."""
    timeout = aiohttp.ClientTimeout(total=PATIENCE)
    try:
        trust = ssl.create_default_context()
        authority = state / "tls" / "ca.crt"
        if authority.exists():
            trust.load_verify_locations(authority)
        async with (
            aiohttp.ClientSession(timeout=timeout) as http,
            http.get(f"{host.url}/healthz", ssl=trust, allow_redirects=False) as answer,
        ):
            if answer.status == 200:
                return LEADS
            said = await answer.json(content_type=None) if answer.status == 503 else {}
            kind = str(said.get("type", "")).rpartition("/")[2]
            if kind in ("http.not_leader", "http.no_leader", "http.no_database"):
                return WAITS
            return f"answers {answer.status}"
    except aiohttp.ClientConnectorCertificateError:
        return (
            "has a certificate that this one does not trust: rooms would not either. Issue it by "
            "the authority of this host (copy tls/ca.crt and tls/ca.key, diem-cau ca init)"
        )
    except (aiohttp.ClientError, OSError, ValueError, AttributeError, TimeoutError):
        return "does not answer"
