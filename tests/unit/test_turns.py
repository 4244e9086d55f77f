from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventsieve.training.turns import Share, Turns

NAMES = ("ann", "bob", "cy")


@dataclass
class Model:
    """The same as `Turns`, in the words of its description: slow, and plainly right."""

    waiting: list[tuple[str, int]] = field(default_factory=list)
    running: list[tuple[str, int]] = field(default_factory=list)
    begun: list[str] = field(default_factory=list)
    most: dict[str, int | None] = field(default_factory=dict)

    def count(self, by: str) -> int:
        return sum(who == by for who, _ in self.running)

    def begin(self) -> tuple[str, int] | None:
        people = list(dict.fromkeys(by for by, _ in self.order()))
        allowed = [by for by in people if self.most[by] is None or self.count(by) < self.most[by]]
        if not allowed:
            return None
        fewest = min(map(self.count, allowed))
        allowed = [by for by in allowed if self.count(by) == fewest]
        longest_ago = min(allowed, key=self.began)
        chosen = next(each for each in self.waiting if each[0] == longest_ago)
        self.waiting.remove(chosen)
        self.running.append(chosen)
        self.begun.append(longest_ago)
        return chosen

    def began(self, by: str) -> int:
        return max((place for place, who in enumerate(self.begun, 1) if who == by), default=0)

    def order(self) -> list[tuple[str, int]]:
        """What waits, those first who have waited without a break for longest."""
        since: dict[str, int] = {}
        for by, number in self.waiting:
            since.setdefault(by, self.since[by, number])
        return sorted(self.waiting, key=lambda each: since[each[0]])

    since: dict[tuple[str, int], int] = field(default_factory=dict)


wishes = st.one_of(
    st.tuples(st.just("wait"), st.sampled_from(NAMES), st.sampled_from((None, 1, 2))),
    st.tuples(st.just("begin"), st.none(), st.none()),
    st.tuples(st.just("end"), st.integers(0, 5), st.none()),
    st.tuples(st.just("leave"), st.integers(0, 5), st.none()),
)


@given(st.lists(wishes, max_size=60))
def test_turns_are_those_of_the_description(steps):
    turns: Turns[tuple[str, int]] = Turns()
    model = Model()
    for number, (what, whom, most) in enumerate(steps):
        if what == "wait":
            begins = not any(by == whom for by, _ in model.waiting)
            first = next((each for each in model.waiting if each[0] == whom), None)
            model.since[whom, number] = number if begins else model.since[first]
            turns.wait((whom, number), Share(whom, most))
            model.waiting.append((whom, number))
            model.most[whom] = most
        elif what == "begin":
            assert turns.begin() == model.begin()
        elif what == "end" and whom < len(model.running):
            by, _ = model.running.pop(whom)
            turns.end(Share(by))
        elif what == "leave" and whom < len(model.waiting):
            left = model.waiting.pop(whom)
            turns.leave(left, Share(left[0]))
            turns.leave(left, Share(left[0]))
        assert (len(turns), turns.running) == (len(model.waiting), len(model.running))
        for by in NAMES:
            assert turns.of(by) == (model.count(by), sum(who == by for who, _ in model.waiting))


@given(st.lists(st.sampled_from(NAMES), max_size=30), st.integers(1, 4), st.randoms(use_true_random=False))
def test_whoever_is_new_lets_each_other_go_ahead_once_at_most(queued, slots, chance):
    turns: Turns[str] = Turns()
    running = []

    def fill() -> None:
        while turns.running < slots and (by := turns.begin()) is not None:
            running.append(by)

    for by in queued:
        turns.wait(by, Share(by))
        fill()
    others = {by for by in NAMES if turns.of(by)[1]}
    before = len(running)
    turns.wait("new", Share("new"))
    fill()
    ends = 0
    ended = []
    while "new" not in running:
        going = [place for place in range(len(running)) if place not in ended]
        ended.append(chance.choice(going))
        turns.end(Share(running[ended[-1]]))
        ends += 1
        fill()
    ahead = running[before : running.index("new")]
    assert len(ahead) == len(set(ahead)) == ends - 1 if ends else not ahead
    assert set(ahead) <= others


def test_one_alone_comes_first_come_first_served():
    turns: Turns[int] = Turns()
    for number in range(5):
        turns.wait(number, Share("ann"))
    assert [turns.begin() for _ in range(6)] == [0, 1, 2, 3, 4, None]


def test_with_one_slot_people_take_turns():
    turns: Turns[str] = Turns()
    for name in ("a1", "a2", "a3", "b1", "b2"):
        turns.wait(name, Share(name[0]))
    order = []
    while (name := turns.begin()) is not None:
        order.append(name)
        turns.end(Share(name[0]))
    assert order == ["a1", "b1", "a2", "b2", "a3"]


def test_two_who_ask_again_and_again_do_not_keep_the_third_waiting():
    turns: Turns[str] = Turns()
    for name in ("x", "y", "batch", "batch"):
        turns.wait(name, Share(name))
    order = []
    for _ in range(9):
        name = turns.begin()
        assert name is not None
        order.append(name)
        turns.end(Share(name))
        if name != "batch":
            turns.wait(name, Share(name))
    assert order[:6] == ["x", "y", "batch", "x", "y", "batch"]


@pytest.mark.parametrize("most", [1, 2])
def test_nobody_runs_more_than_he_may_and_others_go_ahead(most):
    turns: Turns[str] = Turns()
    for name in ("a1", "a2", "a3", "b1"):
        turns.wait(name, Share(name[0], most if name[0] == "a" else None))
    begun = [turns.begin() for _ in range(4)]
    assert sorted(filter(None, begun)) == sorted([*("a1", "a2")[:most], "b1"])
    turns.end(Share("a"))
    assert turns.begin() == ("a1", "a2", "a3")[most]


def test_nobody_is_remembered_who_has_nothing_here_but_for_when_he_began():
    turns: Turns[str] = Turns()
    turns.wait("a1", Share("ann"))
    turns.begin()
    turns.end(Share("ann"))
    assert (turns._waiting, turns._running, turns._most) == ({}, {}, {})
    assert list(turns._running) == []
