"""What is said to an object store and of it; one in memory answers here, a real one in integration/test_objects.py."""

from __future__ import annotations

import hashlib
import os
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

obstore = pytest.importorskip("obstore", reason="obstore is not installed; pip install 'eventsieve[s3]'")

from obstore.exceptions import GenericError, PermissionDeniedError  # noqa: E402 - there it is
from obstore.store import MemoryStore  # noqa: E402

from eventsieve.errors import BadConfiguration, DamagedArtefact, StoreUnavailable  # noqa: E402
from eventsieve.storage import objects as module  # noqa: E402
from eventsieve.storage.objects import ATTEMPTS, REST_SECONDS, Objects  # noqa: E402

DATA = b"0123456789" * 3 + b"rest"
DIGEST = hashlib.sha256(DATA).hexdigest()
URL = "s3://bucket/prefix?endpoint=http://127.0.0.1:9&region=us-east-1"


@pytest.fixture(autouse=True)
def _no_store_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Objects:
    """A store in memory, to which files go in parts of ten bytes."""
    opened = Objects(URL)
    monkeypatch.setattr(opened, "_store", MemoryStore())
    monkeypatch.setattr(module, "PART", 10)
    return opened


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.write_bytes(DATA)
    return path


# files


@pytest.mark.parametrize("size", [0, 1, 9, 10, 11, 30, 34])
def test_a_file_comes_back_as_it_was_sent(store: Objects, tmp_path: Path, size: int) -> None:
    (tmp_path / "file").write_bytes(DATA[:size])
    digest = hashlib.sha256(DATA[:size]).hexdigest()
    store.send(tmp_path / "file", "shelf/a", digest)
    assert store.has("shelf/a", size)
    assert not store.has("shelf/a", size + 1)
    assert not store.has("shelf/b", size)
    for wanted in (digest, None):
        (tmp_path / "again").write_bytes(b"what was there")
        assert store.fetch("shelf/a", tmp_path / "again", wanted)
        assert (tmp_path / "again").read_bytes() == DATA[:size]
    assert not store.fetch("shelf/b", tmp_path / "none", digest)
    store.remove("shelf/a")
    store.remove("shelf/a")
    assert not store.has("shelf/a", size)


def test_the_digest_stays_with_the_object(store: Objects, path: Path, tmp_path: Path) -> None:
    store.send(path, "a", "not its own")
    with pytest.raises(DamagedArtefact, match="The file a in the file store s3://bucket/prefix is not what was stored"):
        store.fetch("a", tmp_path / "again", None)
    assert store.fetch("a", tmp_path / "again", DIGEST)
    obstore.put(store._store, "b", DATA)  # by somebody else, who says no digest
    assert store.fetch("b", tmp_path / "again", None)


