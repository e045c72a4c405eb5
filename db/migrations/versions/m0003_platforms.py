"""What a device runs on, as it says itself."""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """One statement at a time: the driver's protocol takes no more."""
    op.execute("ALTER TABLE device ADD COLUMN platform varchar")
    op.execute("ALTER TABLE device_offer ADD COLUMN platform varchar")
