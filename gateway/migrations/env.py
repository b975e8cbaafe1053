"""Alembic environment: works on the connection that `gateway.registry.engine.migrate` hands over."""

from alembic import context

from gateway.registry.tables import METADATA

context.configure(connection=context.config.attributes["connection"], target_metadata=METADATA, transactional_ddl=False)
context.run_migrations()
