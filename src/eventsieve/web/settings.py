"""The settings of the web client, under the names of the specification; only the entry points read them."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

__all__ = ["WebSettings"]


class WebSettings(BaseSettings):
    """Read from environment variables with the prefix ``EVENTSIEVE_`` and from a file ``.env``."""

    model_config = SettingsConfigDict(
        env_prefix="EVENTSIEVE_", env_file=".env", extra="ignore", case_sensitive=False, frozen=True
    )

    FASTAPI_URL: str = Field("http://127.0.0.1:8000", description="Where the server is.")
    ROUTE: str = Field("/api/v2", description="Prefix of the native interface on the server.")
    GITHUB_LINK: str = Field("", description="Where the project is published; empty: no link is shown.")
    WEB_HOST: str = Field("127.0.0.1", description="Address on which the page is served.")
    WEB_PORT: int = Field(8501, ge=0, le=65535, description="Port on which the page is served.")
