"""The settings, under the names of the specification; only the entry points read them."""

from __future__ import annotations

import re
from ipaddress import ip_network
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from eventsieve import machine
from eventsieve.domain.schema import load_schema
from eventsieve.errors import BadConfiguration
from eventsieve.records import AccessRole, Dtype, Quotas, Schema

__all__ = ["Settings", "read_settings"]

MEBIBYTE = 1 << 20

_ORIGIN = re.compile(r"https?://(?:[a-z0-9_.-]+|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?", re.IGNORECASE)
_HOST = re.compile(r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)*", re.IGNORECASE)


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
    KEEP_DATASETS_DAYS: int | None = Field(
        None,
        ge=1,
        description="Days after which a data set is removed that nobody has used and on which no model was trained "
        "that still stands. Default: for ever.",
    )
    KEEP_JOBS_DAYS: int | None = Field(
        None, ge=1, description="Days after which an ended job is removed of which no model is left. Default: for ever."
    )
    KEEP_AUDIT_DAYS: int | None = Field(
        None, ge=1, description="Days after which entries of the audit trail are removed. Default: for ever."
    )
    ON_STOP: Literal["interrupt", "finish"] = Field(
        "interrupt",
        description="What a server that is told to end does with trainings that run: interrupt ends them at once, "
        "finish waits for them.",
    )
    STOP_SECONDS: float = Field(
        60.0, gt=0, le=86_400, description="Longest wait in seconds for trainings that run, where ON_STOP is finish."
    )
    MAX_UPLOAD_MB: int = Field(4096, ge=1, description="Largest upload in MB.")
    MAX_DATASET_MB: int = Field(16384, ge=1, description="Largest data set in MB when it is unpacked.")
    MAX_TABLE_MB: int = Field(
        default_factory=lambda: min(2048, max(256, machine.memory() // (16 * MEBIBYTE))),
        ge=1,
        description="Largest table in MB when it is decompressed. Default: a sixteenth of the memory, 256 to 2048.",
    )
    QUOTA_REQUESTS: int | None = Field(
        None,
        ge=1,
        description="Requests per minute of each person, or of each address where nobody has signed in. Default: as "
        "many as they like.",
    )
    QUOTA_UPLOAD_MB: int | None = Field(
        None, ge=1, description="MB that each person may send within 24 hours. Default: as many as he likes."
    )
    QUOTA_STORAGE_MB: int | None = Field(
        None, ge=1, description="MB of data sets and models that each person may keep. Default: as many as he likes."
    )
    QUOTA_SLOTS: int | None = Field(
        None,
        ge=1,
        description="Trainings of each person that run at the same time; others of his wait. Default: NUM_CPUS.",
    )
    MAX_COLUMNS: int = Field(2048, ge=1, le=100_000, description="Most columns of a table.")
    MAX_STREAMS: int = Field(
        128, ge=1, description="Most clients that follow jobs at the same time; half of them may be one client's."
    )
    MAX_CONNECTIONS: int = Field(1024, ge=8, description="Most connections to the server at the same time.")
    BODY_SECONDS: float = Field(
        30.0,
        gt=0,
        description="Seconds that the server waits for a request's body, and one more for each 10 kB that have come.",
    )
    ALLOWED_HOSTS: list[str] = Field(
        [],
        description="Names by which clients reach the server (JSON list), besides addresses, localhost and HOST. Where "
        "everybody has to sign in, an empty list lets in every name.",
    )
    CORS_ORIGINS: list[str] = Field(
        [], description="Origins whose web pages may use the server from a browser (JSON list), as https://example.org."
    )
    TRUSTED_PROXIES: list[str] = Field(
        [],
        description="Addresses or networks of proxies whose X-Forwarded-For and X-Forwarded-Proto are believed "
        "(JSON list).",
    )
    DATABASE_URL: str | None = Field(
        None, description="The registry's database as SQLAlchemy writes it. Default: a SQLite file in MODEL_DIR."
    )
    FILES_URL: str | None = Field(
        None,
        description="Where artefacts, tables, evaluations and data sets are: s3://BUCKET/PREFIX, gs://, az://, or "
        "file:///FOLDER. MODEL_DIR is a cache then. Default: MODEL_DIR.",
    )
    CACHE_MB: int | None = Field(
        None,
        ge=1,
        description="Megabytes of files of FILES_URL that are kept in MODEL_DIR; those that were used longest ago go "
        "first. Default: no limit.",
    )
    LOG_CONFIG_PATH: Path | None = Field(
        None, description="Configuration of the logs, a JSON file for logging.config. Default: our own, into LOG_DIR."
    )
    LOG_FORMAT: Literal["line", "json"] = Field(
        "line", description="How the logs are written: line is for people, json for programs that collect logs."
    )
    MIN_FREE_MB: int = Field(
        256,
        ge=0,
        description="Least room in MB on the disk of MODEL_DIR, below which /readyz says that the server is not ready.",
    )
    HOST: str = Field("127.0.0.1", description="Address on which the server listens.")
    PORT: int = Field(8000, ge=0, le=65535, description="Port on which the server listens.")
    AUTH: bool = Field(False, description="Whether everybody has to sign in, with a key or through OIDC.")
    OPEN: bool = Field(
        False,
        description="Whether to listen on an address that others reach although nobody has to sign in.",
    )
    SESSION_HOURS: float = Field(12.0, gt=0, le=8760, description="Hours after which who signed in has to do so again.")
    OIDC_ISSUER: str | None = Field(
        None, description="Address of a provider of identities (OpenID Connect) whose ID tokens are taken."
    )
    OIDC_AUDIENCE: str | None = Field(
        None, description="The client id at the provider of identities that ID tokens must be made for."
    )
    OIDC_NAME_CLAIM: str = Field(
        "email", min_length=1, description="Claim of an ID token that names a person, for ever and nobody else."
    )
    OIDC_ROLE_CLAIM: str | None = Field(
        None,
        description="Claim of an ID token with groups or roles; points lead into objects: `realm_access.roles`.",
    )
    OIDC_ROLES: dict[str, AccessRole] = Field(
        {},
        description="Roles by the values of OIDC_ROLE_CLAIM (JSON object); the highest holds.",
    )
    OIDC_DEFAULT_ROLE: AccessRole | None = Field(
        None, description="Role of who signs in through OIDC_ISSUER and has none by OIDC_ROLES. Default: he is refused."
    )

    @field_validator(
        "PDF_PATH",
        "TARGET_COL",
        "SIGNAL",
        "INDEX_COL",
        "DATABASE_URL",
        "FILES_URL",
        "LOG_CONFIG_PATH",
        "OIDC_ISSUER",
        "OIDC_AUDIENCE",
        "OIDC_ROLE_CLAIM",
        "OIDC_DEFAULT_ROLE",
        "QUOTA_REQUESTS",
        "QUOTA_UPLOAD_MB",
        "QUOTA_STORAGE_MB",
        "QUOTA_SLOTS",
        mode="before",
    )
    @classmethod
    def _empty_is_none(cls, value: object) -> object:
        return None if value == "" else value

    @field_validator("CORS_ORIGINS")
    @classmethod
    def _are_origins(cls, value: list[str]) -> list[str]:
        if wrong := [each for each in value if not _ORIGIN.fullmatch(each)]:
            raise ValueError(f"{wrong[0]!r} is no origin; name each as https://example.org, without a path or *")
        return value

    @field_validator("ALLOWED_HOSTS")
    @classmethod
    def _are_hosts(cls, value: list[str]) -> list[str]:
        if wrong := [each for each in value if not _HOST.fullmatch(each)]:
            raise ValueError(f"{wrong[0]!r} is no name of a host; write it as example.org, without a port or *")
        return value

    @field_validator("TRUSTED_PROXIES")
    @classmethod
    def _are_networks(cls, value: list[str]) -> list[str]:
        for each in value:
            ip_network(each)  # says what is wrong
        return value

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
    def cache_bytes(self) -> int | None:
        """Bytes of an object store's files that are kept in the folder; ``None`` for no limit."""
        return None if self.CACHE_MB is None else self.CACHE_MB * MEBIBYTE

    @property
    def max_upload_bytes(self) -> int:
        """Bytes that an upload may have."""
        return self.MAX_UPLOAD_MB * MEBIBYTE

    @property
    def quotas(self) -> Quotas:
        """What whoever has no quotas of his own may use."""
        return Quotas(
            requests=self.QUOTA_REQUESTS,
            upload=self.QUOTA_UPLOAD_MB and self.QUOTA_UPLOAD_MB * MEBIBYTE,
            storage=self.QUOTA_STORAGE_MB and self.QUOTA_STORAGE_MB * MEBIBYTE,
            slots=self.QUOTA_SLOTS,
        )

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
