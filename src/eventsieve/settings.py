"""The settings, under the names of the specification; only the entry points read them."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from eventsieve import machine
from eventsieve.domain.schema import load_schema
from eventsieve.errors import BadConfiguration
from eventsieve.records import Dtype, Schema

__all__ = ["Settings", "read_settings"]

MEBIBYTE = 1 << 20


class Settings(BaseSettings):
    """Read from environment variables with the prefix ``EVENTSIEVE_`` and from a file ``.env``.

    Relative paths are relative to the folder in which the program is started.
    """

    model_config = SettingsConfigDict(
        env_prefix="EVENTSIEVE_", env_file=".env", extra="ignore", case_sensitive=False, frozen=True
    )

    MODEL_DIR: Path = Field(Path("models"), description="Folder of the store: models, tables and the registry.")
    LOG_DIR: Path = Field(Path("logs"), description="Folder of the log files.")
    PDF_PATH: Path | None = Field(
        Path("content/eda.pdf"),
        description="The report that clients get; where the file does not exist, the server makes one of simulated "
        "events. Empty: no report.",
    )
    NUM_CPUS: int = Field(
        default_factory=lambda: max(4, machine.cores()),
        ge=1,
        le=1024,
        description="Training slots, a process each. Default: the cores, at least 4.",
    )
    THREADS: int = Field(
        default_factory=lambda: min(16, machine.cores()),
        ge=1,
        le=1024,
        description="Threads of one training. Default: the cores, at most 16. Some types give another model, as good, "
        "with another number.",
    )
    ACCELERATE: bool = Field(
        True,
        description="Whether forests and support vector machines are trained by scikit-learn-intelex, where it is "
        "installed.",
    )
    SCHEMA: str = Field("atlas-higgs-2014", description="Name of the event schema that the settings below adapt.")
    TARGET_COL: str | None = Field(None, description="Column of the labels. Default: the schema's.")
    SIGNAL: str | None = Field(None, description="Label of a signal event. Default: the schema's.")
    NON_FEATURE_COLS: list[str] | None = Field(
        None, description="Columns that are in the tables and never trained on (JSON list). Default: the schema's."
    )
    INDEX_COL: str | None = Field(None, description="Column of the event numbers. Default: the schema's.")
    DATASET_COLS: dict[str, Dtype] | None = Field(
        None,
        description="All columns with their types int64, float64 or object (JSON object). Default: the schema's.",
    )
    TIME_LIMIT: float = Field(60.0, gt=0, description="Seconds that the training of one model may take.")
    MEMORY_LIMIT_MB: int | None = Field(
        None,
        ge=64,
        description="Memory in MB that the training of one model may use. Default: what the machine has, shared "
        "among the slots.",
    )
    MODEL_TYPES: list[str] = Field(
        ["LogReg", "SVM", "RandomForest", "GradientBoosting", "HistGradientBoosting", "LightGBM"],
        min_length=1,
        description="Types of models that can be trained (JSON list). One whose package is not installed is not "
        "offered.",
    )
    AVAILABLE_SCORINGS: list[str] = Field(
        ["accuracy", "f1"], min_length=1, description="Figures of merit by which clients compare models (JSON list)."
    )
    SEED: int = Field(
        0, ge=0, lt=2**32, description="Seed of everything random, where a model's random_state is not given."
    )
    MAX_UPLOAD_MB: int = Field(4096, ge=1, description="Largest upload in MB.")
    MAX_DATASET_MB: int = Field(16384, ge=1, description="Largest data set in MB when it is unpacked.")
    MAX_TABLE_MB: int = Field(
        default_factory=lambda: min(2048, max(256, machine.memory() // (16 * MEBIBYTE))),
        ge=1,
        description="Largest table in MB when it is decompressed. Default: a sixteenth of the memory, 256 to 2048.",
    )
    DATABASE_URL: str | None = Field(
        None, description="The registry's database as SQLAlchemy writes it. Default: a SQLite file in MODEL_DIR."
    )
    LOG_CONFIG_PATH: Path | None = Field(
        None, description="Configuration of the logs, a JSON file for logging.config. Default: our own, into LOG_DIR."
    )
    HOST: str = Field("127.0.0.1", description="Address on which the server listens.")
    PORT: int = Field(8000, ge=0, le=65535, description="Port on which the server listens.")

    @field_validator("PDF_PATH", "TARGET_COL", "SIGNAL", "INDEX_COL", "DATABASE_URL", "LOG_CONFIG_PATH", mode="before")
    @classmethod
    def _empty_is_none(cls, value: object) -> object:
        return None if value == "" else value

    @property
    def database_url(self) -> str:
        """Where the registry is."""
        return self.DATABASE_URL or f"sqlite:///{(self.MODEL_DIR / 'registry.sqlite').absolute()}"

    def event_schema(self) -> Schema:
        """The event schema, with the settings laid over it.

        Raises:
            BadConfiguration: the settings do not fit together.
        """
        return load_schema(self.SCHEMA).adapted(
            target=self.TARGET_COL,
            signal=self.SIGNAL,
            non_features=self.NON_FEATURE_COLS,
            index=self.INDEX_COL,
            columns=self.DATASET_COLS,
        )

    @property
    def max_table_bytes(self) -> int:
        """Bytes that a table may have when it is decompressed."""
        return self.MAX_TABLE_MB * MEBIBYTE

    @property
    def max_dataset_bytes(self) -> int:
        """Bytes that a data set may have when it is unpacked."""
        return self.MAX_DATASET_MB * MEBIBYTE

    @property
    def max_upload_bytes(self) -> int:
        """Bytes that an upload may have."""
        return self.MAX_UPLOAD_MB * MEBIBYTE

    @property
    def memory_limit(self) -> int:
        """Bytes that the training of one model may use."""
        if self.MEMORY_LIMIT_MB is not None:
            return self.MEMORY_LIMIT_MB * MEBIBYTE
        return max(512 * MEBIBYTE, machine.memory() // self.NUM_CPUS)


def read_settings(**given: object) -> Settings:
    """The settings of this process; what is ``given`` and not None comes before the environment.

    Raises:
        BadConfiguration: naming every setting that has a wrong value.
    """
    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})  # type: ignore[arg-type]
    except ValidationError as error:
        faults = [
            f"EVENTSIEVE_{'.'.join(map(str, fault['loc']))}: {fault['msg']}"
            + (" written as JSON" if fault["type"] in ("list_type", "dict_type") else "")
            for fault in error.errors()
        ]
        raise BadConfiguration("Correct these settings: " + "; ".join(faults) + ".") from error
    except SettingsError as error:
        raise BadConfiguration(f"{error}: lists and objects are written as JSON.") from error
