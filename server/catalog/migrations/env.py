"""Alembic's entry point: runs the migrations on the connection of `schema.migrate`."""

from alembic import context

from dropwall.catalog.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,
)
context.run_migrations()
