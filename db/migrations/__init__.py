"""The database's shape through time: Alembic revisions, run by `db.migrate`. A released revision is never edited."""

from db.migrations import devices_tables, markers, presence, start_tables

TABLES = (*start_tables.TABLES, *devices_tables.TABLES, *presence.TABLES, *markers.TABLES)
"""All tables, as the newest revision has them."""
