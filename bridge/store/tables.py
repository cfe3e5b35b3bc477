"""The tables. Times are UTC seconds; secrets are stored as hashes only."""

from __future__ import annotations

import sqlalchemy as sa

metadata = sa.MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
    }
)
_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")  # SQLite counts INTEGER keys only

events = sa.Table(
    "events",
    metadata,
    sa.Column("id", _NUMBER, primary_key=True, autoincrement=True),
    sa.Column("conference", sa.Text, nullable=False),
    sa.Column("seq", sa.Integer, nullable=False),
    sa.Column("at", sa.Double, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False, index=True),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("chain", sa.Text, nullable=False, server_default=""),  # bridge.proof.chain
    sa.UniqueConstraint("conference", "seq"),
    sqlite_autoincrement=True,
)

answers = sa.Table(  # what was answered under an idempotency key, written with the events
    "answers",
    metadata,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("at", sa.Double, nullable=False, index=True),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
)

users = sa.Table(
    "users",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("password", sa.Text, nullable=False),
    sa.Column("must_change", sa.Boolean, nullable=False),
    sa.Column("disabled", sa.Boolean, nullable=False),
    sa.Column("points", sa.Text, nullable=False),  # JSON list: what a technician looks after
    sa.Column("calendar_key", sa.Text, nullable=False),
    sa.Column("created", sa.Double, nullable=False),
    sa.Column("password_at", sa.Double, nullable=False, server_default="0"),  # 0: not known
    sa.Column("past_passwords", sa.Text, nullable=False, server_default="[]"),  # JSON, hashes
    sa.Column("factor", sa.Text, nullable=False, server_default=""),  # the secret of RFC 6238
    sa.Column("recovery", sa.Text, nullable=False, server_default="[]"),  # JSON, digests
    sa.Column("subject", sa.Text, nullable=False, server_default=""),  # the directory's word
)

logins = sa.Table(
    "logins",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),  # SHA-256 of the token
    sa.Column("user", sa.Text, sa.ForeignKey("users.name", ondelete="CASCADE"), nullable=False),
    sa.Column("created", sa.Double, nullable=False),
    sa.Column("seen", sa.Double, nullable=False),
    sa.Column("address", sa.Text, nullable=False),
    sa.Column("agent", sa.Text, nullable=False),
)

devices = sa.Table(
    "devices",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("point", sa.Text, nullable=False, index=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("key", sa.Text, nullable=False, unique=True),  # SHA-256 of the key
    sa.Column("created", sa.Double, nullable=False),
    sa.Column("seen", sa.Double),
    sa.Column("revoked", sa.Double),
    sa.Column("signing_key", sa.Text, nullable=False, server_default=""),  # Base64, public
)

enrolments = sa.Table(
    "enrolments",
    metadata,
    sa.Column("code", sa.Text, primary_key=True),  # SHA-256 of the code
    sa.Column("point", sa.Text, nullable=False),
    sa.Column("created", sa.Double, nullable=False),
    sa.Column("expires", sa.Double, nullable=False),
    sa.Column("used", sa.Double),
    sa.Column("by", sa.Text, nullable=False),
)

sessions = sa.Table(  # media and signalling sessions, so that they outlive a restart
    "sessions",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),  # SHA-256 of the token
    sa.Column("point", sa.Text),
    sa.Column("device", sa.Text),
    sa.Column("login", sa.Text),
    sa.Column("user", sa.Text),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("created", sa.Double, nullable=False),
)

audit = sa.Table(
    "audit",
    metadata,
    sa.Column("id", _NUMBER, primary_key=True, autoincrement=True),
    sa.Column("at", sa.Double, nullable=False, index=True),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("address", sa.Text, nullable=False),
    sa.Column("action", sa.Text, nullable=False),
    sa.Column("target", sa.Text, nullable=False),
    sa.Column("outcome", sa.Text, nullable=False),
    sqlite_autoincrement=True,
)

persons = sa.Table(  # what delegates are called: removed by policy, so it is not in the log
    "persons",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("of", sa.Text, nullable=False, index=True),  # a conference, or a template
    sa.Column("point", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),  # "": taken off the list
    sa.Column("agency", sa.Text, nullable=False),
    sa.Column("position", sa.Text, nullable=False),
    sa.Column("weight", sa.Integer, nullable=False),
    sa.Column("salt", sa.Text, nullable=False),  # of the seal that the log has
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("at", sa.Double, nullable=False),
    sa.Column("secret", sa.Text, nullable=False),  # SHA-256 of what the person's telephone holds
    sa.Column("link", sa.Text, nullable=False),  # SHA-256 of a link that was given out
    sa.Column("link_until", sa.Double, nullable=False),
)

templates = sa.Table(  # those made in the console; the topology has its own
    "templates",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("at", sa.Double, nullable=False),
)

settings = sa.Table(
    "settings",
    metadata,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)

snapshots = sa.Table(  # states of running conferences: derived from events, made to start soon
    "snapshots",
    metadata,
    sa.Column("conference", sa.Text, primary_key=True),
    sa.Column("seq", sa.Integer, nullable=False),  # of the last event in it
    sa.Column("rules", sa.Text, nullable=False),  # which program's rules made it
    sa.Column("body", sa.Text, nullable=False),
    info={"backup": False},
)

known_addresses = sa.Table(  # where somebody who may come in has come from
    "known_addresses",
    metadata,
    sa.Column("address", sa.Text, primary_key=True),
    sa.Column("seen", sa.Double, nullable=False),
    info={"backup": False},
)

quality = sa.Table(  # figures of lines: a row a minute, thinned out to longer spans later
    "quality",
    metadata,
    sa.Column("point", sa.Text, primary_key=True),
    sa.Column("at", sa.Integer, primary_key=True),  # UTC seconds, the start of the span
    sa.Column("kind", sa.Text, primary_key=True),  # the class that was probed, or "media"
    sa.Column("direction", sa.Text, primary_key=True),
    sa.Column("span", sa.Integer, nullable=False, index=True),
    sa.Column("packets", sa.Integer, nullable=False),
    sa.Column("lost", sa.Integer, nullable=False),
    sa.Column("bursts", sa.Integer, nullable=False),
    sa.Column("reordered", sa.Integer, nullable=False),
    sa.Column("duplicated", sa.Integer, nullable=False),
    sa.Column("variation_p50", sa.Float),
    sa.Column("variation_p95", sa.Float),
    sa.Column("variation_p99", sa.Float),
    sa.Column("round_trip_p50", sa.Float),
    sa.Column("round_trip_p95", sa.Float),
    sa.Column("delay", sa.Float),
    sa.Column("dscp", sa.Integer),
    sa.Column("outage", sa.Float, nullable=False),
    sa.Column("mos", sa.Float),
    info={"backup": False},  # millions of rows: the database's own tools, docs/production.md
)

paper_pieces = sa.Table(  # files of papers, where the database is PostgreSQL
    "paper_pieces",
    metadata,
    sa.Column("sha256", sa.Text, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("octets", sa.LargeBinary, nullable=False),
    info={"backup": False},  # gigabytes: the database's own tools
)
