from __future__ import annotations

import errno
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from eventsieve.errors import BadConfiguration, DamagedArtefact
from eventsieve.storage.files import Digests, Files
from eventsieve.storage.shelves import Shelf

DATA = b"a model"
DIGEST = hashlib.sha256(DATA).hexdigest()


@pytest.fixture
def files(tmp_path: Path) -> Iterator[Files]:
    files = Files(tmp_path / "store")
    yield files
    files.close()


def adopt(files: Files) -> None:
    path = files.new(".skops")
    path.write_bytes(DATA)
    files.adopt_artefact(path, DIGEST)


def test_each_kind_of_file_has_its_place(tmp_path: Path) -> None:
    elsewhere = tmp_path / "else where"
    files = Files(tmp_path / "store", f"file://localhost{tmp_path}/else%20where")
    assert [shelf.path("key") for shelf in (files.artefacts, files.tables, files.evaluations, files.datasets)] == [
        elsewhere / "artefacts" / "key.skops",
        elsewhere / "tables" / "key.arrow",
        elsewhere / "evaluations" / "key.json",
        elsewhere / "datasets" / "key.arrow",
    ]
    assert [shelf.path("key.html") for shelf in (files.explorations, files.exports, files.scores)] == [
        files.root / "explorations" / "key.html",
        files.root / "exports" / "key.html",
        files.root / "scores" / "key.html.parquet",
    ]
    adopt(files)
    assert [path.name for path in (elsewhere / "artefacts").iterdir()] == [f"{DIGEST}.skops"]
    files.close()


@pytest.mark.parametrize("url", ["file://server/folder", "file:folder", "file:///folder?region=here"])
def test_a_url_that_is_no_folder_of_this_machine_is_refused(url: str, tmp_path: Path) -> None:
    with pytest.raises(BadConfiguration, match="is no folder of this machine"):
        Files(tmp_path, url)


def test_an_artefact_is_read_as_it_was_written(files: Files) -> None:
    adopt(files)
    assert files.read_artefact(DIGEST) == DATA
    path = files.new(".json")
    path.write_bytes(DATA)
    files.adopt_evaluation(path, DIGEST)
    assert files.evaluations.read(DIGEST) == DATA
    files.artefacts.drop(DIGEST)
    with pytest.raises(DamagedArtefact, match="cannot be read"):
        files.read_artefact(DIGEST)


@pytest.mark.parametrize("damage", [lambda data: data[:-1], lambda data: b"", lambda data: b"A" + data[1:]])
def test_a_damaged_artefact_is_not_read(files: Files, damage) -> None:
    adopt(files)
    files.artefacts.path(DIGEST).write_bytes(damage(DATA))
    with pytest.raises(DamagedArtefact, match="not what was stored"):
        files.read_artefact(DIGEST)


def test_an_artefact_that_is_not_whole_is_not_kept(files: Files) -> None:
    path = files.new(".skops")
    path.write_bytes(DATA[:-1])
    with pytest.raises(DamagedArtefact):
        files.adopt_artefact(path, DIGEST)
    with pytest.raises(DamagedArtefact):
        files.adopt_artefact(files.new(), DIGEST)
    assert list(files.artefacts.folder.iterdir()) == []


def test_a_living_process_is_seen_and_a_dead_one_is_cleared_up(files: Files) -> None:
    script = (
        "import sys; from pathlib import Path; from eventsieve.storage.files import Files\n"
        "files = Files(Path(sys.argv[1])); files.new().write_bytes(b'half')\n"
        "print(files.owner, flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", script, str(files.root)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        owner = other.stdout.readline().strip()
        assert files.living_owners() == {files.owner, owner}
        other.kill()
        other.wait()
        assert files.living_owners() == {files.owner}
    assert [path.name for path in (files.root / "incoming").iterdir()] == [files.owner]


def test_leaving_in_order_leaves_nothing(tmp_path: Path) -> None:
    files = Files(tmp_path)
    files.new().write_bytes(b"half")
    files.close()
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    again = Files(tmp_path)
    shutil.rmtree(tmp_path / "incoming")  # somebody has cleared up
    again.close()
    assert again.owner != files.owner


def test_only_old_files_that_nobody_knows_are_swept(files: Files) -> None:
    shelves = (files.artefacts, files.tables, files.evaluations, files.datasets)
    for name, hours in (("known", 48), ("young", 23), ("old", 25)):
        for path in (shelf.path(name) for shelf in shelves):
            path.write_bytes(DATA)
            then = path.stat().st_mtime - hours * 3600
            os.utime(path, (then, then))
    files.sweep(Digests(*[{"known"}] * 4))
    for shelf in shelves:
        assert {path.stem for path in shelf.folder.iterdir()} == {"known", "young"}


def test_a_folder_that_cannot_be_used_names_the_setting(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BadConfiguration, match="set MODEL_DIR to a folder"):
        Files(tmp_path / "file" / "models")
    with pytest.raises(BadConfiguration, match="set MODEL_DIR and FILES_URL to a folder"):
        Files(tmp_path / "store", f"file://{tmp_path}/file/models")


# shelves


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path / "a" / "shelf", ".bin")


