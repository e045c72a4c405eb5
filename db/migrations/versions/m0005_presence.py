"""Privacy settings, and when a member was last seen (docs/decisions/0102)."""

from __future__ import annotations

from alembic import op

from db.migrations.presence import STATEMENTS

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """One statement at a time: the driver's protocol takes no more."""
    for statement in STATEMENTS:
        op.execute(statement)
