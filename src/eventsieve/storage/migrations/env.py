"""Alembic's entry: migrate over the connection that was handed in (see database.py)."""

from typing import Any, Literal

from alembic import context

from eventsieve.storage.rows import Base, UtcTime


def _render_item(kind: str, item: Any, _context: Any) -> str | Literal[False]:
    # A migration must not import what may change after it.
    return "sa.DateTime()" if kind == "type" and isinstance(item, UtcTime) else False


connection = context.config.attributes["connection"]
# SQLite cannot alter a column in place; batch mode copies the table.
context.configure(connection=connection, target_metadata=Base.metadata, render_as_batch=True, render_item=_render_item)
with context.begin_transaction():
    context.run_migrations()
