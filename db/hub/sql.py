"""The reading side's SQL: of the log, and of the markers that follow it in every batch.

Every reading transaction is REPEATABLE READ READ ONLY, runs HERE first and has no xid."""

from asyncpg import Record

from db.log import LogRow, row
from db.queries.markers import COLUMNS as MARKER_COLUMNS
from db.queries.markers import SHOWN, MarkerRow

MARKERS = 2
"""The rank of markers: behind account logs (0) and all others (1), so that a batch brings first what they speak of."""

HERE = "SELECT pg_current_snapshot() AS now, (SELECT id FROM log_life) AS life"

ENSURE_LIFE = "INSERT INTO log_life (only_one) VALUES (true) ON CONFLICT DO NOTHING"

HEADS = "SELECT id, head_seq FROM space"

_COLUMNS = """e.space_id, e.seq, e.xid, e.id, e.kind, e.actor_id, e.subject_id, e.item, e.log_hash, e.body,
  e.accepted_at, e.expires_at"""

# Every row since the last snapshot ($1), of all spaces. Not 'xid >= xmin', which a long transaction makes dear: from
# xmax on, plus the few that were open. Account logs first; markers last (rank 2), when all stays are known, as the
# newest state of each. They have no seq: member and scope are their place.
LOOK = f"""
SELECT e.*, CASE WHEN s.type = 4 THEN 0 ELSE 1 END AS rank, s.type, NULL::int AS version FROM (
  SELECT {_COLUMNS} FROM event e WHERE e.xid >= pg_snapshot_xmax($1::pg_snapshot)
  UNION ALL
  SELECT {_COLUMNS} FROM event e WHERE e.xid = ANY (ARRAY(SELECT pg_snapshot_xip($1::pg_snapshot)))
) e JOIN space s ON s.id = e.space_id
UNION ALL
SELECT m.space_id, NULL, m.xid, NULL, m.scope, m.member_id, NULL, NULL, NULL, m.envelope, m.accepted_at, NULL,
  {MARKERS}, NULL, m.version
FROM (
  SELECT * FROM marker n WHERE n.xid >= pg_snapshot_xmax($1::pg_snapshot) AND n.envelope IS NOT NULL
  UNION ALL
  SELECT * FROM marker n
  WHERE n.xid = ANY (ARRAY(SELECT pg_snapshot_xip($1::pg_snapshot))) AND n.envelope IS NOT NULL
) m {SHOWN}
ORDER BY rank, space_id, seq, actor_id, kind"""  # noqa: S608  (constants)


def looked(record: Record) -> LogRow | MarkerRow:
    """A row of LOOK."""
    if record["rank"] != MARKERS:
        return row(record)
    return MarkerRow(
        record["space_id"], record["actor_id"], record["kind"], record["version"], record["xid"], record["body"],
        record["accepted_at"],
    )  # fmt: skip


PRESENT_STAYS = """
SELECT space_id, member_id, joined_seq, left_seq FROM membership
WHERE member_id = ANY($1::uuid[]) AND left_seq IS NULL"""

STAYS_IN = """
SELECT space_id, member_id, joined_seq, left_seq FROM membership
WHERE space_id = ANY($1::uuid[]) AND member_id = ANY($2::uuid[])"""

# Where one member (the viewer: own_stay shows its stays alone) has missed something since the snapshot $1, from the
# position ($2, $3, $4) on, in space $5 or all: each stay, behind which seq, and how far it may go. What a snapshot sees
# is a prefix of every space's log (commit order is seq order): it is enough to walk back from the stay's end to the
# first seen row, by the primary key. What was deleted long ago is not walked through: it begins before the next row.
# OFFSET 0 is a fence: without it the planner asks for the same in several places.
STRETCHES = """
SELECT r.rank, m.space_id, m.joined_seq, next.seq - 1, least(m.to_seq, s.head_seq) AS last, s.type
FROM own_stay m
LEFT JOIN space s ON s.id = m.space_id
CROSS JOIN LATERAL (SELECT CASE WHEN s.type = 4 THEN 0 ELSE 1 END AS rank) r
CROSS JOIN LATERAL (
  SELECT CASE WHEN r.rank = $2::int AND m.space_id = $3::uuid THEN greatest($4::bigint, m.joined_seq - 1)
    ELSE coalesce((SELECT x.seq FROM event x
                   WHERE x.space_id = m.space_id AND x.seq >= m.joined_seq AND x.seq <= m.to_seq
                     AND pg_visible_in_snapshot(x.xid, $1::pg_snapshot)
                   ORDER BY x.seq DESC LIMIT 1), m.joined_seq - 1) END AS seq
  OFFSET 0) seen
CROSS JOIN LATERAL (
  SELECT (SELECT x.seq FROM event x WHERE x.space_id = m.space_id AND x.seq > seen.seq AND x.seq <= m.to_seq
          ORDER BY x.seq LIMIT 1) AS seq OFFSET 0) next
WHERE (m.left_seq IS NOT NULL OR NOT pg_visible_in_snapshot(s.last_xid, $1::pg_snapshot))
  AND (r.rank, m.space_id) >= ($2::int, $3::uuid) AND ($5::uuid IS NULL OR m.space_id = $5::uuid)
  AND next.seq IS NOT NULL
ORDER BY r.rank, m.space_id, m.joined_seq"""

