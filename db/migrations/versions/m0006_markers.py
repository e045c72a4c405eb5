"""Markers: sealed positions of members in conversations (docs/decisions/0104)."""

from __future__ import annotations

from alembic import op

from db.migrations.markers import STATEMENTS

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """One statement at a time: the driver's protocol takes no more."""
    for statement in STATEMENTS:
        op.execute(statement)
