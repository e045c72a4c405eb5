"""A role that appends envelopes of many senders in one transaction (docs/decisions/0100)."""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

SENDERS = "(SELECT nullif(current_setting('circle.senders', true), '')::uuid[])::uuid[]"
OF_SENDERS = f"member_id = ANY ({SENDERS})"
THEIRS = "id IN (SELECT s.space_id FROM sender_stay s)"
READABLE = "EXISTS (SELECT 1 FROM sender_stay s WHERE s.space_id = event.space_id AND event.seq >= s.from_seq)"
SENT = (
    "kind = 1 AND EXISTS (SELECT 1 FROM sender_stay s"
    " WHERE s.space_id = event.space_id AND s.member_id = event.actor_id)"
)

# The stays that last, of the members whom the setting `circle.senders` names; see own_stay for `from_seq`.
SENDER_STAY = f"""
CREATE VIEW sender_stay WITH (security_barrier) AS
SELECT m.space_id, m.member_id, CASE WHEN s.history = 1 THEN 0 ELSE m.joined_seq END AS from_seq
FROM membership m JOIN space s ON s.id = m.space_id
WHERE m.left_seq IS NULL AND m.member_id = ANY ({SENDERS})"""

# table, command, USING, WITH CHECK
POLICIES: tuple[tuple[str, str, str | None, str | None], ...] = (
    ("space", "SELECT", THEIRS, None),
    ("space", "UPDATE", THEIRS, THEIRS),
    ("event", "SELECT", READABLE, None),
    ("event", "INSERT", None, SENT),
    ("device", "SELECT", OF_SENDERS, None),
    ("member_chain", "SELECT", OF_SENDERS, None),
    ("roster_member", "SELECT", OF_SENDERS, None),
)

# privileges, tables
GRANTS: tuple[tuple[str, str], ...] = (
    ("SELECT, UPDATE (head_seq, head_hash, last_xid, last_id, epoch_envelopes, state_seq)", "space"),
    ("SELECT, INSERT", "event"),
    ("SELECT (id, member_id, active, dk)", "device"),
    ("SELECT (member_id, n, identity)", "member_chain"),
    ("SELECT", "roster_member"),
)


def _policy(table: str, command: str, using: str | None, check: str | None) -> str:
    sql = f"CREATE POLICY send_{command.lower()} ON {table} FOR {command} TO circle_send"
    return sql + (f" USING ({using})" if using else "") + (f" WITH CHECK ({check})" if check else "")


STATEMENTS = (
    SENDER_STAY,
    "GRANT CREATE ON SCHEMA public TO circle_guard",
    "ALTER VIEW sender_stay OWNER TO circle_guard",
    "REVOKE CREATE ON SCHEMA public FROM circle_guard",
    "SET LOCAL ROLE circle_guard",
    "GRANT SELECT ON sender_stay TO circle_owner, circle_send",
    "SET LOCAL ROLE circle_owner",
    *(_policy(*policy) for policy in POLICIES),
    *(f"GRANT {what} ON {tables} TO circle_send" for what, tables in GRANTS),
)


def upgrade() -> None:
    """One statement at a time: the driver's protocol takes no more."""
    for statement in STATEMENTS:
        op.execute(statement)
