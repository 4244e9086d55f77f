"""Data sets, plans of validation, evaluations; models have thresholds, tags, notes and aliases."""

import json

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

PLAN = {
    "validation": {"kind": "none", "fraction": 0.25, "folds": 5, "dataset": None, "stratified": True},
    "weights": "none",
    "negative_weights": "refuse",
    "on_limit": "discard",
}
THRESHOLD = {"kind": "natural", "value": None}

_jobs = sa.table("jobs", sa.column("id"), sa.column("holdout"), sa.column("plan", sa.JSON()))


def upgrade() -> None:
    """To this revision."""
    op.create_table(
        "datasets",
        sa.Column("number", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=256), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("columns_digest", sa.String(length=64), nullable=False),
        sa.Column("identity", sa.String(length=64), nullable=False),
        sa.Column("format", sa.String(length=16), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("parts", sa.JSON(), nullable=False),
        sa.Column("reading", sa.JSON(), nullable=False),
        sa.Column("events", sa.BigInteger(), nullable=False),
        sa.Column("columns", sa.JSON(), nullable=False),
        sa.Column("event_schema", sa.JSON(), nullable=False),
        sa.Column("classes", sa.JSON(), nullable=False),
        sa.Column("warnings", sa.JSON(), nullable=False),
        sa.Column("created", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_datasets")),
        sa.UniqueConstraint("id", name=op.f("uq_datasets_id")),
        sa.UniqueConstraint("identity", name=op.f("uq_datasets_identity")),
    )
    op.create_index(op.f("ix_datasets_columns_digest"), "datasets", ["columns_digest"], unique=False)
    op.create_table(
        "aliases",
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("model", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["model"], ["models.number"], name=op.f("fk_aliases_model_models")),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_aliases")),
    )
    op.create_index(op.f("ix_aliases_model"), "aliases", ["model"], unique=False)

    op.add_column("tables", sa.Column("features", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("tables", sa.Column("classes", sa.Integer(), nullable=False, server_default="2"))
    op.add_column("jobs", sa.Column("validation_digest", sa.String(length=64), nullable=True))
    op.add_column("jobs", sa.Column("dataset_id", sa.String(length=32), nullable=True))
    op.add_column("jobs", sa.Column("plan", sa.JSON(), nullable=False, server_default=json.dumps(PLAN)))
    op.add_column("jobs", sa.Column("warnings", sa.JSON(), nullable=False, server_default="[]"))
    op.create_index(op.f("ix_jobs_validation_digest"), "jobs", ["validation_digest"], unique=False)
    op.create_index(op.f("ix_jobs_dataset_id"), "jobs", ["dataset_id"], unique=False)
    _plans_of_held_out_parts()
    _drop("jobs", "holdout")
    op.add_column("trainings", sa.Column("started", sa.DateTime(), nullable=True))
    op.add_column("trainings", sa.Column("estimate", sa.JSON(), nullable=True))
    op.add_column("trainings", sa.Column("events", sa.BigInteger(), nullable=False, server_default="0"))
    op.add_column("trainings", sa.Column("features", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("trainings", sa.Column("classes", sa.Integer(), nullable=False, server_default="2"))
    op.add_column("trainings", sa.Column("kept_early", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("models", sa.Column("evaluation_digest", sa.String(length=64), nullable=True))
    op.add_column("models", sa.Column("event_schema", sa.JSON(), nullable=True))
    op.add_column("models", sa.Column("probabilities", sa.Boolean(), nullable=False, server_default=sa.true()))
    op.add_column("models", sa.Column("kept_early", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("models", sa.Column("threshold", sa.JSON(), nullable=False, server_default=json.dumps(THRESHOLD)))
    op.add_column("models", sa.Column("tags", sa.JSON(), nullable=False, server_default="[]"))
    op.add_column("models", sa.Column("note", sa.String(), nullable=False, server_default=""))
    op.create_index(op.f("ix_models_evaluation_digest"), "models", ["evaluation_digest"], unique=False)
    op.execute("UPDATE models SET probabilities = (type <> 'SVM')")
    op.add_column("scores", sa.Column("low", sa.Double(), nullable=True))
    op.add_column("scores", sa.Column("high", sa.Double(), nullable=True))
    op.add_column("scores", sa.Column("weighted", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.execute(sa.text("UPDATE scores SET weighted = :yes WHERE name = 'ams'").bindparams(yes=True))
    op.add_column("choices", sa.Column("made_by", sa.String(length=128), nullable=False, server_default=""))


def _plans_of_held_out_parts() -> None:
    connection = op.get_bind()
    for job, fraction in connection.execute(sa.select(_jobs.c.id, _jobs.c.holdout).where(_jobs.c.holdout > 0)).all():
        plan = PLAN | {"validation": {**PLAN["validation"], "kind": "holdout", "fraction": fraction}}  # type: ignore[dict-item]
        connection.execute(_jobs.update().where(_jobs.c.id == job).values(plan=plan))


def _drop(table: str, *columns: str) -> None:
    # Not through a copy of the table, as Alembic does it on SQLite: rows of other tables refer to this one.
    for column in columns:
        op.execute(f"ALTER TABLE {table} DROP COLUMN {column}")


def downgrade() -> None:
    """Back to the one before: data sets and what is only known of newer models are lost."""
    _drop("choices", "made_by")
    _drop("scores", "weighted", "high", "low")
    op.drop_index(op.f("ix_models_evaluation_digest"), "models")
    _drop("models", "note", "tags", "threshold", "kept_early", "probabilities", "event_schema", "evaluation_digest")
    _drop("trainings", "kept_early", "classes", "features", "events", "estimate", "started")
    op.add_column("jobs", sa.Column("holdout", sa.Double(), nullable=False, server_default="0"))
    op.drop_index(op.f("ix_jobs_dataset_id"), "jobs")
    op.drop_index(op.f("ix_jobs_validation_digest"), "jobs")
    _drop("jobs", "warnings", "plan", "dataset_id", "validation_digest")
    _drop("tables", "classes", "features")
    op.drop_table("aliases")
    op.drop_table("datasets")
