"""The database's shape through time: Alembic revisions, run by `db.migrate`. A released revision is never edited."""
