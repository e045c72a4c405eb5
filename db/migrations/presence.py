"""Revision 0005: what a member lets others see, and when each was last seen, to the minute. A member without a row of
privacy has all switched on; one without a row of last_seen was never seen.
"""

from db.migrations.start_policies import OWN, VIEWER

TABLES = ("privacy", "last_seen")

PRIVACY = """
CREATE TABLE privacy (
  member_id uuid PRIMARY KEY REFERENCES member,
  presence boolean NOT NULL,
  read_receipts boolean NOT NULL,
  delivery_receipts boolean NOT NULL)"""

LAST_SEEN = """
CREATE TABLE last_seen (
  member_id uuid PRIMARY KEY REFERENCES member,
  seen_at timestamptz NOT NULL)"""

# Who shares a space with the viewer now, once for each space; `shown`: does not hide their presence. Read with
# circle_guard's rights, as own_stay is.
PEER = f"""
CREATE VIEW peer WITH (security_barrier) AS
SELECT b.member_id, coalesce(p.presence, true) AS shown
FROM membership a
JOIN membership b ON b.space_id = a.space_id AND b.left_seq IS NULL AND b.member_id <> a.member_id
LEFT JOIN privacy p ON p.member_id = b.member_id
WHERE a.member_id = {VIEWER} AND a.left_seq IS NULL"""

# One's own, and if one hides nothing oneself, that of those who share a space and do not hide.
SEEN = (
    f"{OWN} OR (EXISTS (SELECT 1 FROM peer p WHERE p.member_id = last_seen.member_id AND p.shown)"
    f" AND NOT EXISTS (SELECT 1 FROM privacy v WHERE v.member_id = {VIEWER} AND NOT v.presence))"
)

# table, command, role, USING, WITH CHECK
POLICIES: tuple[tuple[str, str, str, str | None, str | None], ...] = (
    ("privacy", "ALL", "app", OWN, OWN),
    ("privacy", "SELECT", "hub", "true", None),
    ("privacy", "SELECT", "guard", "true", None),
    ("last_seen", "SELECT", "app", SEEN, None),
    ("last_seen", "ALL", "hub", "true", "true"),
)

# role, privileges, tables
GRANTS: tuple[tuple[str, str, str], ...] = (
    ("app", "SELECT, INSERT, UPDATE (presence, read_receipts, delivery_receipts)", "privacy"),
    ("hub", "SELECT", "privacy"),
    ("guard", "SELECT", "privacy"),
    ("app", "SELECT", "last_seen"),
    ("hub", "SELECT, INSERT, UPDATE (seen_at)", "last_seen"),
)


def _policy(table: str, command: str, role: str, using: str | None, check: str | None) -> str:
    sql = f"CREATE POLICY {role}_{command.lower()} ON {table} FOR {command} TO circle_{role}"
    return sql + (f" USING ({using})" if using else "") + (f" WITH CHECK ({check})" if check else "")


STATEMENTS = (
    PRIVACY,
    LAST_SEEN,
    *(f"ALTER TABLE {t} {do} ROW LEVEL SECURITY" for t in TABLES for do in ("ENABLE", "FORCE")),
    PEER,
    "GRANT CREATE ON SCHEMA public TO circle_guard",
    "ALTER VIEW peer OWNER TO circle_guard",
    "REVOKE CREATE ON SCHEMA public FROM circle_guard",
    "SET LOCAL ROLE circle_guard",
    "GRANT SELECT ON peer TO circle_owner, circle_app",
    "SET LOCAL ROLE circle_owner",
    *(_policy(*policy) for policy in POLICIES),
    *(f"GRANT {what} ON {tables} TO circle_{role}" for role, what, tables in GRANTS),
)
