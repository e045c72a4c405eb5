"""Revision 0001, second half: who may see and write which rows (docs/decisions/0031).

Policies first, then grants. Roles: circle_app acts for one viewer, named by the setting `circle.member`; circle_auth
acts before a viewer is known; circle_hub reads the log for all; circle_guard owns one view and can do nothing else.
A policy never asks its own table: what a viewer's spaces are, all ask the view own_stay.
"""

from db.migrations.start_tables import TABLES

VIEWER = "(SELECT nullif(current_setting('circle.member', true), '')::uuid)"
SIGNED_IN = f"{VIEWER} IS NOT NULL"
PRESENT = "space_id IN (SELECT s.space_id FROM own_stay s WHERE s.left_seq IS NULL)"
OWN = f"member_id = {VIEWER}"
NEW_ACCOUNT = "space_id IN (SELECT s.id FROM space s)"  # for circle_auth, space shows accounts being made alone

# The viewer's stays, read with circle_guard's rights: own_stay may look at all of membership and space, so that their
# policies may look at own_stay. `from_seq`..`to_seq` is what the viewer may read: one's stays, and where history is
# shared what came before a stay that lasts.
OWN_STAY = f"""
CREATE VIEW own_stay WITH (security_barrier) AS
SELECT m.space_id, m.joined_seq, m.left_seq,
  CASE WHEN m.left_seq IS NULL AND s.history = 1 THEN 0 ELSE m.joined_seq END AS from_seq,
  coalesce(m.left_seq, 9223372036854775807) AS to_seq
FROM membership m LEFT JOIN space s ON s.id = m.space_id
WHERE m.member_id = {VIEWER}"""

