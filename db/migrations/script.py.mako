"""${message}."""

from alembic import op

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Forward, as circle_owner. Under FORCE an UPDATE touches no row: data steps run between NO FORCE and FORCE."""
    ${upgrades if upgrades else "pass"}
