"""Keys, sessions, the audit trail, owners that beat; data sets and jobs know who asked for them."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """To this revision."""
    op.create_table(
        "keys",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("quotas", sa.JSON(), nullable=False),
        sa.Column("created", sa.DateTime(), nullable=False),
        sa.Column("expires", sa.DateTime(), nullable=True),
        sa.Column("revoked", sa.DateTime(), nullable=True),
        sa.Column("used", sa.DateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_keys")),
        sa.UniqueConstraint("hash", name=op.f("uq_keys_hash")),
    )
    op.create_index(op.f("ix_keys_name"), "keys", ["name"], unique=False)
    op.create_table(
        "sessions",
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("key_id", sa.String(length=16), nullable=True),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("created", sa.DateTime(), nullable=False),
        sa.Column("expires", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["key_id"], ["keys.id"], name=op.f("fk_sessions_key_id_keys"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_sessions")),
    )
    op.create_index(op.f("ix_sessions_expires"), "sessions", ["expires"], unique=False)
    op.create_index(op.f("ix_sessions_key_id"), "sessions", ["key_id"], unique=False)
    op.create_table(
        "deeds",
        sa.Column("number", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("moment", sa.DateTime(), nullable=False),
        sa.Column("actor", sa.String(length=128), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("action", sa.String(length=128), nullable=False),
        sa.Column("objects", sa.JSON(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("client", sa.String(length=64), nullable=False),
        sa.Column("request_id", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_deeds")),
    )
    op.create_index(op.f("ix_deeds_actor"), "deeds", ["actor"], unique=False)
    op.create_index(op.f("ix_deeds_moment"), "deeds", ["moment"], unique=False)
    op.create_table(
        "owners",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("host", sa.String(length=256), nullable=False),
        sa.Column("beats", sa.BigInteger(), nullable=False),
        sa.Column("created", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_owners")),
    )
    op.create_table(
        "stores",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_stores")),
    )
    op.create_table(
        "uploads",
        sa.Column("made_by", sa.String(length=128), nullable=False),
        sa.Column("hour", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("made_by", "hour", name=op.f("pk_uploads")),
    )
    for table in ("datasets", "jobs"):
        op.add_column(table, sa.Column("made_by", sa.String(length=128), nullable=False, server_default=""))
        op.create_index(op.f(f"ix_{table}_made_by"), table, ["made_by"], unique=False)
    for table in ("datasets", "models"):
        op.add_column(table, sa.Column("stored_bytes", sa.BigInteger(), nullable=True))
    op.add_column("datasets", sa.Column("used", sa.DateTime(), nullable=True))
    op.create_index("ix_datasets_stored", "datasets", ["made_by", "columns_digest", "stored_bytes"], unique=False)
    op.create_index("ix_models_stored", "models", ["job_id", "digest", "stored_bytes"], unique=False)


def downgrade() -> None:
    """Back to the one before: keys, the audit trail, and whose is what are lost."""
    op.execute("ALTER TABLE datasets DROP COLUMN used")
    for table in ("models", "datasets"):
        op.drop_index(f"ix_{table}_stored", table)
        op.execute(f"ALTER TABLE {table} DROP COLUMN stored_bytes")
    for table in ("jobs", "datasets"):
        op.drop_index(op.f(f"ix_{table}_made_by"), table)
        # Not through a copy of the table, as Alembic does it on SQLite: rows of other tables refer to this one.
        op.execute(f"ALTER TABLE {table} DROP COLUMN made_by")
    for table in ("uploads", "stores", "owners", "deeds", "sessions", "keys"):
        op.drop_table(table)
