"""All tables, each with row-level security enabled and forced, then policies, then grants."""

from alembic import op

from db.migrations import start_policies, start_tables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """One statement at a time: the driver's protocol takes no more."""
    for statement in (*start_tables.STATEMENTS, *start_policies.STATEMENTS):
        op.execute(statement)
