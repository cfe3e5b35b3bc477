"""The hash of every event over the one before (bridge/proof/chain.py). What is there already is
chained now, and the stream "proof" says up to where; a migration that broke off is begun again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from bridge.conference.stream_events import ChainBegun
from bridge.store.chaining import chain_all, note

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    connection = op.get_bind()
    if "chain" not in {column["name"] for column in sa.inspect(connection).get_columns("events")}:
        op.add_column("events", sa.Column("chain", sa.Text(), nullable=False, server_default=""))
    late, number = chain_all(connection)
    if late:
        note(connection, ChainBegun(number=number, events=late), "system", "migrate")
