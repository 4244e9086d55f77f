"""The application for ASGI servers: ``uvicorn eventsieve.api.main:app``."""

from eventsieve.api.app import create_app
from eventsieve.settings import read_settings

__all__ = ["app"]

app = create_app(read_settings())
