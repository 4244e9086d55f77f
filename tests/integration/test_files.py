from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from eventsieve.errors import BadConfiguration, DamagedArtefact
from eventsieve.storage.files import ORPHAN_SECONDS, Digests, Files

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


def test_an_artefact_is_read_as_it_was_written(files: Files) -> None:
    adopt(files)
    assert files.read_artefact(DIGEST) == DATA
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


def test_only_old_files_that_nobody_knows_are_swept(files: Files) -> None:
    for name, age in (("known", 2), ("young", 0), ("old", 2)):
        for path in (files.artefacts.path(name), files.tables.path(name)):
            path.write_bytes(DATA)
            then = path.stat().st_mtime - age * ORPHAN_SECONDS
            os.utime(path, (then, then))
    files.sweep(Digests({"known"}, {"known"}, set(), set()))
    assert {path.stem for path in files.artefacts.folder.iterdir()} == {"known", "young"}
    assert {path.stem for path in files.tables.folder.iterdir()} == {"known", "young"}


def test_a_folder_that_cannot_be_used_names_the_setting(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BadConfiguration, match="MODEL_DIR"):
        Files(tmp_path / "file" / "models")
