"""Files in an object store, against a real S3 server that is stopped and started, refuses and loses."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import obstore
import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from obstore.store import S3Store

import weed as servers
from eventsieve.api.app import create_app
from eventsieve.errors import BadConfiguration, DamagedArtefact, DatasetNotFound, ModelNotFound, StoreUnavailable
from eventsieve.records import JobRequest, ModelSpec
from eventsieve.service import Service
from eventsieve.service.datasets import Upload
from eventsieve.settings import Settings
from eventsieve.storage import objects as objects_module
from eventsieve.storage.cached import RECENT_SECONDS
from eventsieve.storage.files import ORPHAN_SECONDS, Digests, Files
from eventsieve.storage.objects import PART, Objects
from eventsieve.storage.shelves import digest_of

pytestmark = pytest.mark.slow

DATA = b"a model"
DIGEST = hashlib.sha256(DATA).hexdigest()
NOTHING = Digests(set(), set(), set(), set())
BUCKET = "sieve-tests"


@pytest.fixture(scope="module", autouse=True)
def _bucket(weed: servers.Weed) -> None:
    weed.make_bucket(BUCKET)


def _config(server: servers.Weed) -> dict:
    return {
        "endpoint": server.endpoint,
        "region": "us-east-1",
        "access_key_id": servers.KEY,
        "secret_access_key": servers.SECRET,
        "client_options": {"allow_http": True},
    }


@pytest.fixture
def url(weed: servers.Weed, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """Of a prefix that is this test's own."""
    for name, value in weed.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(objects_module, "REST_SECONDS", 0.0)
    return f"s3://{BUCKET}/{tmp_path.name}"


@pytest.fixture
def files(url: str, tmp_path: Path) -> Iterator[Files]:
    opened = Files(tmp_path / "store", url)
    yield opened
    opened.close()


@pytest.fixture
def bucket(weed: servers.Weed, tmp_path: Path) -> S3Store:
    return S3Store(BUCKET, prefix=tmp_path.name, **_config(weed))


def names(bucket: S3Store) -> set[str]:
    return {each["path"].removeprefix(f"{bucket.prefix}/") for each in obstore.list(bucket).collect()}


def put(files: Files, data: bytes = DATA) -> str:
    path = files.new()
    path.write_bytes(data)
    digest = hashlib.sha256(data).hexdigest()
    files.adopt_artefact(path, digest)
    return digest


def age(path: Path, seconds: float) -> None:
    os.utime(path, (time.time() - seconds,) * 2)


# files


def test_a_file_is_in_the_store_before_it_is_kept_and_comes_back_from_there(files, bucket):
    put(files)
    assert names(bucket) == {f"artefacts/{DIGEST}.skops"}
    files.artefacts.path(DIGEST).unlink()
    assert files.read_artefact(DIGEST) == DATA
    assert files.artefacts.checked(DIGEST).is_file()
    files.artefacts.drop(DIGEST)
    assert names(bucket) == set()
    with pytest.raises(DamagedArtefact, match="cannot be read"):
        files.read_artefact(DIGEST)


def test_large_files_go_in_parts(files, bucket, tmp_path):
    data = os.urandom(2 * PART + 5)
    digest = put(files, data)
    files.artefacts.path(digest).unlink()
    assert files.read_artefact(digest) == data
    assert list((files.root / "incoming" / files.owner).iterdir()) == []


def test_an_empty_file_and_a_key_that_is_no_digest(files):
    path = files.new()
    path.write_bytes(b"")
    files.datasets.send(path, "key")
    files.datasets.settle(path, "key")
    files.datasets.path("key").unlink()
    assert files.datasets.path("key").read_bytes() == b""


@pytest.mark.parametrize("damage", [lambda data: data[:-1], lambda data: b"", lambda data: b"A" + data[1:]])
def test_what_is_damaged_in_the_store_is_not_taken(files, bucket, damage):
    put(files)
    obstore.put(bucket, f"artefacts/{DIGEST}.skops", damage(DATA))
    assert files.read_artefact(DIGEST) == DATA
    files.artefacts.path(DIGEST).unlink()
    with pytest.raises(DamagedArtefact, match="not what was stored"):
        files.artefacts.path(DIGEST)
    assert not (files.artefacts.folder / f"{DIGEST}.skops").exists()


def test_a_data_set_that_is_damaged_in_the_store_is_not_taken(files, bucket):
    path = files.new()
    path.write_bytes(DATA)
    files.datasets.settle(path, "key")
    files.datasets.path("key").unlink()
    obstore.put(bucket, "datasets/key.arrow", b"another", attributes={"sha256": DIGEST})
    with pytest.raises(DamagedArtefact, match="not what was stored"):
        files.datasets.path("key")


