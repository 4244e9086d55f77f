"""Refusals of the relay: small pages for people, since a browser shows them in place of a file."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from starlette.requests import Request
from starlette.responses import HTMLResponse

from eventsieve.errors import (
    BadInput,
    Conflict,
    EventsieveError,
    NotAllowed,
    NotFound,
    NotReady,
    NotSignedIn,
    ServerFailed,
    ServerUnreachable,
    TooLarge,
    TooMany,
)
from eventsieve.web.faults import cure_of, headline_of
from eventsieve.web.i18n import N_, accepted, translated
from eventsieve.web.sentences import translated_sentence

__all__ = ["refusal"]

STATUSES: dict[type[EventsieveError], int] = {
    ServerUnreachable: 502,
    ServerFailed: 502,
    NotReady: 503,
    NotSignedIn: 401,
    NotAllowed: 403,
    TooMany: 429,
    TooLarge: 413,
    NotFound: 404,
    Conflict: 409,
    BadInput: 422,
}
BACK = N_("Go back to the page, and try again there.")
PAGE = """<!doctype html>
<html lang="{language}">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{headline} - Eventsieve</title>
<style>
:root {{ color-scheme: light dark }}
body {{ font: 1rem/1.5 system-ui, sans-serif; max-width: 40rem; margin: 10vh auto; padding: 0 1rem }}
</style>
<h1>{headline}</h1>
{sentences}
<p>{cure}</p>
"""
POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def refusal(request: Request, error: EventsieveError) -> HTMLResponse:
    """A page that says what went wrong and what can be done, in the reader's language where the words are ours."""
    language = accepted(request.cookies, request.headers.get("accept-language", ""))
    page = PAGE.format(
        language=language,
        headline=escape(translated(headline_of(error), language)),
        sentences="\n".join(f"<p>{escape(translated_sentence(each, language))}</p>" for each in _sentences(error)),
        cure=escape(translated(cure_of(error) or BACK, language).replace("`", "")),
    )
    status = next((status for kind, status in STATUSES.items() if isinstance(error, kind)), 500)
    headers = {"Content-Security-Policy": POLICY, "Cache-Control": "no-store"}
    if isinstance(error, (NotReady, TooMany)):
        headers["Retry-After"] = str(error.retry_after)
    return HTMLResponse(page, status, headers)


def _sentences(error: EventsieveError) -> list[str]:
    faults = getattr(error, "faults", None)
    listed = list(faults.values()) if isinstance(faults, Mapping) else list(faults or ())
    return listed or [str(error)]