# table, command, role, USING, WITH CHECK
POLICIES: tuple[tuple[str, str, str, str | None, str | None], ...] = (
    # The directory: a members-only group knows its members, nobody else does.
    ("member", "SELECT", "app", SIGNED_IN, None),
    ("member", "UPDATE", "app", f"id = {VIEWER}", f"id = {VIEWER}"),
    ("device", "SELECT", "app", SIGNED_IN, None),
    ("device", "INSERT", "app", None, OWN),
    ("device", "UPDATE", "app", OWN, OWN),
    ("member_chain", "SELECT", "app", SIGNED_IN, None),
    ("member_chain", "UPDATE", "app", OWN, OWN),
    ("member_link", "SELECT", "app", SIGNED_IN, None),
    ("member_link", "INSERT", "app", None, OWN),
    ("member_key", "SELECT", "app", SIGNED_IN, None),
    ("member_key", "INSERT", "app", None, OWN),
    # One's own.
    ("member_box", "ALL", "app", OWN, OWN),
    ("session", "SELECT", "app", OWN, None),
    ("session", "UPDATE", "app", OWN, OWN),
    ("invite", "ALL", "app", f"inviter_id = {VIEWER}", f"inviter_id = {VIEWER}"),
    # Spaces: those one is in now, and those that this very transaction makes (no other ever has an empty log).
    (
        "space",
        "SELECT",
        "app",
        f"({SIGNED_IN} AND head_seq = 0) OR id IN (SELECT s.space_id FROM own_stay s WHERE s.left_seq IS NULL)",
        None,
    ),
    ("space", "INSERT", "app", None, f"{SIGNED_IN} AND head_seq = 0 AND type <> 4"),
    (
        "space",
        "UPDATE",
        "app",
        f"({SIGNED_IN} AND head_seq = 0) OR id IN (SELECT s.space_id FROM own_stay s WHERE s.left_seq IS NULL)",
        f"({SIGNED_IN} AND head_seq = 0) OR id IN (SELECT s.space_id FROM own_stay s WHERE s.left_seq IS NULL)",
    ),
    ("membership", "SELECT", "app", f"{OWN} OR {PRESENT}", None),
    # Nobody lets oneself in, except into a space in the making; and nobody's stay begins in the past.
    (
        "membership",
        "INSERT",
        "app",
        None,
        "left_seq IS NULL AND EXISTS (SELECT 1 FROM space s WHERE s.id = space_id AND joined_seq >= s.head_seq"
        f" AND (s.head_seq = 0 OR member_id <> {VIEWER}))",
    ),
    # A stay can only be ended, once, and not in the future.
    (
        "membership",
        "UPDATE",
        "app",
        f"left_seq IS NULL AND {PRESENT}",
        "left_seq IS NOT NULL AND EXISTS (SELECT 1 FROM space s WHERE s.id = space_id"
        f" AND left_seq <= CASE WHEN member_id = {VIEWER} THEN s.head_seq ELSE s.head_seq + 1 END)",
    ),
    ("roster_link", "SELECT", "app", PRESENT, None),
    ("roster_link", "INSERT", "app", None, PRESENT),
    ("roster_member", "ALL", "app", PRESENT, PRESENT),
    ("epoch", "SELECT", "app", PRESENT, None),
    ("epoch", "INSERT", "app", None, f"creator_id = {VIEWER} AND {PRESENT}"),
    ("epoch_seal", "SELECT", "app", OWN, None),
    ("epoch_seal", "INSERT", "app", None, PRESENT),
    ("epoch_seal", "DELETE", "app", OWN, None),
    ("complaint", "SELECT", "app", PRESENT, None),
    ("complaint", "INSERT", "app", None, f"{OWN} AND {PRESENT}"),
    ("epoch_grant", "SELECT", "app", f"{OWN} OR giver_id = {VIEWER}", None),
    ("epoch_grant", "INSERT", "app", None, f"giver_id = {VIEWER} AND {PRESENT}"),
    # The log: what happened during one's stays.
    (
        "event",
        "SELECT",
        "app",
        "EXISTS (SELECT 1 FROM own_stay s WHERE s.space_id = event.space_id"
        " AND event.seq >= s.from_seq AND event.seq <= s.to_seq)",
        None,
    ),
    ("event", "INSERT", "app", None, f"(actor_id IS NULL OR actor_id = {VIEWER}) AND {PRESENT}"),
    ("log_life", "SELECT", "app", SIGNED_IN, None),
    # Before a viewer is known: sign-in, sign-up with its account, invites by their token, tries.
    ("credential", "ALL", "auth", "true", "true"),
    ("attempt", "ALL", "auth", "true", "true"),
    ("session", "ALL", "auth", "true", "true"),
    ("invite", "ALL", "auth", "true", "true"),
    ("member", "SELECT", "auth", "true", None),
    ("member", "INSERT", "auth", None, "true"),
    ("device", "SELECT", "auth", "true", None),
    ("device", "INSERT", "auth", None, "true"),
    ("device", "UPDATE", "auth", "true", "true"),
    ("member_chain", "SELECT", "auth", "true", None),
    ("member_chain", "INSERT", "auth", None, "true"),
    ("member_link", "SELECT", "auth", "true", None),
    ("member_link", "INSERT", "auth", None, "true"),
    ("member_key", "SELECT", "auth", "true", None),
    ("member_key", "INSERT", "auth", None, "true"),
    ("member_box", "INSERT", "auth", None, "true"),
    ("space", "SELECT", "auth", "type = 4 AND head_seq <= 1", None),
    ("space", "INSERT", "auth", None, "type = 4 AND head_seq = 0"),
    ("space", "UPDATE", "auth", "type = 4 AND head_seq <= 1", "type = 4 AND head_seq <= 1"),
    ("roster_link", "INSERT", "auth", None, f"n = 0 AND {NEW_ACCOUNT}"),
    ("roster_member", "INSERT", "auth", None, NEW_ACCOUNT),
    ("membership", "INSERT", "auth", None, f"joined_seq = 1 AND {NEW_ACCOUNT}"),
    ("event", "SELECT", "auth", f"seq = 1 AND {NEW_ACCOUNT}", None),
    ("event", "INSERT", "auth", None, f"seq = 1 AND {NEW_ACCOUNT}"),
    # The hub reads the log once for everybody, and hands out by stays.
    ("event", "SELECT", "hub", "true", None),
    ("space", "SELECT", "hub", "true", None),
    ("membership", "SELECT", "hub", "true", None),
    ("log_life", "SELECT", "hub", "true", None),
    ("log_life", "INSERT", "hub", None, "true"),
    ("alembic_version", "SELECT", "hub", "true", None),
    ("alembic_version", "ALL", "owner", "true", "true"),
    # What own_stay looks at.
    ("membership", "SELECT", "guard", "true", None),
    ("space", "SELECT", "guard", "true", None),
)

