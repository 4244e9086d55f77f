"""How a request ended that the browser has sent past the pages, as it tells them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx2

from eventsieve.client.failures import failure
from eventsieve.errors import EventsieveError, ServerUnreachable
from eventsieve.web.i18n import _

__all__ = ["refusal_of"]


def refusal_of(outcome: Mapping[str, Any], server: str) -> EventsieveError | None:
    """Why it was refused; ``None`` where it was not.

    Args:
        outcome: ``status`` of the answer, 0 for none, and its ``body``.
        server: where the server is.
    """
    status, body = int(outcome.get("status", 0)), str(outcome.get("body", ""))
    if status == 0:
        return ServerUnreachable(_("the page's own server"), _("the connection broke off"))
    if status < httpx2.codes.BAD_REQUEST:
        return None
    refused = failure(httpx2.Response(status, text=body))
    if status == httpx2.codes.BAD_GATEWAY:
        return ServerUnreachable(server, str(refused).rstrip("."))
    return refused
