"""The published data set, fetched from a server on this machine that misbehaves on demand."""

import csv
import errno
import fcntl
import gzip
import hashlib
import shutil
import threading
import time
import zlib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from eventsieve.domain.schema import load_schema
from eventsieve.errors import DownloadFailed
from eventsieve.storage import opendata
from eventsieve.storage.opendata import ARCHIVE, FetchedHiggsML, fetch_higgsml

FEATURES = load_schema("atlas-higgs-2014").feature_names
HEADER = ["EventId", *FEATURES, "Weight", "Label", "KaggleSet", "KaggleWeight"]
COUNTS = {"t": 500, "b": 200, "v": 900, "u": 40}
ETAG = '"version-1"'


def table() -> list[list[str]]:
    """Rows in the archive's columns; every value can be told from every other."""
    sets = [name for name, count in COUNTS.items() for _ in range(count)]
    return [
        [
            str(100_000 + i),
            *(f"{(i * 7919 + k * 104_729) % 999_983 / 1000:.3f}" for k in range(len(FEATURES))),
            f"{i}.25e-3",
            "sb"[i % 3 > 0],
            kaggle_set,
            f"{i}.50000000001",
        ]
        for i, kaggle_set in enumerate(sets)
    ]


def packed(rows: list[list[str]], header: list[str] = HEADER) -> bytes:
    return gzip.compress("\n".join(",".join(row) for row in [header, *rows]).encode() + b"\n", mtime=0)


ROWS = table()
BODY = packed(ROWS)


