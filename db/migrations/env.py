"""Alembic's entry: the connection comes from `db.migrate`, already in the role circle_owner and in one transaction."""

from alembic import context
from sqlmodel import SQLModel

import db.models  # noqa: F401  (fills SQLModel.metadata)

context.configure(connection=context.config.attributes["connection"], target_metadata=SQLModel.metadata)
with context.begin_transaction():
    context.run_migrations()