def keep(shelf: Shelf, key: str, size: int, age: float) -> None:
    """Keep a file that was used so many seconds ago."""
    shelf.path(key).write_bytes(b"x" * size)
    os.utime(shelf.path(key), (1_800_000_000 - age,) * 2)


def keys(shelf: Shelf) -> set[str]:
    return {path.stem for path in shelf.folder.iterdir()}


@pytest.mark.parametrize(
    ("files", "size", "left"),
    [
        (3, 1000, {"new", "used", "old"}),
        (2, 1000, {"new", "used"}),
        (9, 60, {"new", "used", "old"}),
        (9, 59, {"new", "used"}),
        (9, 5, {"new"}),
        (0, 0, {"new"}),
    ],
)
def test_what_was_used_longest_ago_is_trimmed(shelf: Shelf, files: int, size: int, left: set[str]) -> None:
    for key, age in (("used", 20), ("oldest", 40), ("new", 10), ("old", 30)):
        keep(shelf, key, 20, age)
    shelf.trim(files, size)
    assert keys(shelf) == left


def test_a_file_that_is_used_is_the_newest(shelf: Shelf) -> None:
    keep(shelf, "new", 1, 1e8)
    keep(shelf, "old", 1, 2e8)
    shelf.touch("old")
    shelf.touch("no such file")
    shelf.trim(1, 10)
    assert keys(shelf) == {"old"}


def test_chosen_files_are_removed(shelf: Shelf) -> None:
    for key in ("a-1", "a-2", "b-1"):
        keep(shelf, key, 1, 0)
    shelf.drop_where(lambda key: key.startswith("a") and key.endswith("1"))
    assert keys(shelf) == {"a-2", "b-1"}
    shelf.drop("a-2")
    shelf.drop("a-2")
    assert keys(shelf) == {"b-1"}

    def come_second(key: str) -> bool:
        shelf.drop(key)
        return True

    shelf.drop_where(come_second)
    assert keys(shelf) == set()


def test_a_file_is_checked_before_it_is_given_away(shelf: Shelf) -> None:
    shelf.path(DIGEST).write_bytes(DATA)
    assert shelf.checked(DIGEST) == shelf.lend(DIGEST, shelf.folder / "other") == shelf.folder / f"{DIGEST}.bin"
    shelf.path(DIGEST).write_bytes(DATA[:-1])
    with pytest.raises(DamagedArtefact, match="not what was stored"):
        shelf.checked(DIGEST)
    shelf.drop(DIGEST)
    with pytest.raises(DamagedArtefact, match="cannot be read"):
        shelf.checked(DIGEST)


def on_disk(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """What is brought to the disk from now on: descriptors and inodes."""
    noted: list[tuple[int, int]] = []
    fsync = os.fsync

    def note(descriptor: int) -> None:
        noted.append((descriptor, os.fstat(descriptor).st_ino))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", note)
    return noted


def test_a_file_and_its_name_are_on_the_disk_before_it_is_kept(
    shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "new"
    path.write_bytes(DATA)
    noted = on_disk(monkeypatch)
    shelf.settle(path, "key")
    assert [inode for _, inode in noted] == [shelf.path("key").stat().st_ino, shelf.folder.stat().st_ino]
    for descriptor, _ in noted:
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(descriptor)
    assert not path.exists()


@pytest.mark.parametrize("full", [False, True])
def test_a_file_moves_whole_into_another_file_system(
    shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, full: bool
) -> None:
    path = tmp_path / "new"
    path.write_bytes(DATA)
    replace, copyfile = Path.replace, shutil.copyfile

    def within(self: Path, target: Path) -> Path:
        if self.parent != target.parent:
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        return replace(self, target)

    def fill(source: Path, target: Path) -> None:
        copyfile(source, target)
        if full:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "replace", within)
    monkeypatch.setattr(shutil, "copyfile", fill)
    if full:
        with pytest.raises(OSError, match="No space left"):
            shelf.settle(path, "key")
        assert path.read_bytes() == DATA
        assert keys(shelf) == set()
    else:
        noted = on_disk(monkeypatch)
        shelf.settle(path, "key")
        assert shelf.path("key").read_bytes() == DATA
        assert shelf.path("key").stat().st_ino in [inode for _, inode in noted]
        assert keys(shelf) == {"key"}
        assert not path.exists()


def test_a_file_that_cannot_be_kept_stays_where_it_is(
    shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "new"
    path.write_bytes(DATA)

    replace = Path.replace

    def refuse(self: Path, target: Path) -> Path:
        if self == path:
            raise OSError(errno.EACCES, "Permission denied")
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(PermissionError):
        shelf.settle(path, "key")
    assert path.read_bytes() == DATA
    assert keys(shelf) == set()
