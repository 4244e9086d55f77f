"""The book of keys and sessions by itself, with a clock that stands still."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from clocks import standing
from databases import database_url, rows_of
from eventsieve.errors import BadRequest, NotFound, StoreUnavailable
from eventsieve.records import AccessRole, Actor, Quotas
from eventsieve.storage import keybook as tested
from eventsieve.storage.keybook import MOST_SESSIONS, Holder, Keybook, open_keybook

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)
TRAINER = AccessRole.TRAINER


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """What the clock says."""
    return standing(monkeypatch, tested, NOON)


@pytest.fixture
def book(tmp_path: Path, now: SimpleNamespace) -> Iterator[Keybook]:
    folder = tmp_path / "a" / "store"
    with open_keybook(database_url(tmp_path), folder) as opened:
        assert (folder / "migration.lock").is_file()
        yield opened


def actor(book: Keybook, token: str) -> Actor:
    holder = book.holder(token)
    assert holder is not None
    return holder.actor


def used(book: Keybook) -> list[datetime | None]:
    return [key.used for key in book.all_keys()]


# keys


def test_a_key_says_who_holds_it(book: Keybook) -> None:
    quotas = Quotas(slots=2)
    key, token = book.issue("eva", TRAINER, expires=HOUR, quotas=quotas)
    assert token.startswith(f"es_{key.id}_")
    assert (key.name, key.role, key.quotas, key.created) == ("eva", TRAINER, quotas, NOON)
    assert (key.expires, key.revoked, key.used) == (NOON + HOUR, None, None)
    assert book.holder(token) == Holder(Actor(name="eva", role=TRAINER, key=key.id, quotas=quotas), NOON + HOUR)
    assert book.all_keys() == [key]


def test_a_key_lasts_and_has_no_quotas_where_nothing_is_said(book: Keybook) -> None:
    key, token = book.issue("eva", TRAINER)
    assert (key.expires, key.quotas) == (None, Quotas())
    assert book.holder(token) == Holder(Actor(name="eva", role=TRAINER, key=key.id), None)


@pytest.mark.parametrize("name", ["", "x" * 129, " eva", "eva ", "e\nva", "eva@example.org"], ids=ascii)
def test_what_cannot_be_a_name_has_no_key(book: Keybook, name: str) -> None:
    with pytest.raises(BadRequest, match="name"):
        book.issue(name, TRAINER)
    assert book.all_keys() == []


@pytest.mark.parametrize("length", [1, 128])
def test_names_may_be_short_and_long(book: Keybook, length: int) -> None:
    assert book.issue("x" * length, TRAINER)[0].name == "x" * length


def test_the_oldest_key_comes_first(book: Keybook, now: SimpleNamespace) -> None:
    issued = []
    for hour in (3, 1, 2):
        now.moment = NOON + hour * HOUR
        issued.append(book.issue("eva", TRAINER)[0].id)
    third, first, second = issued
    assert [key.id for key in book.all_keys()] == [first, second, third]
    assert [key.id for key in book.revoke("eva")] == [first, second, third]


def test_a_wrong_token_is_nobodys(book: Keybook) -> None:
    _, token = book.issue("eva", TRAINER)
    other = "B" if token.endswith("A") else "A"
    for wrong in ("", "es_", token[:-1], token[:-1] + other, token + "A", "x" + token, f"es_{'0' * 12}_{'A' * 43}"):
        assert book.holder(wrong) is None
    assert book.holder("ess_nonsense") is None


def test_a_key_holds_until_it_ends(book: Keybook, now: SimpleNamespace) -> None:
    assert not book.any_usable()
    _, token = book.issue("eva", TRAINER, expires=HOUR)
    now.moment = NOON + HOUR - SECOND
    assert actor(book, token).name == "eva"
    assert book.any_usable()
    now.moment = NOON + HOUR
    assert book.holder(token) is None
    assert not book.any_usable()


def test_revoked_keys_hold_no_more_and_others_do(book: Keybook, now: SimpleNamespace) -> None:
    tokens = [book.issue(name, TRAINER)[1] for name in ("eva", "eva", "eva", "bob")]
    ids = [token.split("_")[1] for token in tokens]
    now.moment = NOON + HOUR
    (one,) = book.revoke(ids[1])
    assert (one.id, one.revoked) == (ids[1], NOON + HOUR)
    assert [book.holder(token) is None for token in tokens] == [False, True, False, False]
    assert {key.id for key in book.revoke("eva")} == {ids[0], ids[2]}
    assert [book.holder(token) is None for token in tokens] == [True, True, True, False]
    assert book.any_usable()
    for ref in ("eva", ids[0], "x" * 300):
        with pytest.raises(NotFound, match="keys list") as refused:
            book.revoke(ref)
        assert repr(ref[:128]) in str(refused.value)
        assert len(str(refused.value)) < 250
    book.revoke("bob")
    assert not book.any_usable()


def test_what_is_done_to_keys_is_written_into_the_trail(book: Keybook, tmp_path: Path, now: SimpleNamespace) -> None:
    key, _ = book.issue("eva", TRAINER)
    now.moment = NOON + HOUR
    book.revoke("eva")
    columns = "action, actor, role, CAST(objects AS TEXT), status, size, client, request_id"
    deeds = rows_of(tmp_path, f"SELECT {columns} FROM deeds ORDER BY number")
    rest = ("", "admin", f'["key:{key.id}"]', 0, 0, "", "")
    assert deeds == [("keys create", *rest), ("keys revoke", *rest)]
    moments = [str(moment)[:16] for (moment,) in rows_of(tmp_path, "SELECT moment FROM deeds ORDER BY moment")]
    assert moments == ["2026-05-01 12:00", "2026-05-01 13:00"]


def test_the_book_may_be_opened_while_it_is_open(book: Keybook, tmp_path: Path) -> None:
    _, token = book.issue("eva", TRAINER)
    with open_keybook(database_url(tmp_path), tmp_path / "a" / "store") as other:
        assert actor(other, token).name == "eva"
    assert actor(book, token).name == "eva"


# their use


def test_the_use_is_noted_once_a_minute(book: Keybook, now: SimpleNamespace) -> None:
    key, token = book.issue("eva", TRAINER)
    other, _ = book.issue("bob", TRAINER)
    holder = book.holder(token)
    assert holder is not None
    assert holder.is_unnoted
    for seconds, noted in ((0, 0), (60, 0), (61, 61), (70, 61)):
        now.moment = NOON + timedelta(seconds=seconds)
        book.note_use(key.id)
        holder = book.holder(token)
        assert holder is not None
        assert holder.used == NOON + timedelta(seconds=noted)
        assert not holder.is_unnoted
    now.moment = NOON + timedelta(seconds=121)
    assert not holder.is_unnoted
    now.moment += timedelta(microseconds=1)
    assert holder.is_unnoted
    assert next(each for each in book.all_keys() if each.id == other.id).used is None


def test_whoever_has_no_key_uses_none(book: Keybook) -> None:
    assert not Holder(Actor(name="eva@example.org", role=TRAINER), None).is_unnoted


def test_a_use_that_cannot_be_noted_is_told_and_harmless(
    book: Keybook, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    key, _ = book.issue("eva", TRAINER)

    def begin() -> Any:
        raise StoreUnavailable("gone")

    monkeypatch.setattr(book, "_begin", begin)
    book.note_use(key.id)
    (record,) = caplog.records
    assert (record.levelname, key.id in record.getMessage(), "gone" in record.getMessage()) == ("WARNING", True, True)
    assert used(book) == [None]


# sessions


def test_a_session_stands_for_its_key(book: Keybook) -> None:
    quotas = Quotas(slots=2)
    key, token = book.issue("eva", TRAINER, quotas=quotas)
    book.note_use(key.id)
    session, ends = book.open_session(actor(book, token), NOON + HOUR)
    assert session.startswith("ess_")
    assert ends == NOON + HOUR
    assert book.holder(session) == Holder(
        Actor(name="eva", role=TRAINER, key=key.id, quotas=quotas), NOON + HOUR, used=NOON
    )


def test_a_session_without_a_key_says_itself_who_it_is(book: Keybook) -> None:
    eva = Actor(name="eva@example.org", role=AccessRole.READER)
    session, ends = book.open_session(eva, NOON + HOUR)
    assert ends == NOON + HOUR
    assert book.holder(session) == Holder(eva, NOON + HOUR)


@pytest.mark.parametrize(("key_hours", "hours"), [(1, 1), (3, 2), (None, 2)])
def test_a_session_ends_no_later_than_its_key(book: Keybook, now: SimpleNamespace, key_hours: Any, hours: int) -> None:
    _, token = book.issue("eva", TRAINER, expires=key_hours and key_hours * HOUR)
    session, ends = book.open_session(actor(book, token), NOON + 2 * HOUR)
    assert ends == NOON + hours * HOUR
    now.moment = ends - SECOND
    assert actor(book, session).name == "eva"
    now.moment = ends
    assert book.holder(session) is None


def test_a_session_ends_with_its_key_or_when_somebody_says_so(book: Keybook) -> None:
    eva, bob = (actor(book, book.issue(name, TRAINER)[1]) for name in ("eva", "bob"))
    first, _ = book.open_session(eva, NOON + HOUR)
    second, _ = book.open_session(bob, NOON + HOUR)
    third, _ = book.open_session(bob, NOON + HOUR)
    book.revoke("eva")
    assert [book.holder(each) is None for each in (first, second, third)] == [True, False, False]
    assert not book.close_session(first)
    assert book.close_session(second)
    assert not book.close_session(second)
    assert [book.holder(each) is None for each in (second, third)] == [True, False]


def test_a_session_of_a_key_that_does_not_hold_holds_neither(book: Keybook, now: SimpleNamespace) -> None:
    key, token = book.issue("eva", TRAINER, expires=HOUR)
    eva = actor(book, token)
    book.revoke(key.id)
    session, _ = book.open_session(eva, NOON + HOUR)  # while it is revoked
    assert book.holder(session) is None
    assert book.close_session(session)


def test_the_oldest_session_of_one_person_ends_where_there_are_too_many(
    book: Keybook, now: SimpleNamespace, tmp_path: Path
) -> None:
    eva, bob = (actor(book, book.issue(name, TRAINER)[1]) for name in ("eva", "bob"))
    theirs, _ = book.open_session(bob, NOON + HOUR)
    sessions = []
    for number in range(MOST_SESSIONS + 1):
        now.moment = NOON + number * SECOND
        sessions.append(book.open_session(eva, NOON + HOUR)[0])
    assert [book.holder(each) is None for each in sessions[:3]] == [True, False, False]
    assert actor(book, theirs).name == "bob"
    assert rows_of(tmp_path, "SELECT count(*) FROM sessions") == [(MOST_SESSIONS + 1,)]


def test_sessions_that_are_over_are_forgotten_when_another_begins(
    book: Keybook, now: SimpleNamespace, tmp_path: Path
) -> None:
    eva = Actor(name="eva@example.org", role=TRAINER)
    for hours in (1, 2):
        book.open_session(eva, NOON + hours * HOUR)
    now.moment = NOON + HOUR
    book.open_session(eva, NOON + 3 * HOUR)
    assert rows_of(tmp_path, "SELECT count(*) FROM sessions") == [(2,)]