def test_large_files_go_in_parts_that_are_not_too_many(
    store: Objects, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put, seen = obstore.put, []

    def note(*arguments: Any, **words: Any) -> Any:
        seen.append((words["use_multipart"], words["chunk_size"]))
        return put(*arguments, **words)

    monkeypatch.setattr(obstore, "put", note)
    store.send(path, "a", DIGEST)
    monkeypatch.setattr(module, "MOST_PARTS", 2)
    store.send(path, "a", DIGEST)
    monkeypatch.setattr(module, "PART", len(DATA))
    store.send(path, "a", DIGEST)
    assert seen == [(True, 10), (True, len(DATA) // 2), (False, len(DATA))]


def test_what_a_store_has_not_kept_whole_is_not_kept(
    store: Objects, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put = obstore.put
    monkeypatch.setattr(obstore, "put", lambda store, name, _, **__: put(store, name, DATA[:-1]))
    with pytest.raises(StoreUnavailable, match="has not kept a file whole"):
        store.send(path, "a", DIGEST)


def test_only_the_size_of_a_file_is_asked_for_before_its_parts(
    store: Objects, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.send(path, "a", DIGEST)
    get, asked = obstore.get, []
    monkeypatch.setattr(obstore, "get", lambda *words, **named: asked.append(named) or get(*words, **named))
    assert store.fetch("a", tmp_path / "again", DIGEST)
    assert asked == [{"options": {"head": True}}]


@pytest.mark.parametrize("times", [1, ATTEMPTS])
def test_what_was_damaged_on_the_way_is_fetched_once_more(
    store: Objects, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    store.send(path, "a", DIGEST)
    get, asked = obstore.get_range, []

    def damage(*arguments: Any, start: int, end: int) -> bytes:
        data = bytes(get(*arguments, start=start, end=end))
        asked.extend([start] if start == 0 else [])
        return b"X" + data[1:] if start == 0 and len(asked) <= times else data

    monkeypatch.setattr(obstore, "get_range", damage)
    if times < ATTEMPTS:
        assert store.fetch("a", tmp_path / "again", DIGEST)
        assert (tmp_path / "again").read_bytes() == DATA
    else:
        with pytest.raises(DamagedArtefact, match="is not what was stored"):
            store.fetch("a", tmp_path / "again", DIGEST)
    assert len(asked) == ATTEMPTS


def test_a_folder_is_listed_with_the_times_of_the_store(store: Objects, path: Path) -> None:
    for name in ("shelf/a.bin", "shelf/b.bin", "other/c.bin"):
        store.send(path, name, DIGEST)
    found = dict(store.listed("shelf"))
    assert set(found) == {"a.bin", "b.bin"}
    now = datetime.now(UTC)
    assert all(abs(moment - now) < timedelta(minutes=5) for moment in (*found.values(), store.now()))
    assert list(store.listed("probes")) == []


def test_what_is_noted_first_stands(store: Objects) -> None:
    assert store.noted("registry") is None
    assert store.note("registry", "mine") == "mine"
    assert store.note("registry", "another") == "mine"
    assert store.noted("registry") == "mine"


# what goes wrong


def test_a_store_that_does_not_answer_is_left_alone_for_a_while(
    store: Objects, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def fail(_store: object, name: str, *_: object, **__: object) -> None:
        asked.append(name)
        raise GenericError("error sending request for url (http://secret/place)\n\nDebug source: …")

    monkeypatch.setattr(obstore, "put", fail)
    begun = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: begun)
    with pytest.raises(StoreUnavailable, match=r"s3://bucket/prefix does not answer .*the connection to it was cut\)"):
        store.send(path, "a", DIGEST)
    monkeypatch.setattr(time, "monotonic", lambda: begun + REST_SECONDS - 0.01)
    with pytest.raises(StoreUnavailable, match="it did not answer a moment ago"):
        store.send(path, "b", DIGEST)
    with pytest.raises(BadConfiguration, match="cannot be used: it did not answer a moment ago"):
        store.check()
    monkeypatch.setattr(time, "monotonic", lambda: begun + REST_SECONDS)
    with pytest.raises(StoreUnavailable, match="the connection to it was cut"):
        store.send(path, "c", DIGEST)
    assert asked == ["a", "c"]


def test_a_store_that_refuses_is_asked_again_at_once(
    store: Objects, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionDeniedError("<Error><Code>AccessDenied</Code><Key>a-secret</Key></Error>")

    monkeypatch.setattr(obstore, "put", refuse)
    for _ in range(2):
        with pytest.raises(StoreUnavailable, match=r"\(it refuses the credentials \(AccessDenied\)\)"):
            store.send(path, "a", DIGEST)


def test_a_bucket_that_is_missing_is_no_missing_file(store: Objects, monkeypatch: pytest.MonkeyPatch) -> None:
    def miss(*_: object, **__: object) -> None:
        raise FileNotFoundError("<Error><Code>NoSuchBucket</Code></Error>")

    monkeypatch.setattr(obstore, "head", miss)
    with pytest.raises(StoreUnavailable, match="there is no such bucket"):
        store.has("a", 1)
    with pytest.raises(BadConfiguration, match=r"s3://bucket/prefix cannot be used: there is no such bucket"):
        store.check()


@pytest.mark.parametrize(
    ("kind", "text", "why"),
    [
        ("PermissionDeniedError", "…<Code>Denied</Code>…", "it refuses the credentials (Denied)"),
        ("UnauthenticatedError", "401", "it does not know the credentials"),
        ("FileNotFoundError", "<Code>NoSuchBucket</Code>", "there is no such bucket (NoSuchBucket)"),
        ("FileNotFoundError", "<Code>NoSuchKey</Code>", "there is no such file (NoSuchKey)"),
        ("FileNotFoundError", "404", "there is no such file"),
        ("NotFoundError", "404", "there is no such bucket"),
        ("GenericError", "no answer of 169.254.169.254", "no credentials are in the environment"),
        ("GenericError", "no answer of the metadata server", "no credentials are in the environment"),
        ("GenericError", "<Code>NoSuchBucket</Code>", "there is no such bucket (NoSuchBucket)"),
        ("GenericError", "dns error: failed to lookup", "its name is not known to the network"),
        ("GenericError", "tcp: Connection refused", "nothing listens there"),
        ("GenericError", "HttpError { kind: Connect }", "no connection to it could be made"),
        ("GenericError", "HttpError { kind: Timeout }", "it does not answer in time"),
        ("GenericError", "error sending request for url", "the connection to it was cut"),
        ("GenericError", "Server returned status code 500", "it failed"),
        ("GenericError", "Generic S3 error: Error performing PUT http://store/a?key=b in 3s", "Generic S3 error"),
        ("GenericError", "Odd answer of http://store/a to ?signature=b now\nmore", "Odd answer of http: to  now"),
        ("GenericError", "x" * 300, "x" * 200),
    ],
)
def test_why_it_failed_is_said_without_addresses(kind: str, text: str, why: str) -> None:
    assert module._why(type(kind, (Exception,), {})(text)) == why


def test_without_its_package_a_store_is_a_bad_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "obstore.store", None)
    with pytest.raises(BadConfiguration, match="needs the package obstore"):
        Objects(URL)


# addresses


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("s3://bucket/x", False),
        ("s3://bucket/x?endpoint=https://minio:9000", False),
        ("s3://bucket/x?endpoint=http://127.0.0.9:9000", True),
        ("s3://bucket/x?endpoint=http://[::1]:9000", True),
        ("s3://bucket/x?endpoint=http://localhost:9000", True),
        ("s3://bucket/x?endpoint=http://minio:9000&allow_http=true", True),
        ("gs://bucket/x?allow_http=true", True),
        ("gs://bucket/x?allow_http=false", False),
    ],
)
def test_only_this_machine_is_spoken_to_without_encryption_unless_it_is_said(url: str, *, allowed: bool) -> None:
    options, allow_http = module._options(urlsplit(url), "shown")
    assert allow_http is allowed
    assert set(options) <= {"endpoint"}


@pytest.mark.parametrize(
    "url", ["s3://bucket?endpoint=http://minio:9000", "s3://bucket?endpoint=http://192.0.2.1:9000"]
)
def test_others_are_not(url: str) -> None:
    with pytest.raises(BadConfiguration, match=r"The endpoint http://\S+ of FILES_URL is not encrypted"):
        module._options(urlsplit(url), "shown")


@pytest.mark.parametrize("name", ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"])
def test_an_endpoint_of_the_environment_is_looked_at_too(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "")
    monkeypatch.setenv(name, "http://minio:9000")
    with pytest.raises(BadConfiguration, match="The endpoint http://minio:9000 of FILES_URL is not encrypted"):
        module._options(urlsplit("s3://bucket/x"), "shown")
    assert module._options(urlsplit("s3://bucket/x?endpoint=https://minio"), "shown")[1] is False
    assert module._options(urlsplit("gs://bucket/x"), "shown") == ({}, False)  # nothing of Amazon's


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("ftp://bucket/x", "begins with one of s3://, gs://, az://, file://"),
        ("s3:///x", "begins with one of"),
        ("s3://bucket/x?secret=y", r"may say endpoint, region, allow_http behind"),
        ("s3://key@bucket/x", "and nothing else; give credentials in the environment"),
        ("s3://:secret@bucket/x", "and nothing else"),
    ],
)
def test_an_address_that_says_too_much_or_nothing_is_refused(url: str, says: str) -> None:
    with pytest.raises(BadConfiguration, match=says):
        Objects(url)


def test_what_is_shown_of_an_address_holds_no_secret() -> None:
    assert Objects(URL).shown == "s3://bucket/prefix"
