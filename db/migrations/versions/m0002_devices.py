"""Several devices: offers, wraps, the archive; what expiry needs to know of an event; a role for the jobs."""

from __future__ import annotations

import cbor2
from alembic import op
from sqlalchemy import text

from db.migrations import devices_policies, devices_tables

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """One statement at a time: the driver's protocol takes no more."""
    for statement in devices_tables.STATEMENTS:
        op.execute(statement)
    _tell_epochs_and_classes()
    for statement in devices_policies.STATEMENTS:
        op.execute(statement)


def _tell_epochs_and_classes() -> None:
    """Epoch and lifetime class of the envelopes that are stored already, as their headers say."""
    bind = op.get_bind()
    # Under FORCE the owner would update no row, and not be told.
    op.execute("ALTER TABLE event NO FORCE ROW LEVEL SECURITY")
    rows = bind.execute(text("SELECT space_id, seq, body FROM event WHERE kind = 1 AND body IS NOT NULL"))
    told = []
    for space, seq, body in rows:
        header = cbor2.loads(cbor2.loads(body)[0])  # E([header, syn, ct, signature]); 2: e, 11: b
        told.append({"space": space, "seq": seq, "epoch": header[2], "lifetime": header[11]})
    if told:
        update = "UPDATE event SET epoch = :epoch, lifetime = :lifetime WHERE space_id = :space AND seq = :seq"
        bind.execute(text(update), told)
    op.execute("ALTER TABLE event FORCE ROW LEVEL SECURITY")
