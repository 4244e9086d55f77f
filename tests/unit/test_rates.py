from __future__ import annotations

import pytest

from eventsieve.api.rates import Buckets, _address


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_a_minutes_requests_may_come_at_once_and_then_at_that_rate(clock):
    buckets = Buckets(clock)
    assert [buckets.take("ann", 6) for _ in range(6)] == [0.0] * 6
    assert buckets.take("ann", 6) == pytest.approx(10.0)
    assert buckets.take("bob", 6) == 0.0
    clock.now += 9.0
    assert buckets.take("ann", 6) == pytest.approx(1.0)
    clock.now += 1.0
    assert buckets.take("ann", 6) == 0.0
    assert buckets.take("ann", 6) == pytest.approx(10.0)


def test_what_is_refused_is_not_counted(clock):
    buckets = Buckets(clock)
    for _ in range(100):
        buckets.take("ann", 2)
    clock.now += 30.0
    assert buckets.take("ann", 2) == 0.0


def test_a_minute_after_the_last_request_all_are_forgotten(clock):
    buckets = Buckets(clock)
    for _ in range(10):
        buckets.take("ann", 10)
    assert buckets.used("ann", 10) == 10
    clock.now += 30.0
    assert buckets.used("ann", 10) == 5
    clock.now += 30.0
    assert buckets.used("ann", 10) == 0
    assert buckets.used("stranger", 10) == 0


def test_in_no_minute_are_there_more_than_twice_as_many(clock):
    buckets = Buckets(clock)
    times = []
    for _ in range(5000):
        clock.now += 0.05
        if not buckets.take("ann", 30):
            times.append(clock.now)
    assert max(sum(start <= each < start + 60 for each in times) for start in times) <= 60


def test_only_so_many_are_remembered_and_those_who_ask_are_not_forgotten(clock):
    buckets = Buckets(clock, most=100)
    for number in range(1000):
        buckets.take("ann", 10_000)
        buckets.take(number, 10)
    assert len(buckets) == 100
    assert buckets.used("ann", 10_000) == 1000


@pytest.mark.parametrize(
    ("client", "expected"),
    [
        (("192.0.2.7", 1), "192.0.2.7"),
        (("2001:db8:1:2:3:4:5:6", 1), "2001:db8:1:2::/64"),
        (("2001:db8:1:2::9%eth0", 1), "2001:db8:1:2::/64"),
        (("::ffff:192.0.2.7", 1), "192.0.2.7"),
        (("testclient", 1), "testclient"),
        (None, ""),
    ],
    ids=["v4", "v6", "v6 with a zone", "v4 in v6", "a name", "a socket"],
)
def test_an_address_of_ipv6_is_its_network(client, expected):
    assert _address({"type": "http", "client": client}) == expected
