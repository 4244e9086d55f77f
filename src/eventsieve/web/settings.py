"""The settings of the web client, under the names of the specification; only the entry points read them."""

from __future__ import annotations

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from eventsieve.client.transport import is_address
from eventsieve.errors import BadConfiguration

__all__ = ["WebSettings", "read_settings"]


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

    @field_validator("FASTAPI_URL", "GITHUB_LINK")
    @classmethod
    def _is_address(cls, value: str) -> str:
        if value and not is_address(value):
            raise ValueError(f"{value!r} is no address; write it as http://127.0.0.1:8000")
        return value

    @property
    def environment(self) -> dict[str, str]:
        """The variables from which these settings would be read again."""
        return {f"EVENTSIEVE_{name}": str(value) for name, value in self.model_dump().items()}


def read_settings(**given: object) -> WebSettings:
    """The settings of the web client; what is ``given`` and not None comes before the environment.

    Raises:
        BadConfiguration: naming every setting that has a wrong value.
    """
    try:
        return WebSettings(**{name: value for name, value in given.items() if value is not None})  # type: ignore[arg-type]
    except ValidationError as error:
        faults = [
            f"EVENTSIEVE_{'.'.join(map(str, fault['loc']))}: {fault['msg'].removeprefix('Value error, ')}"
            for fault in error.errors()
        ]
        raise BadConfiguration("Correct these settings: " + "; ".join(faults) + ".") from error
