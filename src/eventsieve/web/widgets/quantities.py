"""Durations and sizes as people say them."""

from __future__ import annotations

from eventsieve.web.i18n import _, decimal

__all__ = ["duration", "size"]

MEGABYTE = 1 << 20


def duration(seconds: float) -> str:
    """A duration in its largest unit: 0.4 s, 12 s, 3 min, 2.5 h, 4 days."""
    if seconds < 90:
        return _("{number} s").format(number=decimal(seconds, 1 if seconds < 9.95 else 0))
    if seconds < 90 * 60:
        return _("{number} min").format(number=decimal(seconds / 60, 1 if seconds < 9.95 * 60 else 0))
    if seconds < 48 * 3600:
        return _("{number} h").format(number=decimal(seconds / 3600, 1))
    return _("{number} days").format(number=decimal(seconds / 86400))


def size(bytes_: float) -> str:
    """A size in MB or GB."""
    if bytes_ < 10_000 * MEGABYTE:
        return _("{number} MB").format(number=decimal(bytes_ / MEGABYTE, 1 if bytes_ < 9.95 * MEGABYTE else 0))
    return _("{number} GB").format(number=decimal(bytes_ / (1024 * MEGABYTE), 1))
