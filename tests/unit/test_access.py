"""Tokens that are remembered: no longer than they hold, and no longer than that is known."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from eventsieve.acting import Call, serving
from eventsieve.errors import NotAllowed, NotSignedIn
from eventsieve.records import AccessRole, Actor
from eventsieve.service import access as room
from eventsieve.service.access import Access, refuse_others
from eventsieve.storage.keybook import Holder

EVA = Actor(name="eva", role=AccessRole.TRAINER, key="k1")


class Book:
    """Knows one token, until it is forgotten."""

    def __init__(self, expires: datetime | None = None) -> None:
        self.held: Holder | None = Holder(EVA, expires)
        self.used: list[str] = []

    def holder(self, token: str) -> Holder | None:
        return self.held if token == "es_right" else None

    def note_use(self, key: str) -> None:
        self.used.append(key)


class Stamps:
    """A registry whose changes are counted, or cannot be."""

    def __init__(self, number: int | None) -> None:
        self.number = number

    def stamp(self) -> int | None:
        return self.number


class Clock:
    """A clock that is set."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    monkeypatch.setattr(room, "time", found)
    return found


def made(book: Any, stamps: Any) -> Access:
    return Access(book, stamps, session_hours=12.0)


def test_what_is_remembered_holds_until_the_registry_changes(clock):
    book, stamps = Book(), Stamps(1)
    access = made(book, stamps)
    assert access.remembered("es_right") is None
    assert access.actor("es_right") == EVA
    clock.now += 30
    assert access.remembered("es_right") == EVA
    stamps.number = 2
    assert access.remembered("es_right") is None


def test_where_changes_are_not_counted_it_holds_for_seconds(clock):
    access = made(Book(), Stamps(None))
    access.actor("es_right")
    clock.now += room.BELIEVED_SECONDS / 2
    assert access.remembered("es_right") == EVA
    clock.now += room.BELIEVED_SECONDS
    assert access.remembered("es_right") is None


def test_once_a_minute_the_book_is_opened_to_note_the_use(clock):
    book = Book()
    access = made(book, Stamps(1))
    access.actor("es_right")
    clock.now += room.NOTED_SECONDS + 1
    assert access.remembered("es_right") is None
    access.actor("es_right")
    assert book.used == ["k1", "k1"]


@pytest.mark.usefixtures("clock")
def test_what_is_over_is_not_remembered():
    access = made(Book(datetime.now(UTC) - timedelta(seconds=1)), Stamps(1))
    access.actor("es_right")
    assert access.remembered("es_right") is None


@pytest.mark.usefixtures("clock")
def test_wrong_tokens_are_not_remembered_and_right_ones_in_bounded_memory(monkeypatch):
    access = made(Book(), Stamps(1))
    with pytest.raises(NotSignedIn, match="key does not hold"):
        access.actor("es_wrong")
    with pytest.raises(NotSignedIn, match="session has ended"):
        access.actor("ess_wrong")
    assert not access._known
    monkeypatch.setattr(room, "MOST_KNOWN", 0)
    access.actor("es_right")
    assert not access._known


@pytest.mark.parametrize(
    ("who", "by", "says"),
    [
        (EVA, "eva", ""),
        (EVA, "bob", "The model 'm' is that of 'bob', and you are 'eva'; ask 'bob' or an administrator"),
        (EVA, "", "nobody's own"),
        (EVA.model_copy(update={"role": AccessRole.ADMIN}), "bob", ""),
        (EVA.model_copy(update={"name": ""}), "", "nobody's own"),
        (EVA.model_copy(update={"name": "Eva"}), "eva", "that of 'eva'"),
    ],
    ids=["own", "another's", "nobody's", "administrator", "no name", "another case"],
)
def test_what_is_whose(who, by, says):
    with serving(Call(who)):
        if says:
            with pytest.raises(NotAllowed) as refused:
                refuse_others("the model 'm'", by)
            assert says in str(refused.value)
        else:
            refuse_others("the model 'm'", by)
    refuse_others("the model 'm'", by)  # outside of any request it is whoever sits at the machine
