"""Secrets in text that others will read: keys, tokens and passwords become stars."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["masked", "one_line"]

STARS: Final = "***"

_SECRETS: Final = (
    # A key or the token of a session, also in a path or cut off; and a token that an OIDC provider has signed.
    (re.compile(r"\b(ess?_)[A-Za-z0-9_-]{12,}"), rf"\1{STARS}"),
    (re.compile(r"\beyJ[A-Za-z0-9_-]{6,}(?:\.[A-Za-z0-9_-]*){0,4}"), STARS),
    (re.compile(r"(?i)\b(bearer|basic)(\s+|%20)[^\s'\",;]+"), rf"\1 {STARS}"),
    # The password of a database in its URL, and values whose names say what they are.
    (re.compile(r"(?<=://)([^\s:/@]*):[^\s@]+(?=@)"), rf"\1:{STARS}"),
    (
        re.compile(
            r"(?i)((?:password|passwd|secret|token|authorization|api[_-]?key|access[_-]?key)[\w-]*"
            r"[\"']?\s*[=:]\s*[\"']?)(?!(?:bearer|basic)\b)[^\s\"',;&}]+"
        ),
        rf"\1{STARS}",
    ),
)
_HINTS: Final = ("es_", "ess_", "eyj", "bearer", "basic", "://", "passw", "secret", "token", "authorization", "key")
"""What a text must have in lower case for one of them to be in it: most have none, and are looked through faster so."""
_ESCAPED: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def masked(text: str) -> str:
    """The text without the secrets in it.

    >>> masked("postgresql://eventsieve:hunter2@db/registry")
    'postgresql://eventsieve:***@db/registry'
    """
    below = text.lower()
    if _hints_at(below):
        for pattern, instead in _SECRETS:
            text = pattern.sub(instead, text)
    return text


def one_line(text: str) -> str:
    r"""The text with line feeds and other control characters escaped: nobody's name begins a line of the log.

    >>> one_line("a\nb")
    'a\\nb'
    """
    return (
        text
        if text.isprintable()
        else _ESCAPED.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), text)
    )


def _hints_at(below: str) -> bool:
    for hint in _HINTS:  # noqa: SIM110 - every line of the log comes by, and a generator takes twice the time
        if hint in below:
            return True
    return False
