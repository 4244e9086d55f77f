"""How uvicorn listens: with bounds on what strangers may hold open, and no more believed than is said to be."""

from __future__ import annotations

from typing import Any

from eventsieve.api.protocol import BoundedProtocol
from eventsieve.settings import Settings

__all__ = ["bounds"]


def bounds(settings: Settings) -> dict[str, Any]:
    """Arguments of `uvicorn.run`."""
    return {
        "http": BoundedProtocol,
        "ws": "none",  # nothing here speaks WebSocket
        "limit_concurrency": settings.MAX_CONNECTIONS,
        "server_header": False,
        # What `X-Forwarded-For` and `X-Forwarded-Proto` say is anybody's word, unless a proxy of ours says it.
        "proxy_headers": bool(settings.TRUSTED_PROXIES),
        "forwarded_allow_ips": settings.TRUSTED_PROXIES,
    }