def test_a_copy_that_is_damaged_is_fetched_again(files):
    put(files)
    for use in (files.artefacts.read, files.artefacts.checked):
        files.artefacts.path(DIGEST).write_bytes(b"a modem")
        use(DIGEST)
        assert files.artefacts.path(DIGEST).read_bytes() == DATA


def test_a_download_that_ends_too_soon_is_no_file(files, monkeypatch):
    put(files)
    path = files.artefacts.path(DIGEST)
    path.unlink()
    whole = obstore.get_range
    monkeypatch.setattr(obstore, "get_range", lambda *args, **range_: bytes(whole(*args, **range_))[:-1])
    with pytest.raises(DamagedArtefact, match="a part missing"):
        files.artefacts.path(DIGEST)
    assert not path.exists()
    assert list((files.root / "incoming" / files.owner).iterdir()) == []
    monkeypatch.undo()


def test_what_many_want_is_fetched_once(files, monkeypatch):
    put(files)
    files.artefacts.path(DIGEST).unlink()
    asked = []
    fetch = Objects.fetch

    def slowly(self, *words):
        asked.append(words)
        time.sleep(0.2)
        return fetch(self, *words)

    monkeypatch.setattr(Objects, "fetch", slowly)
    with ThreadPoolExecutor(8) as pool:
        paths = list(pool.map(files.artefacts.path, [DIGEST] * 8))
    assert {path.read_bytes() for path in paths} == {DATA}
    assert len(asked) == 1


def test_what_was_removed_between_sending_and_settling_is_sent_again(files, bucket):
    path = files.new()
    path.write_bytes(DATA)
    files.artefacts.send(path, DIGEST)
    files.artefacts.drop(DIGEST)
    files.artefacts.settle(path, DIGEST)
    assert names(bucket) == {f"artefacts/{DIGEST}.skops"}


# the cache


def test_what_was_used_longest_ago_goes_first_and_nothing_that_is_in_use(url, tmp_path, bucket):
    files = Files(tmp_path / "store", url, cache_bytes=2500)
    digests = [put(files, bytes([number]) * 1000) for number in range(4)]
    paths = [files.artefacts.path(digest) for digest in digests]
    assert all(path.exists() for path in paths)  # they were handed out just now
    for place, path in enumerate(paths):
        age(path, RECENT_SECONDS + 100 - place)
    lent = files.artefacts.lend(digests[2], files.new())
    age(paths[2], RECENT_SECONDS + 98)
    obstore.delete(bucket, f"artefacts/{paths[1].name}")
    files.artefacts.path(digests[0])
    fresh = put(files, b"x" * 1000)
    assert [path.exists() for path in paths] == [True, True, False, False]  # the second is nowhere else
    assert files.artefacts.path(fresh).exists()
    assert lent.read_bytes() == bytes([2]) * 1000
    assert files.read_artefact(digests[3]) == bytes([3]) * 1000
    files.close()


def test_only_old_objects_that_nobody_knows_are_swept(files, bucket, monkeypatch):
    for name in ("known", "unknown"):
        obstore.put(bucket, f"artefacts/{name}.skops", DATA)
    files.sweep(NOTHING._replace(artefacts={"known"}))
    assert len(names(bucket)) == 2
    now = Objects.now
    monkeypatch.setattr(Objects, "now", lambda self: now(self) + timedelta(seconds=ORPHAN_SECONDS + 60))
    files.sweep(NOTHING._replace(artefacts={"known"}))
    assert names(bucket) == {"artefacts/known.skops"}


def test_a_folder_that_was_filled_before_is_sent_there(url, tmp_path, bucket):
    before = Files(tmp_path / "store")
    put(before)
    damaged = put(before, b"another")
    before.artefacts.path(damaged).write_bytes(b"damaged")
    before.close()
    files = Files(tmp_path / "store", url)
    files.sweep(NOTHING._replace(artefacts={DIGEST, damaged}))
    assert names(bucket) == {f"artefacts/{DIGEST}.skops"}
    files.close()


def test_files_of_another_registry_are_left_alone(files):
    files.claim("mine")
    files.claim("mine")
    with pytest.raises(BadConfiguration, match="another registry"):
        files.claim("another")


# what goes wrong


def send(client: TestClient, path: Path) -> Response:
    with path.open("rb") as file:
        return client.post("/api/v2/datasets", files={"file": file})


@pytest.fixture
def client(url: str, settings: Settings) -> Iterator[TestClient]:
    with TestClient(create_app(settings.model_copy(update={"FILES_URL": url}))) as opened:
        yield opened


