"""The settings of the web client, under the names of the specification; only the entry points read them."""

from __future__ import annotations

from typing import Self
from urllib.parse import urlsplit

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, SettingsConfigDict

from eventsieve.client.transport import is_address
from eventsieve.errors import BadConfiguration

__all__ = ["WebSettings", "read_settings"]

SHORTEST_SECRET = 32


class WebSettings(BaseSettings):
    """Read from environment variables with the prefix ``EVENTSIEVE_`` and from a file ``.env``."""

    model_config = SettingsConfigDict(
        env_prefix="EVENTSIEVE_", env_file=".env", extra="ignore", case_sensitive=False, frozen=True
    )

    FASTAPI_URL: str = Field("http://127.0.0.1:8000", min_length=1, description="Where the server is.")
    ROUTE: str = Field("/api/v2", description="Prefix of the native interface on the server.")
    GITHUB_LINK: str = Field("", description="Where the project is published; empty: no link is shown.")
    WEB_HOST: str = Field("127.0.0.1", description="Address on which the page is served.")
    WEB_PORT: int = Field(8501, ge=0, le=65535, description="Port on which the page is served.")
    PUBLIC_URL: str = Field(
        "",
        description="Where readers find the page, say `https://sieve.example.org`, with its path where it has one. "
        "Needed behind a proxy, and for OIDC.",
    )
    # These three are the server's too, and described alike.
    AUTH: bool = Field(False, description="Whether everybody has to sign in, with a key or through OIDC.")
    OPEN: bool = Field(
        False, description="Whether to listen on an address that others reach although nobody has to sign in."
    )
    OIDC_ISSUER: str | None = Field(
        None, description="Address of a provider of identities (OpenID Connect) whose ID tokens are taken."
    )
    OIDC_CLIENT_ID: str = Field(
        "", description="Under which name the provider of identities knows the page. Empty: keys alone are asked for."
    )
    OIDC_CLIENT_SECRET: str = Field("", repr=False, description="The page's secret at the provider of identities.")
    OIDC_SCOPES: str = Field("openid email profile", description="What the provider is asked to tell of a reader.")
    COOKIE_SECRET: str = Field(
        "",
        repr=False,
        description="At least 32 characters, by which the page knows its own cookies while somebody signs in through "
        "OIDC. Default: others at every start.",
    )

    @field_validator("FASTAPI_URL", "GITHUB_LINK", "PUBLIC_URL", "OIDC_ISSUER")
    @classmethod
    def _is_address(cls, value: str | None) -> str | None:
        if value and not is_address(value):
            raise ValueError(f"{value!r} is no address; write it as http://127.0.0.1:8000")
        return value

    @field_validator("OIDC_ISSUER", mode="before")
    @classmethod
    def _empty_is_none(cls, value: object) -> object:
        return None if value == "" else value

    @field_validator("PUBLIC_URL")
    @classmethod
    def _is_bare(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.query or parts.fragment or parts.username or parts.password:
            raise ValueError(f"{value!r} has more than a host and a path; write it as https://sieve.example.org")
        return value.rstrip("/")

    @field_validator("COOKIE_SECRET")
    @classmethod
    def _is_long(cls, value: str) -> str:
        if value and len(value) < SHORTEST_SECRET:
            raise ValueError(
                f"a secret of {len(value)} characters can be guessed; give {SHORTEST_SECRET}, say by "
                f'`python -c "import secrets; print(secrets.token_hex())"`'
            )
        return value

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        needed = ("OIDC_ISSUER", "OIDC_CLIENT_SECRET", "PUBLIC_URL")
        missing = [name for name in needed if self.OIDC_CLIENT_ID and not getattr(self, name)]
        if missing:
            named = " and ".join(f"EVENTSIEVE_{name}" for name in missing)
            raise ValueError(f"EVENTSIEVE_OIDC_CLIENT_ID needs {named} too")
        return self

    @property
    def oidc(self) -> bool:
        """Whether readers can sign in through a provider of identities."""
        return bool(self.OIDC_CLIENT_ID)

    @property
    def base(self) -> str:
        """The path below which the page is served, say ``/sieve``; empty for the root."""
        return urlsplit(self.PUBLIC_URL).path.rstrip("/")

    @property
    def environment(self) -> dict[str, str]:
        """The variables from which these settings would be read again."""
        given = {name: value for name, value in self.model_dump().items() if value is not None}
        return {f"EVENTSIEVE_{name}": str(value) for name, value in given.items()}


def read_settings(**given: object) -> WebSettings:
    """The settings of the web client; what is ``given`` and not None comes before the environment.

    Raises:
        BadConfiguration: naming every setting that has a wrong value.
    """
    try:
        return WebSettings(**{name: value for name, value in given.items() if value is not None})  # type: ignore[arg-type]
    except ValidationError as error:
        raise BadConfiguration("Correct these settings: " + "; ".join(map(_fault, error.errors())) + ".") from error


def _fault(fault: ErrorDetails) -> str:
    """What is wrong with a setting; not its value, unless its own check says it: it may be a secret."""
    place, what = ".".join(map(str, fault["loc"])), fault["msg"].removeprefix("Value error, ")
    return f"EVENTSIEVE_{place}: {what}" if place else what
