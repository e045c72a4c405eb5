"""Revision 0006: markers, replaced in place, and who may see and write them (docs/decisions/0104)."""

from db.migrations.start_policies import OWN, PRESENT

TABLES = ("marker",)

_TABLE = """
CREATE TABLE marker (
  space_id uuid NOT NULL REFERENCES space,
  member_id uuid NOT NULL REFERENCES member,
  scope smallint NOT NULL CHECK (scope BETWEEN 0 AND 1),
  joined_seq bigint NOT NULL,
  version integer NOT NULL CHECK (version > 0),
  xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
  envelope bytea,
  accepted_at timestamptz NOT NULL,
  expires_at timestamptz,
  epoch bigint NOT NULL,
  lifetime smallint NOT NULL,
  PRIMARY KEY (space_id, member_id, scope)
)"""

# The hub's, the backlog's two (a conversation's receipts; one's own), expiry's and rotation's.
_INDEXES = (
    "CREATE INDEX marker_xid ON marker (xid) WHERE envelope IS NOT NULL",
    "CREATE INDEX marker_receipt ON marker (space_id, xid) WHERE scope = 1",
    "CREATE INDEX marker_own ON marker (member_id, xid) WHERE scope = 0",
    "CREATE INDEX marker_expires ON marker (expires_at) WHERE expires_at IS NOT NULL",
    "CREATE INDEX marker_living ON marker (space_id, epoch, lifetime) WHERE lifetime > 0 AND envelope IS NOT NULL",
)

MINE = f"{OWN} AND {PRESENT}"

# name, command, role, USING, WITH CHECK
POLICIES: tuple[tuple[str, str, str, str | None, str | None], ...] = (
    ("app_select", "SELECT", "app", f"{OWN} OR (scope = 1 AND {PRESENT})", None),
    ("app_insert", "INSERT", "app", None, MINE),
    ("app_update", "UPDATE", "app", OWN, MINE),
    ("hub_select", "SELECT", "hub", "true", None),
    ("job_select", "SELECT", "job", "true", None),
    ("job_update", "UPDATE", "job", "true", "envelope IS NULL"),
)

# role, privileges
GRANTS: tuple[tuple[str, str], ...] = (
    (
        "app",
        "SELECT, INSERT, UPDATE (joined_seq, version, xid, envelope, accepted_at, expires_at, epoch, lifetime)",
    ),
    ("hub", "SELECT"),
    ("job", "SELECT (space_id, member_id, scope, expires_at), UPDATE (envelope, expires_at)"),
)


def _policy(name: str, command: str, role: str, using: str | None, check: str | None) -> str:
    sql = f"CREATE POLICY {name} ON marker FOR {command} TO circle_{role}"
    return sql + (f" USING ({using})" if using else "") + (f" WITH CHECK ({check})" if check else "")


STATEMENTS = (
    _TABLE,
    *_INDEXES,
    *(f"ALTER TABLE marker {do} ROW LEVEL SECURITY" for do in ("ENABLE", "FORCE")),
    *(_policy(*policy) for policy in POLICIES),
    *(f"GRANT {what} ON marker TO circle_{role}" for role, what in GRANTS),
)
