"""Revision 0002, second half: who may see and write which rows. The role circle_job acts for nobody: it deletes what
has expired, and reads no more of a row than it needs for that.
"""

from db.migrations.devices_tables import TABLES
from db.migrations.start_policies import OWN, VIEWER

# What the own key opens is the member's to see, also after leaving: without the announcement no wrap can be made.
SEALED = (
    "EXISTS (SELECT 1 FROM epoch_seal s"
    f" WHERE s.space_id = epoch.space_id AND s.n = epoch.n AND s.member_id = {VIEWER})"
    " OR EXISTS (SELECT 1 FROM member_wrap w"
    f" WHERE w.space_id = epoch.space_id AND w.epoch = epoch.n AND w.member_id = {VIEWER})"
)

# name, table, command, role, USING, WITH CHECK
POLICIES: tuple[tuple[str, str, str, str, str | None, str | None], ...] = (
    ("app_all", "device_offer", "ALL", "app", OWN, OWN),
    ("app_all", "member_wrap", "ALL", "app", OWN, OWN),
    ("app_all", "archive_wrap", "ALL", "app", OWN, OWN),
    ("app_select_sealed", "epoch", "SELECT", "app", SEALED, None),
    ("app_select_own", "complaint", "SELECT", "app", OWN, None),
    ("app_delete", "epoch_grant", "DELETE", "app", OWN, None),
    ("job_select", "event", "SELECT", "job", "true", None),
    ("job_update", "event", "UPDATE", "job", "true", "true"),
    ("job_delete", "event", "DELETE", "job", "true", None),
    ("job_select", "space", "SELECT", "job", "true", None),
    ("job_update", "space", "UPDATE", "job", "true", "true"),
    ("job_select", "epoch", "SELECT", "job", "true", None),
    ("job_all", "member_wrap", "ALL", "job", "true", "true"),
    ("job_all", "device_offer", "ALL", "job", "true", "true"),
)

# role, privileges, tables
GRANTS: tuple[tuple[str, str, str], ...] = (
    ("app", "SELECT, INSERT, DELETE, UPDATE (answer, answer_mac)", "device_offer"),
    ("app", "SELECT, INSERT, DELETE", "member_wrap, archive_wrap"),
    ("app", "DELETE", "epoch_grant"),
    ("app", "UPDATE (device_id, ended_by_link)", "session"),
    ("job", "SELECT, DELETE, UPDATE (id, body, expires_at)", "event"),
    ("job", "SELECT, UPDATE (floor_seq)", "space"),
    ("job", "SELECT (space_id, n, accepted_at)", "epoch"),
    ("job", "SELECT (member_id, space_id, epoch, branch, erase_at), DELETE, UPDATE (erase_at)", "member_wrap"),
    ("job", "SELECT (member_id, link_id, expires_at), DELETE", "device_offer"),
)


def _policy(name: str, table: str, command: str, role: str, using: str | None, check: str | None) -> str:
    sql = f"CREATE POLICY {name} ON {table} FOR {command} TO circle_{role}"
    return sql + (f" USING ({using})" if using else "") + (f" WITH CHECK ({check})" if check else "")


STATEMENTS = (
    *(f"ALTER TABLE {t} {do} ROW LEVEL SECURITY" for t in TABLES for do in ("ENABLE", "FORCE")),
    *(_policy(*policy) for policy in POLICIES),
    *(f"GRANT {what} ON {tables} TO circle_{role}" for role, what, tables in GRANTS),
)
