from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from eventsieve.storage.once import Once


def test_who_asks_meanwhile_waits_for_the_same() -> None:
    once: Once[str] = Once()
    begun, joined = threading.Event(), threading.Event()

    class Seen(str):
        """A key that says when it is looked up while it is being made."""

        __slots__ = ()

        def __hash__(self) -> int:
            if begun.is_set():
                joined.set()
            return str.__hash__(self)

    key = Seen("a")

    def make() -> str:
        begun.set()
        assert joined.wait(10)
        return "made"

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(once, key, make)
        assert begun.wait(10)
        second = pool.submit(once, key, lambda: "made again")
        assert once("b", lambda: "other") == "other", "another key waits for nobody"
        assert [first.result(10), second.result(10)] == ["made", "made"]
    assert once("a", lambda: "later") == "later", "nothing is kept here"


def test_a_refusal_is_shared_and_forgotten() -> None:
    once: Once[int] = Once()

    def refuse() -> int:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        once("a", refuse)
    assert once("a", lambda: 2) == 2