# What the snapshot $5 adds of these stays (space, where it began, from behind which seq to which), in their order. No
# LIMIT: how many there are is counted before, and the planner, who can't know that, would read all to sort them.
BACKLOG = f"""
SELECT e.*
FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bigint[])
  WITH ORDINALITY AS w (space, joined, behind, upto, place)
JOIN own_stay m ON m.space_id = w.space AND m.joined_seq = w.joined
JOIN LATERAL (
  SELECT {_COLUMNS} FROM event e
  WHERE e.space_id = w.space AND e.seq > w.behind AND e.seq <= least(w.upto, m.to_seq)
    AND pg_visible_in_snapshot(e.xid, $5::pg_snapshot) OFFSET 0) e ON true
ORDER BY w.place, e.seq"""  # noqa: S608  (constants)


# Says no more than 'one of the open ones', but to the planner that they are few, whatever its statistics are.
_WITHIN = "AND xid >= pg_snapshot_xmin($1::pg_snapshot) AND xid < pg_snapshot_xmax($1::pg_snapshot)"

# The markers among what one member has missed between the snapshots $1 and $2, after the position ($3, $4, $5) of
# space, member and scope; of space $6 the receipts, or all; $7 rows at most; $8 is the viewer. A row that was replaced
# after $2 comes with what follows. Who came in after $2 is let in by an entry that comes then, too. The fences again:
# what is asked for is looked up space by space, marker by marker, also where row-level security makes it look dear. The
# envelope is asked for behind them alone: so the hub's index, in which everybody's markers are, is not for this.
MISSED_MARKERS = f"""
SELECT {MARKER_COLUMNS} FROM (
  SELECT n.*, v.joined_seq AS own_seq FROM own_stay v CROSS JOIN LATERAL (
    SELECT * FROM marker r
    WHERE r.scope = 1 AND r.space_id = v.space_id AND r.xid >= pg_snapshot_xmax($1::pg_snapshot)
    UNION ALL
    SELECT * FROM marker r
    WHERE r.scope = 1 AND r.space_id = v.space_id AND r.xid = ANY (ARRAY(SELECT pg_snapshot_xip($1::pg_snapshot)))
      {_WITHIN}
    OFFSET 0) n
  WHERE v.left_seq IS NULL AND v.space_id >= $3::uuid AND ($6::uuid IS NULL OR v.space_id = $6::uuid)
  UNION ALL
  SELECT *, o.joined_seq FROM marker o
  WHERE o.scope = 0 AND o.member_id = $8::uuid AND o.xid >= pg_snapshot_xmax($1::pg_snapshot) AND $6::uuid IS NULL
  UNION ALL
  SELECT *, o.joined_seq FROM marker o
  WHERE o.scope = 0 AND o.member_id = $8::uuid AND o.xid = ANY (ARRAY(SELECT pg_snapshot_xip($1::pg_snapshot)))
    {_WITHIN} AND $6::uuid IS NULL
  OFFSET 0
) m
CROSS JOIN LATERAL (
  SELECT 1 FROM membership author
  WHERE author.member_id = m.member_id AND author.space_id = m.space_id AND author.joined_seq = m.joined_seq
    AND author.left_seq IS NULL OFFSET 0) shown
LEFT JOIN LATERAL (
  SELECT 1 AS later FROM event e
  WHERE e.space_id = m.space_id AND e.seq = m.own_seq AND NOT pg_visible_in_snapshot(e.xid, $2::pg_snapshot)
  OFFSET 0) entered ON true
WHERE m.envelope IS NOT NULL AND pg_visible_in_snapshot(m.xid, $2::pg_snapshot)
  AND (m.space_id, m.member_id, m.scope) > ($3::uuid, $4::uuid, $5::smallint) AND entered.later IS NULL
ORDER BY m.space_id, m.member_id, m.scope LIMIT $7"""  # noqa: S608  (constants)
