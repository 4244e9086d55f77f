"""${message}."""

# A migration that has been released is never changed. Checklist for a new one:
# - change rows.py, then `make migration MESSAGE="..."` and read what it wrote
# - the registry's test compares the migrated database with rows.py
# - an entry in CHANGELOG.md
import sqlalchemy as sa
from alembic import op
${imports if imports else ""}
revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}


def upgrade() -> None:
    """To this revision."""
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    """Back to the one before."""
    ${downgrades if downgrades else "pass"}
