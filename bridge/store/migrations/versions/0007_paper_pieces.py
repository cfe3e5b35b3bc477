"""Papers' files, in pieces, for bridges on several machines that share a PostgreSQL."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    if sa.inspect(op.get_bind()).has_table("paper_pieces"):
        return
    op.create_table(
        "paper_pieces",
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("octets", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("sha256", "number", name="pk_paper_pieces"),
    )
