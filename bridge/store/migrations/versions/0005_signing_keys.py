"""The key with which a room signs its ballots: its public half stands beside the device."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    columns = {column["name"] for column in sa.inspect(op.get_bind()).get_columns("devices")}
    if "signing_key" not in columns:
        op.add_column(
            "devices", sa.Column("signing_key", sa.Text(), nullable=False, server_default="")
        )
