"""Headers that every answer has, so that a browser takes it for what it is and shows it nowhere else."""

from __future__ import annotations

from typing import Final

__all__ = ["ALWAYS", "NOTHING_RUNS", "STRICT_TRANSPORT", "unlike"]

NOTHING_RUNS: Final = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
"""The policy of what is data: should a browser ever take it for a page, nothing in it is loaded or run."""

ALWAYS: Final[dict[str, str]] = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Content-Security-Policy": NOTHING_RUNS,
    "Cache-Control": "no-store",
}
"""An answer that says one of them itself is left as it is."""

STRICT_TRANSPORT: Final = (b"strict-transport-security", b"max-age=31536000")
"""Only over TLS: over plain HTTP browsers ignore it, and a laptop's own server is never to be held to it."""

_PAIRS: Final = tuple((name.lower().encode(), value.encode()) for name, value in ALWAYS.items())


def unlike(given: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """The headers of `ALWAYS` that are not given; names in lower case, as ASGI has them."""
    names = {name for name, _ in given}
    # What has a digest may be kept where it is asked for again each time, which only its own owner can.
    stays = b"etag" in names
    return [
        (name, b"private, no-cache" if stays and name == b"cache-control" else value)
        for name, value in _PAIRS
        if name not in names
    ]
