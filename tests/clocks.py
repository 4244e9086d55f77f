"""Clocks that stand still until a test moves them."""

from __future__ import annotations

from datetime import UTC, datetime
from types import ModuleType, SimpleNamespace

import pytest

__all__ = ["standing"]


def standing(monkeypatch: pytest.MonkeyPatch, module: ModuleType, moment: datetime) -> SimpleNamespace:
    """What ``datetime.now(UTC)`` says in a module from now on: its ``moment``, which may be set."""
    clock = SimpleNamespace(moment=moment)

    class Clock(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:
            assert tz is UTC
            return clock.moment

    monkeypatch.setattr(module, "datetime", Clock)
    return clock
