"""Figures of lines."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "quality",
        sa.Column("point", sa.Text(), nullable=False),
        sa.Column("at", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("direction", sa.Text(), nullable=False),
        sa.Column("span", sa.Integer(), nullable=False),
        sa.Column("packets", sa.Integer(), nullable=False),
        sa.Column("lost", sa.Integer(), nullable=False),
        sa.Column("bursts", sa.Integer(), nullable=False),
        sa.Column("reordered", sa.Integer(), nullable=False),
        sa.Column("duplicated", sa.Integer(), nullable=False),
        sa.Column("variation_p50", sa.Float(), nullable=True),
        sa.Column("variation_p95", sa.Float(), nullable=True),
        sa.Column("variation_p99", sa.Float(), nullable=True),
        sa.Column("round_trip_p50", sa.Float(), nullable=True),
        sa.Column("round_trip_p95", sa.Float(), nullable=True),
        sa.Column("delay", sa.Float(), nullable=True),
        sa.Column("dscp", sa.Integer(), nullable=True),
        sa.Column("outage", sa.Float(), nullable=False),
        sa.Column("mos", sa.Float(), nullable=True),
        sa.PrimaryKeyConstraint("point", "at", "kind", "direction", name=op.f("pk_quality")),
    )
    op.create_index(op.f("ix_quality_span"), "quality", ["span"], unique=False)
