"""A folder that is a cache of an object store: what stays, what goes, and what is asked of the store."""

from __future__ import annotations

import hashlib
import logging
import os
import time
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

obstore = pytest.importorskip("obstore", reason="obstore is not installed; pip install 'eventsieve[s3]'")

from obstore.store import MemoryStore  # noqa: E402 - there it is

from eventsieve.errors import DamagedArtefact, StoreUnavailable  # noqa: E402
from eventsieve.storage import objects as objects_module  # noqa: E402
from eventsieve.storage.cached import RECENT_SECONDS, CachedShelf, Room  # noqa: E402
from eventsieve.storage.files import Digests, Files  # noqa: E402
from eventsieve.storage.objects import Objects  # noqa: E402

OLD = RECENT_SECONDS + 60
DAY = timedelta(days=1)


class Cache:
    """Shelves over one store in memory."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.objects = Objects("s3://bucket/prefix?endpoint=http://127.0.0.1:9&region=us-east-1")
        monkeypatch.setattr(self.objects, "_store", MemoryStore())
        self.coming = folder / "incoming"
        self.coming.mkdir()

    def new(self, suffix: str = "") -> Path:
        return self.coming / f"{uuid.uuid4().hex}{suffix}"

    def shelf(self, room: Room, name: str = "shelf", **words: Any) -> CachedShelf:
        return CachedShelf(self.folder / name, ".bin", objects=self.objects, room=room, new=self.new, **words)

    def names(self) -> set[str]:
        return {each["path"] for chunk in obstore.list(self.objects._store) for each in chunk}

    def keep(self, shelf: CachedShelf, data: bytes, key: str = "", age: float = 0.0) -> str:
        """Keep a file that was used so many seconds ago; returns its key."""
        key = key or hashlib.sha256(data).hexdigest()
        path = self.new()
        path.write_bytes(data)
        shelf.settle(path, key)
        used(shelf, key, age)
        return key


def used(shelf: CachedShelf, key: str, age: float) -> None:
    os.utime(shelf.folder / f"{key}.bin", (time.time() - age,) * 2)


def here(*shelves: CachedShelf) -> set[str]:
    return {path.stem for shelf in shelves for path in shelf.folder.iterdir()}


def fail(*_: object, **__: object) -> Any:
    raise StoreUnavailable("it does not answer")


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cache:
    return Cache(tmp_path, monkeypatch)


# room


@pytest.mark.parametrize(
    ("room", "coming", "left"),
    [
        (300, 0, {"a", "b", "c"}),
        (299, 0, {"b", "c"}),
        (300, 1, {"b", "c"}),
        (250, 50, {"b", "c"}),
        (250, 51, {"c"}),
        (0, 0, set()),
        (None, 1 << 60, {"a", "b", "c"}),
    ],
)
def test_what_was_used_longest_ago_makes_room(cache: Cache, room: int | None, coming: int, left: set[str]) -> None:
    place = Room(None)
    first, second = cache.shelf(place, "first", by_digest=False), cache.shelf(place, "second", by_digest=False)
    cache.keep(second, b"x" * 100, "c", OLD)
    cache.keep(first, b"x" * 100, "a", OLD + 20)
    cache.keep(first, b"x" * 100, "b", OLD + 10)
    limited = Room(room)
    limited.add(first)
    limited.add(second)
    limited.trim(*[coming] * bool(coming))
    assert here(first, second) == left


def test_what_was_handed_out_just_now_or_is_nowhere_else_stays(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    room, shelf = Room(0), cache.shelf(Room(None), by_digest=False)
    room.add(shelf)
    ages = {"recent": RECENT_SECONDS - 30, "old": OLD, "nowhere else": OLD, "of the future": -OLD, "soon": -30}
    for key, age in ages.items():
        cache.keep(shelf, b"x", key, age)
    cache.objects.remove("shelf/nowhere else.bin")
    with monkeypatch.context() as patch:
        patch.setattr(Objects, "has", fail)
        room.trim()
    assert here(shelf) == set(ages)  # nobody knew what the store has
    monkeypatch.setattr(cache.objects, "has", lambda name, size: name != "shelf/nowhere else.bin" and size == 1)
    room.trim()
    assert here(shelf) == {"recent", "nowhere else", "soon"}
    assert shelf.is_stored(shelf.folder / "recent.bin", 1)
    assert not shelf.is_stored(shelf.folder / "recent.bin", 2)


def test_what_is_handed_out_while_room_is_made_stays(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    room, shelf = Room(0), cache.shelf(Room(None))
    room.add(shelf)
    key = cache.keep(shelf, b"data", age=OLD)

    def use(*_: object) -> bool:
        assert shelf.path(key).is_file()
        return True

    monkeypatch.setattr(cache.objects, "has", use)
    room.trim()
    assert here(shelf) == {key}


def test_what_another_process_has_removed_meanwhile_is_no_error(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    room, shelf = Room(0), cache.shelf(Room(None))
    room.add(shelf)
    key = cache.keep(shelf, b"data", age=OLD)

    def come_second(*_: object) -> bool:
        (shelf.folder / f"{key}.bin").unlink()
        return True

    monkeypatch.setattr(cache.objects, "has", come_second)
    room.trim()
    assert here(shelf) == set()


def test_what_comes_takes_the_place_of_what_is_old(cache: Cache) -> None:
    shelf = cache.shelf(Room(250))
    first = cache.keep(shelf, b"1" * 100, age=OLD + 10)
    second = cache.keep(shelf, b"2" * 100, age=OLD)
    third = cache.keep(shelf, b"3" * 100)  # sent before it is kept
    assert here(shelf) == {second, third}
    used(shelf, third, OLD - 30)
    assert shelf.read(first) == b"1" * 100
    assert here(shelf) == {first, third}
    assert list(cache.coming.iterdir()) == []


# files


def test_who_has_just_fetched_a_file_leaves_it_to_all(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    shelf = cache.shelf(Room(None))
    key = cache.keep(shelf, b"data")
    path = shelf.path(key)

    def cut(_name: str, new: Path, _digest: str) -> bool:
        new.write_bytes(b"da")
        return bool(fail())

    monkeypatch.setattr(cache.objects, "fetch", cut)
    shelf._fetch(key, path)  # it came while this one waited
    assert path.read_bytes() == b"data"
    path.unlink()
    with pytest.raises(StoreUnavailable):
        shelf.path(key)
    assert list(cache.coming.iterdir()) == []


@pytest.mark.parametrize("use", ["read", "checked"])
def test_a_copy_that_is_damaged_is_fetched_again(cache: Cache, use: str) -> None:
    shelf = cache.shelf(Room(None))
    key = cache.keep(shelf, b"data")
    shelf.path(key).write_bytes(b"date")
    assert getattr(shelf, use)(key) == (b"data" if use == "read" else shelf.folder / f"{key}.bin")
    assert shelf.path(key).read_bytes() == b"data"


def test_a_file_that_the_store_does_not_have_is_not_there(cache: Cache) -> None:
    shelf = cache.shelf(Room(None))
    assert not shelf.path("none").exists()
    assert shelf.lend("none", cache.new()) == shelf.folder / "none.bin"
    with pytest.raises(DamagedArtefact, match="cannot be read"):
        shelf.read("none")
    with pytest.raises(DamagedArtefact, match="cannot be read"):
        shelf.checked("none")
    assert list(cache.coming.iterdir()) == []


def test_what_is_lent_stays_where_there_are_no_second_names(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    shelf = cache.shelf(Room(None))
    key = cache.keep(shelf, b"data")
    place = cache.new()
    assert shelf.lend(key, place) == place
    assert place.samefile(shelf.path(key))

    def refuse(*_: object) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(os, "link", refuse)
    copy = cache.new()
    assert shelf.lend(key, copy) == copy
    assert copy.read_bytes() == b"data"
    assert not copy.samefile(shelf.path(key))


def test_a_key_that_is_no_digest_is_checked_by_what_stands_in_the_store(cache: Cache) -> None:
    shelf = cache.shelf(Room(None), by_digest=False)
    cache.keep(shelf, b"data", "key")
    head = obstore.get(cache.objects._store, "shelf/key.bin", options={"head": True})
    assert head.attributes["sha256"] == hashlib.sha256(b"data").hexdigest()
    shelf.path("key").unlink()
    assert shelf.path("key").read_bytes() == b"data"


def test_a_file_is_removed_here_even_where_the_store_does_not_answer(
    cache: Cache, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    shelf = cache.shelf(Room(None))
    key = cache.keep(shelf, b"data")
    with monkeypatch.context() as patch:
        patch.setattr(Objects, "remove", fail)
        shelf.drop(key)
    assert (here(shelf), cache.names()) == (set(), {f"shelf/{key}.bin"})
    (said,) = (record for record in caplog.records if record.levelno == logging.WARNING)
    assert said.getMessage() == f"shelf/{key}.bin could not be removed and is left to be swept: it does not answer"
    shelf.drop(key)
    assert cache.names() == set()


# what belongs there


def test_the_store_is_brought_in_line_with_the_registry(
    cache: Cache, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    shelf = cache.shelf(Room(None))
    known, unknown, lacking, gone = (cache.keep(shelf, data) for data in (b"known", b"unknown", b"lacking", b"gone"))
    damaged = cache.keep(shelf, b"whole")
    for key in (lacking, gone, damaged):
        cache.objects.remove(f"shelf/{key}.bin")
    (shelf.folder / f"{gone}.bin").unlink()
    (shelf.folder / f"{damaged}.bin").write_bytes(b"damaged")
    sent = []
    send = Objects.send
    monkeypatch.setattr(Objects, "send", lambda self, *words: sent.append(words[1:]) or send(self, *words))
    keys = {known, lacking, gone, damaged}
    shelf.bring(keys, datetime.now(UTC) + DAY - timedelta(minutes=5))
    assert cache.names() == {f"shelf/{key}.bin" for key in (known, unknown, lacking)}
    assert sent == [(f"shelf/{lacking}.bin", lacking)]
    assert [record.getMessage() for record in caplog.records] == [
        f"{shelf.folder / f'{damaged}.bin'} is damaged, and was not sent to the file store"
    ]
    shelf.bring(keys, datetime.now(UTC) + DAY + timedelta(minutes=5))
    assert cache.names() == {f"shelf/{key}.bin" for key in (known, lacking)}
    assert len(sent) == 1


def test_a_file_whose_key_is_no_digest_is_brought_with_its_own(cache: Cache) -> None:
    shelf = cache.shelf(Room(None), by_digest=False)
    cache.keep(shelf, b"data", "key")
    cache.objects.remove("shelf/key.bin")
    shelf.bring({"key"}, datetime.now(UTC))
    shelf.path("key").unlink()
    assert shelf.path("key").read_bytes() == b"data"


# all files of a store


def test_what_a_training_has_written_is_sent_before_it_is_kept_and_swept_when_nobody_knows_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = MemoryStore()
    monkeypatch.setattr(objects_module, "_open", lambda *_: store)
    files = Files(tmp_path / "store", "s3://bucket/prefix")

    def names() -> set[str]:
        return {each["path"] for chunk in obstore.list(store) for each in chunk}

    model, evaluation = files.new(".skops"), files.new(".json")
    model.write_bytes(b"a model")
    evaluation.write_bytes(b"{}")
    digest, other = (hashlib.sha256(path.read_bytes()).hexdigest() for path in (model, evaluation))
    files.send_trained(model, other, evaluation, digest)  # neither is what it should be
    assert names() == set()
    files.send_trained(model, digest, evaluation, None)
    assert names() == {f"artefacts/{digest}.skops"}
    files.send_trained(model, digest, evaluation, other)
    assert names() == {f"artefacts/{digest}.skops", f"evaluations/{other}.json"}
    files.adopt_evaluation(evaluation, other)
    assert files.evaluations.read(other) == b"{}"
    (tmp_path / "columns").write_bytes(b"columns")
    files.datasets.settle(tmp_path / "columns", "key")
    files.datasets.path("key").unlink()
    assert files.datasets.path("key").read_bytes() == b"columns"
    files.claim("mine")
    assert files.holder() == "mine"
    monkeypatch.setattr(Objects, "now", lambda _: datetime.now(UTC) + DAY + timedelta(minutes=5))
    files.sweep(Digests({digest}, set(), set(), set()))
    assert names() == {f"artefacts/{digest}.skops", "registry"}
    files.close()