class Server(ThreadingHTTPServer):
    """Serves ``body``; each request takes the next fault from the list, and none once that is empty."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.body = BODY
        self.etag = ETAG
        self.faults: list[str | int] = []
        self.requests: list[dict[str, str]] = []
        self.url = f"http://127.0.0.1:{self.server_address[1]}/higgs.csv.gz"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        self.server.requests.append(dict(self.headers))
        fault = self.server.faults.pop(0) if self.server.faults else ""
        if isinstance(fault, int):
            self.send_error(fault)
        elif fault == "html":
            self.answer(200, b"<!DOCTYPE html><p>Welcome", {"Content-Type": "text/html"})
        else:
            self.answer_with_file(fault)

    def answer_with_file(self, fault: str) -> None:
        body, etag = self.server.body, self.server.etag
        start = 0
        if "Range" in self.headers and self.headers.get("If-Range", etag) == etag and fault != "ignores range":
            start = int(self.headers["Range"].removeprefix("bytes=").removesuffix("-"))
        headers = {"ETag": etag} if etag else {}
        if start >= len(body):
            self.answer(416, b"no", {"Content-Range": f"bytes */{len(body)}"})
        elif start:
            said = 7 if fault == "other range" else start
            self.answer(206, body[start:], headers | {"Content-Range": f"bytes {said}-9999/{len(body)}"}, fault)
        else:
            self.answer(200, body, headers, fault)

    def answer(self, status: int, body: bytes, headers: dict[str, str], fault: str = "") -> None:
        self.send_response(status)
        for name, value in (headers | {"Content-Length": str(len(body))}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body[: len(body) // 3] if fault in ("cut", "stall") else body)
        self.wfile.flush()
        if fault == "stall":
            time.sleep(0.5)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with Server() as serving:
        thread = threading.Thread(target=serving.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield serving
        serving.shutdown()
        thread.join()


def fetch(server: Server, folder: Path, **changes: Any) -> FetchedHiggsML:
    expected: dict[str, Any] = {
        "size": len(BODY),
        "adler32": f"{zlib.adler32(BODY):08x}",
        "counts": COUNTS,
        "backoff": 0.001,
    }
    return fetch_higgsml(folder, url=server.url, **(expected | changes))


def rows(path: Path) -> list[list[str]]:
    with path.open(newline="") as file:
        return list(csv.reader(file))


def ranges(server: Server) -> list[str | None]:
    return [headers.get("Range") for headers in server.requests]


def test_splits_into_the_tables_of_the_challenge(server: Server, tmp_path: Path) -> None:
    fetched = fetch(server, tmp_path / "new" / "folder")
    keep = len(FEATURES) + 1
    of = {name: [row for row in ROWS if row[-2] in name] for name in ("t", "bv")}
    names = ["EventId", *FEATURES]
    assert rows(fetched.paths["training"]) == [
        [*names, "Weight", "Label"],
        *([*row[:keep], row[-1], row[-3]] for row in of["t"]),
    ]
    assert rows(fetched.paths["test"]) == [names, *(row[:keep] for row in of["bv"])]
    assert rows(fetched.paths["test_labelled"]) == [
        [*names, "Weight", "Label", "KaggleSet"],
        *([*row[:keep], row[-1], row[-3], row[-2]] for row in of["bv"]),
    ]
    assert fetched.counts == {"training": 500, "test": 1100, "test_labelled": 1100}
    assert [path.name for path in fetched.paths.values()] == ["training.csv", "test.csv", "test_labelled.csv"]


def test_splits_block_by_block(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opendata, "BLOCK", 5000)
    fetched = fetch(server, tmp_path)
    assert [row[0] for row in rows(fetched.paths["test"])[1:]] == [row[0] for row in ROWS if row[-2] in "bv"]


def test_a_second_call_asks_nothing(server: Server, tmp_path: Path) -> None:
    first = fetch(server, tmp_path)
    written = {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    assert fetch(server, tmp_path) == first
    assert len(server.requests) == 1
    assert {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == written
    assert sorted(written) == sorted([ARCHIVE, "higgsml.json", "test.csv", "test_labelled.csv", "training.csv"])


def test_a_changed_table_is_made_again_from_the_archive(server: Server, tmp_path: Path) -> None:
    fetched = fetch(server, tmp_path)
    good = fetched.paths["training"].read_bytes()
    fetched.paths["training"].write_bytes(good[:-10])
    assert fetch(server, tmp_path).paths["training"].read_bytes() == good
    assert len(server.requests) == 1


def test_a_damaged_archive_is_fetched_again(server: Server, tmp_path: Path) -> None:
    fetched = fetch(server, tmp_path)
    fetched.paths["test"].unlink()
    (tmp_path / ARCHIVE).write_bytes(BODY[:-1] + b"x")
    fetch(server, tmp_path)
    assert len(server.requests) == 2
    assert (tmp_path / ARCHIVE).read_bytes() == BODY


def test_a_cut_connection_is_resumed_where_it_ended(server: Server, tmp_path: Path) -> None:
    server.faults = ["cut", "cut"]
    fetch(server, tmp_path)
    assert (tmp_path / ARCHIVE).read_bytes() == BODY
    first = len(BODY) // 3
    assert ranges(server) == [None, f"bytes={first}-", f"bytes={first + (len(BODY) - first) // 3}-"]
    assert [headers.get("If-Range") for headers in server.requests] == [None, ETAG, ETAG]


def test_another_call_goes_on_where_the_last_one_gave_up(server: Server, tmp_path: Path) -> None:
    server.faults = ["cut", *[503] * 10]
    with pytest.raises(DownloadFailed, match=r"5 attempts in a row ended early.*503.*goes on where this one ended"):
        fetch(server, tmp_path)
    assert not (tmp_path / ARCHIVE).exists()
    server.faults, server.requests = [], []
    fetch(server, tmp_path)
    assert ranges(server) == [f"bytes={len(BODY) // 3}-"]
    assert server.requests[0]["If-Range"] == ETAG
    assert not list(tmp_path.glob("*.part*"))


def test_a_file_that_changed_meanwhile_is_fetched_whole(server: Server, tmp_path: Path) -> None:
    server.faults = ["cut", *[500] * 10]
    with pytest.raises(DownloadFailed):
        fetch(server, tmp_path)
    server.faults, server.requests = [], []
    server.body, server.etag = packed(ROWS[::-1]), '"version-2"'
    fetch(server, tmp_path, size=len(server.body), adler32=f"{zlib.adler32(server.body):08x}")
    assert (tmp_path / ARCHIVE).read_bytes() == server.body
    assert len(server.requests) == 1


def test_without_a_validator_the_checksum_decides(server: Server, tmp_path: Path) -> None:
    """A part of another version is found out at the end, and the whole fetched once more."""
    server.etag = ""
    (tmp_path / f"{ARCHIVE}.part").write_bytes(b"\x1f\x8b" + b"x" * 1000)
    fetch(server, tmp_path)
    assert ranges(server) == ["bytes=1002-", None]
    assert (tmp_path / ARCHIVE).read_bytes() == BODY


@pytest.mark.parametrize("fault", ["ignores range", "other range"])
def test_a_server_that_does_not_honour_ranges(server: Server, tmp_path: Path, fault: str) -> None:
    server.faults = ["cut", fault]
    fetch(server, tmp_path)
    assert (tmp_path / ARCHIVE).read_bytes() == BODY


def test_a_part_that_is_whole_already(server: Server, tmp_path: Path) -> None:
    (tmp_path / f"{ARCHIVE}.part").write_bytes(BODY)
    fetch(server, tmp_path)
    assert not server.requests


def test_a_whole_part_of_unknown_size_is_taken_at_416(server: Server, tmp_path: Path) -> None:
    (tmp_path / f"{ARCHIVE}.part").write_bytes(BODY)
    fetch(server, tmp_path, size=None)
    assert ranges(server) == [f"bytes={len(BODY)}-"]


def test_a_part_longer_than_the_file_is_thrown_away(server: Server, tmp_path: Path) -> None:
    (tmp_path / f"{ARCHIVE}.part").write_bytes(BODY + b"more")
    fetch(server, tmp_path)
    assert ranges(server) == [f"bytes={len(BODY) + 4}-", None]
    assert (tmp_path / ARCHIVE).read_bytes() == BODY


def test_a_server_that_is_busy_at_first(server: Server, tmp_path: Path) -> None:
    server.faults = [503, 429, 502]
    fetch(server, tmp_path)
    assert len(server.requests) == 4


def test_a_server_that_falls_silent(server: Server, tmp_path: Path) -> None:
    server.faults = ["stall"]
    fetch(server, tmp_path, timeout=0.15)
    assert ranges(server) == [None, f"bytes={len(BODY) // 3}-"]


def test_progress_counts_up_to_the_whole(server: Server, tmp_path: Path) -> None:
    seen = []
    server.faults = ["cut"]
    fetch(server, tmp_path, progress=lambda have, total: seen.append((have, total)))
    assert {total for _, total in seen} == {len(BODY)}
    assert [have for have, _ in seen] == sorted(have for have, _ in seen)
    assert seen[-1][0] == len(BODY)


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (404, r"404 Not Found; look whether the file has moved"),
        (403, r"403 Forbidden"),
        ("html", r"starts with b'<!DOCTYPE html>.*called text/html; open the URL in a browser"),
    ],
)
def test_what_cannot_be_cured_is_said_at_once(server: Server, tmp_path: Path, fault: str | int, says: str) -> None:
    server.faults = [fault] * 9
    with pytest.raises(DownloadFailed, match=says) as caught:
        fetch(server, tmp_path)
    assert server.url in str(caught.value)
    assert len(server.requests) == 1
    assert not list(tmp_path.glob("*.gz*"))


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"adler32": "00000001"}, r"Adler-32 checksum is [0-9a-f]{8}, not 00000001"),
        ({"sha256": "0" * 64}, rf"SHA-256 is {hashlib.sha256(BODY).hexdigest()}, not 0{{64}}"),
        ({"size": 5, "adler32": None}, rf"size is {len(BODY)}, not 5"),
    ],
)
def test_a_wrong_checksum(server: Server, tmp_path: Path, wrong: dict[str, Any], says: str) -> None:
    with pytest.raises(DownloadFailed, match=says):
        fetch(server, tmp_path, **wrong)
    assert not list(tmp_path.glob("*.gz*"))


@pytest.mark.parametrize(
    ("body", "says"),
    [
        pytest.param(BODY[: len(BODY) // 2], r"(?i)truncated|unexpected end", id="truncated gzip"),
        pytest.param(BODY[:-8] + bytes(4) + BODY[-4:], r"(?i)crc|incorrect data check|zlib", id="wrong CRC"),
        pytest.param(packed(ROWS[:-1]), r"39 u instead of|900 v instead of|holds", id="a row is missing"),
        pytest.param(
            packed([row[:-1] for row in ROWS], HEADER[:-1]), "no column KaggleWeight", id="a column is missing"
        ),
        pytest.param(packed([*ROWS, ["1", "2"]]), "Expected 35 columns, got 2", id="a short row"),
    ],
)
def test_an_archive_that_is_not_the_table(server: Server, tmp_path: Path, body: bytes, says: str) -> None:
    """What no checksum was given for is still checked by what is in it."""
    server.body = body
    with pytest.raises(DownloadFailed, match=says) as caught:
        fetch(server, tmp_path, size=None, adler32=None)
    assert server.url in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_a_server_that_is_not_there(server: Server, tmp_path: Path) -> None:
    gone = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    port = gone.server_address[1]
    gone.server_close()
    with pytest.raises(DownloadFailed, match=rf"127\.0\.0\.1:{port}.*5 attempts.*check the network"):
        fetch_higgsml(tmp_path, url=f"http://127.0.0.1:{port}/x", backoff=0.001)


def test_a_url_of_no_web(tmp_path: Path) -> None:
    with pytest.raises(DownloadFailed, match="correct the URL"):
        fetch_higgsml(tmp_path, url="gopher://x/y", backoff=0.001)


def test_no_room_is_said_before_the_download(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(tmp_path)._replace(free=100)
    monkeypatch.setattr("eventsieve.storage.download.shutil.disk_usage", lambda _: usage)
    with pytest.raises(DownloadFailed, match=r"no room in .* for 0 MB more; free some"):
        fetch(server, tmp_path)
    assert not list(tmp_path.glob("*.gz*"))


def test_no_room_while_splitting(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(opendata.csv, "write_csv", full)
    with pytest.raises(DownloadFailed, match=r"No space left on device.*free some room"):
        fetch(server, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [ARCHIVE]


def test_two_at_once_do_not_mix_their_bytes(server: Server, tmp_path: Path) -> None:
    with (tmp_path / f"{ARCHIVE}.part").open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(DownloadFailed, match="another process is writing"):
            fetch(server, tmp_path)


def test_a_folder_that_cannot_be_made(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DownloadFailed, match="choose another folder"):
        fetch(server, tmp_path / "file" / "folder")
