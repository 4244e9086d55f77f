"""The cookie in which a browser keeps that its reader has signed in: only this site's own server reads it."""

from __future__ import annotations

import re
from collections.abc import Mapping

__all__ = ["COOKIE", "bearer", "is_token", "token_of"]

COOKIE = "eventsieve_session"
TOKEN = re.compile(r"[A-Za-z0-9._~+/-]{1,16384}=*")
"""What may stand behind ``Bearer`` in a header (RFC 6750), and nothing that could end the header."""


def is_token(text: str) -> bool:
    """Whether a text can be a key, a session or a token at all."""
    return TOKEN.fullmatch(text) is not None


def token_of(cookies: Mapping[str, str]) -> str | None:
    """The token of the reader's session; ``None`` where there is none."""
    token = cookies.get(COOKIE, "")
    return token if is_token(token) else None


def bearer(token: str | None) -> dict[str, str]:
    """The header by which the server knows who asks; none for nobody."""
    return {"Authorization": f"Bearer {token}"} if token else {}
