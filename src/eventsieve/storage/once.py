"""Making things that are kept under a key: each once at a time, whoever asks for it meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

__all__ = ["Once"]

T = TypeVar("T")


class Once(Generic[T]):
    """What is being made now, by its key."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._making: dict[str, Future[T]] = {}

    def __call__(self, key: str, make: Callable[[], T]) -> T:
        """Make something; who asks for it while it is being made waits for that, and shares its refusal too."""
        with self._lock:
            making = self._making.get(key)
            mine = self._making.setdefault(key, Future())
        if making is not None:
            return making.result()
        try:
            made = make()
        except BaseException as error:
            mine.set_exception(error)
            raise
        finally:
            with self._lock:
                del self._making[key]
        mine.set_result(made)
        return made
