"""What a PostgreSQL has to promise before several hosts rely on it. Pure."""

from __future__ import annotations

from typing import NamedTuple

OLDEST = 140000  # PostgreSQL 14 has idle_session_timeout
COPY = "the server is a copy of another one, which is only read"
CLOSED = "the server lets nobody write (default_transaction_read_only is on)"
# The timeline is counted up by every copy that becomes a server of its own (pg_promote): the first
# eight digits of the name of a file of its log. A copy has none of its own.
FACTS = """
SELECT current_setting('server_version_num')::int AS version,
 current_setting('synchronous_commit') AS commits, current_setting('fsync') AS fsync,
 current_setting('full_page_writes') AS pages,
 current_setting('synchronous_standby_names') AS copies, pg_is_in_recovery() AS copy,
 current_setting('default_transaction_read_only') AS closed,
 (SELECT system_identifier FROM pg_control_system()) AS system,
 CASE WHEN pg_is_in_recovery() THEN ''
 ELSE substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) END AS timeline
"""


class Facts(NamedTuple):
    """A server, as it says itself; ``commits`` to ``closed`` are settings by PostgreSQL's names:
    synchronous_commit, fsync, full_page_writes, synchronous_standby_names, whether it is a copy
    now, default_transaction_read_only. ``timeline`` is hexadecimal, "" of a copy."""

    version: int
    commits: str
    fsync: str
    pages: str
    copies: str
    copy: bool
    closed: str
    system: int
    timeline: str

    @property
    def seen(self) -> Seen:
        return Seen(self.system, int(self.timeline or "0", 16))


class Seen(NamedTuple):
    """A database and its timeline: both are 0 where none was seen."""

    system: int = 0
    timeline: int = 0


NOTHING = Seen()


def read_only(facts: Facts) -> str:
    """Why nothing can be written to a server; "" where it can."""
    return COPY if facts.copy else CLOSED if facts.closed == "on" else ""


def outdated(facts: Facts, seen: Seen) -> str:
    """Why a server is not the one that went on, as a sentence; "" where it may be. A server that
    lost its place to a copy of it comes back with what it had, and knows nothing of that."""
    found = facts.seen
    if found.system != seen.system or found.timeline >= seen.timeline:
        return ""
    return (
        f"the server is of before (timeline {found.timeline}): the database went on elsewhere "
        f"(timeline {seen.timeline}). Make it a copy of the other one (pg_rewind, pg_basebackup)"
    )


def problem_of(facts: Facts, several: bool) -> str:
    """Why several hosts cannot rely on a server, as sentences with what to do; "" where they can.
    ``several`` is whether the address names several servers, one of which takes another's place."""
    if facts.version < OLDEST:
        return (
            f"The database is PostgreSQL {facts.version // 10000}; several hosts need 14 or newer, "
            "which ends the session of a host that is lost."
        )
    if facts.commits == "off":
        return (
            "The database acknowledges before it has saved (synchronous_commit is off), so what "
            "a conference was told could be lost. Set synchronous_commit = on in postgresql.conf, "
            "and for the database's user."
        )
    if facts.fsync == "off":
        return (
            "The database does not wait for its disk (fsync is off), so what a conference was told "
            "could be lost. Set fsync = on in postgresql.conf."
        )
    if facts.pages == "off":
        return (
            "The database cannot repair what a power cut leaves half written (full_page_writes is "
            "off), so what a conference was told could be lost. Set full_page_writes = on in "
            "postgresql.conf."
        )
    if (several or facts.copies) and facts.commits in ("local", "remote_write"):
        return (
            "The database acknowledges before its copy has saved (synchronous_commit is "
            f"{facts.commits}), so what a conference was told could be lost with one machine. Set "
            "synchronous_commit = on in postgresql.conf, and for the database's user."
        )
    return ""


def warning_of(facts: Facts, several: bool) -> str:
    """What hosts may do without, and should know, as a sentence with what to do; "": nothing."""
    if facts.copies:
        return ""
    if several:
        return (
            "The database acknowledges before any copy has it (synchronous_standby_names is "
            "empty): what it acknowledged last is lost when a copy takes its place. Name the copy "
            "in synchronous_standby_names of postgresql.conf."
        )
    return (
        "The database commits on one machine only (synchronous_standby_names is empty): what it "
        "acknowledged is lost with that machine's disk. Give it a copy (docs/production.md)."
    )
