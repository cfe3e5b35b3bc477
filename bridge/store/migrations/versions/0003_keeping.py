"""Snapshots of conferences, what accounts need for rules on passwords, second factors and a
directory, and the addresses that somebody came from who may come in."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "snapshots",
        sa.Column("conference", sa.Text(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("rules", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("conference", name=op.f("pk_snapshots")),
    )
    op.create_table(
        "known_addresses",
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("seen", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("address", name=op.f("pk_known_addresses")),
    )
    for column in (
        sa.Column("password_at", sa.Double(), nullable=False, server_default="0"),
        sa.Column("past_passwords", sa.Text(), nullable=False, server_default="[]"),
        sa.Column("factor", sa.Text(), nullable=False, server_default=""),
        sa.Column("recovery", sa.Text(), nullable=False, server_default="[]"),
        sa.Column("subject", sa.Text(), nullable=False, server_default=""),
    ):
        op.add_column("users", column)