def test_a_store_that_is_down_says_so_keeps_nothing_and_comes_back(weed, files, client, bucket, events_csv):
    put(files)
    copy = files.artefacts.path(DIGEST)
    other = files.new()
    other.write_bytes(b"another")
    digest = digest_of(other)
    weed.stop()
    try:
        assert files.read_artefact(DIGEST) == DATA  # what is here is read on
        with pytest.raises(StoreUnavailable, match="nothing listens there"):
            files.adopt_artefact(other, digest)
        assert not (files.artefacts.folder / f"{digest}.skops").exists()
        assert other.exists()
        copy.unlink()
        with pytest.raises(StoreUnavailable, match="does not answer"):
            files.read_artefact(DIGEST)
        files.artefacts.drop(digest)
        refused = send(client, events_csv)
        assert refused.status_code == 503, refused.text
        assert int(refused.headers["retry-after"]) > 0
        assert "file store" in refused.text
        assert client.get("/api/v2/datasets").json()["total"] == 0
    finally:
        weed.start()
    assert files.read_artefact(DIGEST) == DATA
    files.adopt_artefact(other, digest)
    assert send(client, events_csv).status_code == 201
    assert {name.partition("/")[0] for name in names(bucket)} == {"artefacts", "datasets", "registry"}


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ("AWS_SECRET_ACCESS_KEY=a-wrong-secret", "SignatureDoesNotMatch"),
        ("AWS_ACCESS_KEY_ID=nobody", "InvalidAccessKeyId"),
        ("AWS_ENDPOINT_URL=http://127.0.0.1:9", "nothing listens there"),
        ("AWS_ENDPOINT_URL=https://store.invalid", "not known to the network|no connection"),
    ],
)
def test_a_store_that_cannot_be_used_is_a_bad_configuration(url, tmp_path, monkeypatch, given, why):
    monkeypatch.setenv(*given.split("=", 1))
    with pytest.raises(BadConfiguration, match=why) as caught:
        Files(tmp_path / "store", url)
    assert "FILES_URL" in str(caught.value)
    assert servers.SECRET not in str(caught.value)
    assert "wrong" not in str(caught.value)


def test_a_bucket_that_is_not_there_is_named(url, tmp_path):
    with pytest.raises(BadConfiguration, match="s3://no-such-bucket/x cannot be used: there is no such bucket"):
        Files(tmp_path / "store", "s3://no-such-bucket/x")


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ("bucket/prefix", "begins with one of s3://"),
        ("ftp://bucket", "begins with one of s3://"),
        ("s3://", "begins with one of"),
        ("s3://key:secret@bucket/x", "in the environment"),
        ("s3://bucket?secret_access_key=secret", "in the environment"),
        ("s3://bucket?endpoint=http://minio:9000", "not encrypted"),
        ("az://bucket", "cannot be used"),
        ("file://server/folder", "write it as file:///"),
        ("file:folder", "write it as file:///"),
    ],
)
def test_a_url_that_means_nothing_is_a_bad_configuration(tmp_path, wrong, why):
    with pytest.raises(BadConfiguration, match=why) as caught:
        Files(tmp_path / "store", wrong)
    assert "secret@" not in str(caught.value)
    assert "=secret" not in str(caught.value)


# the whole service


def upload(service: Service, path: Path) -> str:
    file = service.new_file()
    file.write_bytes(path.read_bytes())
    dataset, _ = service.datasets.add([Upload(file, path.name, digest_of(path), path.stat().st_size)])
    return dataset.id


def train(service: Service, dataset: str, name: str) -> None:
    job = service.jobs.submit(JobRequest(dataset=dataset, models=(ModelSpec(name=name, type="LogReg"),)))
    deadline = time.monotonic() + 60
    while not service.jobs.get(job.id).final:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_server_with_an_empty_folder_predicts_the_same(url, settings, events_csv, tmp_path, bucket):
    where = {"FILES_URL": url, "DATABASE_URL": settings.DATABASE_URL or f"sqlite:///{tmp_path}/registry.sqlite"}
    first = settings.model_copy(update=where)
    second = first.model_copy(update={"MODEL_DIR": tmp_path / "other"})
    with Service.open(first) as here:
        dataset = upload(here, events_csv)
        train(here, dataset, "m")
        before = here.predict(events_csv, "m")
        rows = here.scores.page("m", dataset)
        with Service.open(second) as there:
            assert there.predict(events_csv, "m").score.tolist() == before.score.tolist()
            assert there.scores.page("m", dataset) == rows
            assert there.models.evaluation("m") == here.models.evaluation("m")
            here.models.remove("m")
            here.datasets.remove(dataset)
            assert list(there._files.artefacts.folder.iterdir()) != []  # copies of what is no more
            with pytest.raises(ModelNotFound):
                there.predict(events_csv, "m")
            with pytest.raises(DatasetNotFound):
                there.datasets.get(dataset)
    assert names(bucket) == {"registry"}