_CHAINS = "roster_n, roster_hash, lifetime, history"
_EPOCHS = "epoch, epoch_hash, epoch_accepted_at, epoch_envelopes, epoch_due"

# role, privileges, tables
GRANTS: tuple[tuple[str, str, str], ...] = (
    ("app", "SELECT", "member, device, member_chain, member_link, member_key, member_box, session, invite, own_stay"),
    ("app", "SELECT", "space, roster_link, roster_member, membership, epoch, epoch_seal, complaint, epoch_grant"),
    ("app", "SELECT", "event, log_life"),
    ("app", "UPDATE (display_name)", "member"),
    ("app", "INSERT, UPDATE (name, active, last_seen_at, seal_generation, sk, seal, seal_signature)", "device"),
    ("app", "UPDATE (n, hash, identity, rs, rx, rx_n, key_generation, key_hash, key_living)", "member_chain"),
    ("app", "INSERT", "member_link, member_key"),
    ("app", "INSERT, DELETE", "member_box"),
    ("app", "UPDATE (label, revoked_at)", "session"),
    (
        "app",
        "INSERT (id, token_hash, role, inviter_id, created_at, expires_at, used_at, used_by, mac, revoked_at)",
        "invite",
    ),
    ("app", "UPDATE (revoked_at)", "invite"),
    ("app", f"INSERT, UPDATE (head_seq, head_hash, last_xid, last_id, {_CHAINS}, {_EPOCHS}, state_seq)", "space"),
    ("app", "INSERT", "roster_link, epoch, complaint, epoch_grant, event"),
    ("app", "INSERT, UPDATE (identity, role), DELETE", "roster_member"),
    ("app", "INSERT, UPDATE (left_seq)", "membership"),
    ("app", "INSERT, DELETE", "epoch_seal"),
    ("auth", "SELECT, INSERT, UPDATE, DELETE", "credential, attempt, session, invite"),
    ("auth", "SELECT, INSERT", "member, device, member_chain, member_link, member_key, event"),
    ("auth", "UPDATE (last_seen_at)", "device"),
    ("auth", "INSERT", "member_box, roster_link, roster_member, membership"),
    ("auth", f"SELECT, INSERT, UPDATE (head_seq, head_hash, last_xid, last_id, epoch_envelopes, {_CHAINS})", "space"),
    ("hub", "SELECT", "event, space, membership, log_life, alembic_version"),
    ("hub", "INSERT", "log_life"),
    ("guard", "SELECT", "membership, space"),
)


def _policy(table: str, command: str, role: str, using: str | None, check: str | None) -> str:
    name = f"{role}_{command.lower()}"
    sql = f"CREATE POLICY {name} ON {table} FOR {command} TO circle_{role}"
    return sql + (f" USING ({using})" if using else "") + (f" WITH CHECK ({check})" if check else "")


STATEMENTS = (
    *(f"ALTER TABLE {t} {do} ROW LEVEL SECURITY" for t in (*TABLES, "alembic_version") for do in ("ENABLE", "FORCE")),
    OWN_STAY,
    "GRANT CREATE ON SCHEMA public TO circle_guard",
    "ALTER VIEW own_stay OWNER TO circle_guard",
    "REVOKE CREATE ON SCHEMA public FROM circle_guard",
    "SET LOCAL ROLE circle_guard",
    "GRANT SELECT ON own_stay TO circle_owner, circle_app",
    "SET LOCAL ROLE circle_owner",
    *(_policy(*policy) for policy in POLICIES),
    *(f"GRANT {what} ON {tables} TO circle_{role}" for role, what, tables in GRANTS if tables),
)
