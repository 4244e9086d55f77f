"""Work that is done ahead gives its results in order, and no more of it than was asked for."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from eventsieve import machine
from eventsieve.storage.ahead import LEAST_AHEAD, in_order


@pytest.fixture(params=[1, 4])
def cores(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(machine, "cores", lambda: request.param)
    count: int = request.param
    return count


@pytest.mark.usefixtures("cores")
def test_results_come_in_the_order_of_the_items_however_long_each_takes() -> None:
    def work(number: int) -> int:
        time.sleep(0.002 * (number % 3))
        return number * number

    assert list(in_order(work, range(40))) == [number * number for number in range(40)]


@pytest.mark.usefixtures("cores")
def test_nothing_gives_nothing() -> None:
    assert list(in_order(str, [])) == []


def test_a_single_item_makes_no_thread() -> None:
    assert list(in_order(lambda _: threading.current_thread(), ["one"])) == [threading.current_thread()]


@pytest.mark.usefixtures("cores")
def test_a_fault_comes_behind_the_results_before_it() -> None:
    def work(number: int) -> int:
        if number == 3:
            raise ValueError("three")
        return number

    results = in_order(work, range(20))
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ValueError, match="three"):
        next(results)


@pytest.mark.usefixtures("cores")
def test_a_fault_of_the_items_comes_behind_the_results_before_it() -> None:
    def items() -> Iterator[int]:
        yield from range(3)
        raise ValueError("no more")

    results = in_order(str, items())
    assert [next(results) for _ in range(3)] == ["0", "1", "2"]
    with pytest.raises(ValueError, match="no more"):
        next(results)


def test_few_items_are_taken_ahead_and_threads_end_with_the_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "cores", lambda: 2)
    taken: list[int] = []

    def items() -> Iterator[int]:
        for number in range(1000):
            taken.append(number)
            yield number

    results = in_order(str, items())
    assert next(results) == "0"
    assert len(taken) <= LEAST_AHEAD + 2
    results.close()  # type: ignore[attr-defined]
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("ahead")]
