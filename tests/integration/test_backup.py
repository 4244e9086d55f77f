"""Backups: what is saved is what is restored, whole or not at all, and nothing else is taken for one."""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
import tarfile
import threading
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from typer.testing import CliRunner

from calls import model, train
from conftest import run_server
from databases import only_sqlite
from eventsieve import __version__
from eventsieve.cli.app import app
from eventsieve.domain.simulation import simulate
from eventsieve.errors import BadConfiguration, BadInput, Conflict, DamagedArtefact
from eventsieve.records import AccessRole, Actor, ModelSpec, State
from eventsieve.service import Service
from eventsieve.service.datasets import Upload
from eventsieve.settings import Settings
from eventsieve.storage import backup as writing
from eventsieve.storage import restoring
from eventsieve.storage.archive import Writer
from eventsieve.storage.backup import back_up
from eventsieve.storage.files import Files
from eventsieve.storage.restoring import restore
from eventsieve.storage.shelves import Shelf, digest_of
from eventsieve.storage.tables import write_table

pytestmark = only_sqlite  # stores in folders; those elsewhere are in test_stores.py and test_migrations.py

SPECS = [ModelSpec(name="line", type="LogReg"), ModelSpec(name="trees", type="RandomForest")]


def scores_of(settings: Settings, table: Path) -> dict[str, bytes]:
    """What each model says of a table, bit for bit."""
    with Service.open(settings) as service:
        return {model.name: service.predict(table, model.name).score.tobytes() for model in service.list_models()}


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("events") / "train.csv"
    write_table(simulate(400, seed=3), path)
    return path


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory, small: Path) -> Settings:
    """A store with two models, one of them current, an alias, and a job that was not trained; only to be read."""
    folder = tmp_path_factory.mktemp("store")
    settings = Settings(MODEL_DIR=folder / "models", LOG_DIR=folder / "logs", PDF_PATH=None, NUM_CPUS=2)
    with Service.open(settings) as service:
        service.wait(service.train(small, SPECS, holdout=0.25))
        service.choose("trees")
        service.models.set_alias("best", "line")
        service.trail.add("train", ["model:line"], actor=Actor(name="marie", role=AccessRole.TRAINER))
    return settings


@pytest.fixture(scope="module")
def scores(stored: Settings, unlabelled_csv: Path) -> dict[str, bytes]:
    """What its models say."""
    return scores_of(stored, unlabelled_csv)


@pytest.fixture(scope="module")
def saved(stored: Settings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its backup."""
    path = tmp_path_factory.mktemp("backup") / "store.tar"
    save(stored, path)
    return path


def save(settings: Settings, path: Path) -> writing.Backup:
    files = Files(settings.MODEL_DIR)
    try:
        return back_up(files, settings.database_url, path)
    finally:
        files.close()


def unsave(path: Path, settings: Settings, **options: Any) -> Any:
    files = Files(settings.MODEL_DIR)
    try:
        return restore(path, files, settings.database_url, **options)
    finally:
        files.close()


def registry_of(settings: Settings) -> Path:
    return settings.MODEL_DIR / "registry.sqlite"


def identity_in(registry: Path) -> str:
    with closing(sqlite3.connect(registry)) as database:
        return database.execute("SELECT id FROM stores").fetchone()[0]


def tree(folder: Path) -> dict[str, str]:
    """All finished files of a store with their digests."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for shelf in ("artefacts", "tables", "evaluations", "datasets")
        for path in (folder / shelf).glob("*")
    }


def test_a_restored_store_is_the_one_that_was_saved(
    stored: Settings, saved: Path, scores: dict[str, bytes], settings: Settings, unlabelled_csv: Path
) -> None:
    restored = unsave(saved, settings)
    assert restored.counts == {"models": 2, "jobs": 1, "datasets": 0}
    assert (restored.version, restored.absent, restored.aside) == (__version__, {}, None)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", restored.made)
    assert identity_in(registry_of(settings)) != identity_in(registry_of(stored))
    assert scores_of(settings, unlabelled_csv) == scores
    with Service.open(stored) as old, Service.open(settings) as new:
        assert new.list_models() == old.list_models()
        assert new.models.aliases() == old.models.aliases()
        assert new.current().name == "trees"
        deeds = new.trail.page().items
        assert [(deed.action, deed.actor) for deed in deeds] == [("restore", ""), ("train", "marie")]
        job = new.list_models()[0].job
        assert new.job(job) == old.job(job)
    assert list((settings.MODEL_DIR / "incoming").iterdir()) == []


@pytest.mark.parametrize("end", [".tar", ".tar.zst", ".tar.gz"])
def test_a_backup_is_whole_and_one_that_was_cut_off_is_refused(end: str, stored: Settings, settings: Settings) -> None:
    path = settings.LOG_DIR.parent / f"b{end}"
    made = save(stored, path)
    assert (made.absent, made.size) == ({}, path.stat().st_size)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    whole = path.read_bytes()
    data = whole[:-1024] if end == ".tar" else whole  # the end's two empty blocks may be missing
    for share in (0.0, 0.5, 0.999):
        path.write_bytes(data[: int(share * len(data))])
        refused(path, settings, "is damaged, or no backup")
    path.write_bytes(whole)
    unsave(path, settings)
    assert tree(settings.MODEL_DIR) == tree(stored.MODEL_DIR)


def test_a_backup_is_a_tar_that_others_can_read(saved: Path) -> None:
    with tarfile.open(saved) as archive:
        names = archive.getnames()
        manifest = json.load(archive.extractfile("manifest.json"))  # type: ignore[arg-type]
        for name, size, digest in manifest["members"]:
            data = archive.extractfile(name).read()  # type: ignore[union-attr]
            assert (len(data), hashlib.sha256(data).hexdigest()) == (size, digest)
    assert names[0] == "eventsieve_backup.json"
    assert not {"rows/sessions.jsonl", "rows/owners.jsonl"} & set(names)


def test_a_backup_of_a_store_that_is_worked_on_can_be_restored(
    saved: Path, scores: dict[str, bytes], settings: Settings, small: Path, unlabelled_csv: Path
) -> None:
    folder = settings.LOG_DIR.parent
    unsave(saved, settings)
    done = threading.Event()
    seen: list[writing.Backup] = []
    with Service.open(settings) as service:
        endless = ModelSpec(name="long", type="RandomForest", hyperparameters={"n_estimators": 100_000})
        runs = service.train(small, [endless]).job.id

        def work() -> None:
            for number in range(2):
                specs = [ModelSpec(name=f"m{number}", type="LogReg")]
                service.wait(service.train(small, specs, seed=number))
                service.remove(f"m{number}")
            done.set()

        worker = threading.Thread(target=work)
        worker.start()
        while not done.is_set():
            seen.append(save(settings, folder / f"{len(seen)}.tar"))
        worker.join()
        assert [each.absent for each in seen] == [{}] * len(seen)
    last = settings.model_copy(update={"MODEL_DIR": folder / "again"})
    unsave(folder / f"{len(seen) // 2}.tar", last)
    found = scores_of(last, unlabelled_csv)
    assert {name: found[name] for name in scores} == scores
    with Service.open(last) as service:
        assert service.job(runs).models[0].state is State.INTERRUPTED


def test_what_is_missing_or_damaged_is_named_and_the_rest_is_saved(
    saved: Path, settings: Settings, tmp_path: Path
) -> None:
    unsave(saved, settings)
    artefacts = sorted((settings.MODEL_DIR / "artefacts").iterdir())
    artefacts[0].unlink()
    artefacts[1].write_bytes(b"not what was stored")
    expected = {f"artefacts/{artefacts[0].name}": "missing", f"artefacts/{artefacts[1].name}": "damaged"}
    for shelf in ("tables", "evaluations"):
        first = min((settings.MODEL_DIR / shelf).iterdir())
        first.write_bytes(b"not what was stored")
        expected[f"{shelf}/{first.name}"] = "damaged"
    answer = CliRunner().invoke(app, ["backup", str(tmp_path / "b.tar"), "--model-dir", str(settings.MODEL_DIR)])
    assert answer.exit_code == 1
    assert f"artefacts/{artefacts[0].name} is missing" in answer.stderr
    new = settings.model_copy(update={"MODEL_DIR": tmp_path / "new"})
    assert unsave(tmp_path / "b.tar", new).absent == expected
    with Service.open(new) as service:
        assert len(service.list_models()) == 2


def test_a_file_that_is_removed_meanwhile_asks_for_another_snapshot(
    saved: Path, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unsave(saved, settings)
    taken = []
    take = writing.take

    def take_and_remove(*arguments: Any) -> Any:
        snapshot = take(*arguments)
        if not taken:
            with Service.open(settings) as service:
                service.remove("line")
        taken.append(snapshot)
        return snapshot

    monkeypatch.setattr(writing, "take", take_and_remove)
    assert save(settings, tmp_path / "b.tar").absent == {}
    assert len(taken) == 2
    assert unsave(tmp_path / "b.tar", settings.model_copy(update={"MODEL_DIR": tmp_path / "new"})).counts["models"] == 1


def test_what_stays_away_is_looked_for_some_times(
    saved: Path, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unsave(saved, settings)
    gone, kept = sorted((settings.MODEL_DIR / "artefacts").iterdir())
    gone.unlink()
    folders = []
    take, path = writing.take, Shelf.path

    def note(connection: Any, folder: Path) -> Any:
        folders.append(folder)
        return take(connection, folder)

    def fail(self: Shelf, key: str) -> Path:
        if key == kept.stem:
            raise DamagedArtefact("It is not what was stored.")
        return path(self, key)

    monkeypatch.setattr(writing, "take", note)
    monkeypatch.setattr(Shelf, "path", fail)
    made = save(settings, tmp_path / "b.tar")
    assert made.absent == {f"artefacts/{gone.name}": "missing", f"artefacts/{kept.name}": "It is not what was stored."}
    assert len(folders) == writing.ATTEMPTS
    assert folders[0].is_relative_to(settings.MODEL_DIR / "incoming")  # what a killed backup leaves is found there
    assert list((settings.MODEL_DIR / "incoming").iterdir()) == []


def test_data_sets_are_saved(settings: Settings, small: Path, tmp_path: Path) -> None:
    with Service.open(settings) as service:
        file = service.new_file()
        file.write_bytes(small.read_bytes())
        dataset, _ = service.datasets.add([Upload(file, small.name, digest_of(file), file.stat().st_size)])
    made = save(settings, tmp_path / "b.tar")
    (name,) = (name for name in made.members if name.startswith("datasets/"))
    assert made.members[name].sha256 == digest_of(settings.MODEL_DIR / name)
    assert made.revision != ""
    new = settings.model_copy(update={"MODEL_DIR": tmp_path / "new"})
    assert unsave(tmp_path / "b.tar", new).counts == {"models": 0, "jobs": 0, "datasets": 1}
    assert tree(new.MODEL_DIR) == tree(settings.MODEL_DIR)
    with Service.open(new) as service:
        assert service.datasets.get(dataset.id).events == 400


def test_a_store_that_holds_something_is_left_alone_or_moved_aside(saved: Path, settings: Settings) -> None:
    Service.open(settings).close()  # a server has been started once: it holds nothing
    unsave(saved, settings)
    before = tree(settings.MODEL_DIR)
    with pytest.raises(Conflict, match="holds something; name another folder"):
        unsave(saved, settings)
    with pytest.raises(Conflict, match="Only a store that is wholly in its folder"):
        unsave(saved, settings, force=True, movable=False)
    earlier = settings.MODEL_DIR / "before-restore-earlier"
    earlier.mkdir()
    (settings.MODEL_DIR / "notes.txt").write_text("somebody's")
    identity = identity_in(registry_of(settings))
    aside = unsave(saved, settings, force=True).aside
    assert aside.parent == settings.MODEL_DIR.absolute()
    assert re.fullmatch(r"before-restore-\d{8}T\d{6}Z", aside.name)
    assert earlier.is_dir()
    assert (aside / "notes.txt").read_text() == "somebody's"
    assert identity_in(registry_of(settings)) == identity
    assert tree(aside) == tree(settings.MODEL_DIR) == before
    with Service.open(settings.model_copy(update={"MODEL_DIR": aside})) as old:
        assert len(old.list_models()) == 2
    with Service.open(settings), pytest.raises(Conflict, match="works on the store"):
        unsave(saved, settings, force=True)


def test_who_comes_while_a_backup_is_looked_at_is_not_disturbed(
    saved: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    others = []
    check = restoring._check

    def come(*arguments: Any) -> Any:
        others.append(Files(settings.MODEL_DIR))
        return check(*arguments)

    monkeypatch.setattr(restoring, "_check", come)
    with pytest.raises(Conflict, match="works on the store"):
        unsave(saved, settings)
    others[0].close()
    assert tree(settings.MODEL_DIR) == {}


def test_what_a_killed_server_left_of_an_empty_registry_is_not_taken_for_the_restored_ones(
    saved: Path, settings: Settings, tmp_path: Path
) -> None:
    killed = settings.model_copy(update={"MODEL_DIR": tmp_path / "killed"})
    killed.MODEL_DIR.mkdir()
    with Service.open(settings):
        for path in settings.MODEL_DIR.glob("registry.sqlite*"):
            shutil.copy(path, killed.MODEL_DIR)
    left = [killed.MODEL_DIR / f"registry.sqlite{end}" for end in ("-wal", "-shm")]
    assert all(path.exists() for path in left)
    seen: list[list[bool]] = []
    settle_file = restoring.settle_file

    def look(*paths: Path) -> None:
        seen.append([path.exists() for path in left])
        settle_file(*paths)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(restoring, "settle_file", look)
        unsave(saved, killed)
    assert seen == [[False, False]]
    with Service.open(killed) as service:
        assert len(service.list_models()) == 2


def test_a_registry_in_another_place_is_filled_if_nothing_has_come_into_it(
    saved: Path, settings: Settings, tmp_path: Path, scores: dict[str, bytes], unlabelled_csv: Path
) -> None:
    settings = settings.model_copy(update={"DATABASE_URL": f"sqlite:///{tmp_path}/elsewhere.sqlite"})
    assert unsave(saved, settings, movable=False).counts["models"] == 2
    assert not (settings.MODEL_DIR / "registry.sqlite").exists()
    assert scores_of(settings, unlabelled_csv) == scores
    before = tree(settings.MODEL_DIR)
    own = identity_in(tmp_path / "elsewhere.sqlite")
    with pytest.MonkeyPatch.context() as patch:  # as when it was empty a moment ago
        patch.setattr(restoring, "_look", lambda *_, **__: (own, None))
        with pytest.raises(Conflict, match="has come into the database meanwhile"):
            unsave(saved, settings)
    assert tree(settings.MODEL_DIR) == before


# what is no backup


def members_of(path: Path) -> list[tuple[str, bytes]]:
    with tarfile.open(path) as archive:
        return [(each.name, archive.extractfile(each).read()) for each in archive]  # type: ignore[union-attr]


def rewritten(members: list[tuple[str, bytes]], path: Path, *, resign: bool = True) -> Path:
    """An archive of these members, with a manifest that fits them where ``resign``."""
    found = dict(members)
    if resign and "manifest.json" in found:
        manifest = json.loads(found["manifest.json"])
        listed = {name for name, _, _ in manifest["members"]}
        manifest["members"] = [
            [name, len(data), hashlib.sha256(data).hexdigest()] for name, data in members if name in listed
        ]
        members = [(name, json.dumps(manifest).encode() if name == "manifest.json" else data) for name, data in members]
    with path.open("wb") as file:
        writer = Writer(file, None)
        for name, data in members:
            writer.add(name, io.BytesIO(data), len(data))
        writer.finish()
    return path


def with_member(saved: Path, path: Path, info: tarfile.TarInfo, data: bytes = b"") -> Path:
    """The backup with one more member in front."""
    with tarfile.open(saved) as old, tarfile.open(path, "w", format=tarfile.GNU_FORMAT) as new:
        for number, member in enumerate(old):
            if number == 1:
                new.addfile(info, io.BytesIO(data))
            new.addfile(member, old.extractfile(member))
    return path


def info(name: str, kind: bytes = tarfile.REGTYPE, link: str = "", size: int = 0) -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type, made.linkname, made.size = kind, link, size
    return made


def refused(path: Path, settings: Settings, says: str, kind: type[Exception] = BadInput) -> None:
    with pytest.raises(kind, match=says):
        unsave(path, settings)
    assert not (settings.MODEL_DIR / "registry.sqlite").exists()
    assert tree(settings.MODEL_DIR) == {}
    assert list((settings.MODEL_DIR / "incoming").iterdir()) == []


HOSTILE = {
    "up": info("../../pwned"),
    "absolute": info("/tmp/pwned"),
    "inside": info("artefacts/../../pwned.skops"),
    "link": info("artefacts/a.skops", tarfile.SYMTYPE, "/etc/passwd"),
    "hard link": info("artefacts/a.skops", tarfile.LNKTYPE, "/etc/passwd"),
    "device": info("artefacts/a.skops", tarfile.CHRTYPE),
    "pipe": info("artefacts/a.skops", tarfile.FIFOTYPE),
    "folder": info("artefacts/a.skops", tarfile.DIRTYPE),
    "sparse": info("artefacts/a.skops", tarfile.GNUTYPE_SPARSE),
    "long name": info("artefacts/" + "a" * 300 + ".skops"),
    "not ours": info("bin/sh"),
    "registry": info("registry.sqlite"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_an_archive_with_what_no_backup_has_is_refused(kind: str, saved: Path, settings: Settings) -> None:
    path = with_member(saved, settings.LOG_DIR.parent / "bad.tar", HOSTILE[kind])
    refused(path, settings, "is damaged, or no backup|nothing speaks of it|no name|no regular file")


def test_a_bomb_is_refused_before_it_is_unpacked(saved: Path, settings: Settings, tmp_path: Path) -> None:
    with (tmp_path / "bomb.tar.zst").open("wb") as file:
        about = members_of(saved)[0]
        with pa.CompressedOutputStream(file, "zstd") as packed:
            for name, size in ((about[0], len(about[1])), ("artefacts/a.skops", 1 << 50)):
                packed.write(info(name, size=size).tobuf(tarfile.GNU_FORMAT))
                packed.write(about[1].ljust(512, b"\0") if size < 512 else bytes(1 << 20))
    refused(tmp_path / "bomb.tar.zst", settings, "no room", OSError)
    large = [about, ("manifest.json", b"")]
    rewritten(large, tmp_path / "large.tar", resign=False)
    data = bytearray((tmp_path / "large.tar").read_bytes())
    data[1024 + 0 : 1024 + 512] = info("manifest.json", size=1 << 30).tobuf(tarfile.GNU_FORMAT)
    (tmp_path / "large.tar").write_bytes(data)
    refused(tmp_path / "large.tar", settings, "larger than it can be")


def test_some_room_is_left_on_the_disk(saved: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    largest = max(len(data) for _, data in members_of(saved))
    free = [(64 << 20) + largest - 1]
    monkeypatch.setattr(restoring.shutil, "disk_usage", lambda _: SimpleNamespace(free=free[0]))
    refused(saved, settings, "no room", OSError)
    free[0] += 1
    unsave(saved, settings)


@pytest.mark.parametrize("place", range(5))
def test_a_backup_with_another_byte_is_refused_or_is_the_same(
    place: int, saved: Path, stored: Settings, settings: Settings, tmp_path: Path
) -> None:
    data = bytearray(saved.read_bytes())
    at = int(np.random.default_rng(place).integers(len(data)))
    data[at] ^= 0x40
    (tmp_path / "b.tar").write_bytes(data)
    try:
        unsave(tmp_path / "b.tar", settings)
    except BadInput:
        assert not (settings.MODEL_DIR / "registry.sqlite").exists()
    else:  # in the padding, or a time in a header
        assert tree(settings.MODEL_DIR) == tree(stored.MODEL_DIR)


def change(saved: Path, name: str, new: bytes) -> list[tuple[str, bytes]]:
    return [(each, new if each == name else data) for each, data in members_of(saved)]


def test_a_backup_that_contradicts_itself_is_refused(saved: Path, settings: Settings, tmp_path: Path) -> None:
    members = members_of(saved)
    artefact = next(name for name, _ in members if name.startswith("artefacts/"))
    path = tmp_path / "b.tar"
    refused(rewritten(change(saved, artefact, b"other"), path), settings, "is not what its name says")
    refused(rewritten(change(saved, artefact, b"other"), path, resign=False), settings, "is not what was saved")
    without = [each for each in members if each[0] != artefact]
    refused(rewritten(without, path), settings, "speaks of artefacts/.* and does not have it")
    refused(rewritten([*members, members[1]], path), settings, "twice")
    refused(rewritten(members[1:], path), settings, "does not begin as one")
    refused(rewritten(members[:-1], path), settings, "manifest is missing")
    refused(rewritten(change(saved, "eventsieve_backup.json", b"{}"), path), settings, "A document of 2 bytes")
    manifest = json.loads(members[-1][1])
    data = b"a model that nobody knows"
    digest = hashlib.sha256(data).hexdigest()
    for place in (f"artefacts/{digest}.skops", "datasets/key.arrow"):
        more = manifest | {"members": [*manifest["members"], [place, len(data), digest]]}
        known = [*members[:-1], (place, data), ("manifest.json", json.dumps(more).encode())]
        refused(rewritten(known, path, resign=False), settings, f"The backup has {place}, and nothing speaks of it")
    (tmp_path / "events.csv").write_text("a,b\n1,2\n" * 1000)
    refused(tmp_path / "events.csv", settings, "no backup of Eventsieve")


@pytest.mark.parametrize(
    "rows",
    [
        b"",
        b"[]\n[]\n",
        b'["id"]\n["j"]\n',
        b'["nonsense"]\n',
        b'["id", "id"]\n',
        b"{}\n",
        b"not JSON\n",
        b'["id"]\n[{"a": 1}]\n',
        b"[" * 100_000 + b"\n",
    ],
)
def test_rows_that_were_never_written_are_refused(rows: bytes, saved: Path, settings: Settings, tmp_path: Path) -> None:
    path = rewritten(change(saved, "rows/jobs.jsonl", rows), tmp_path / "b.tar")
    refused(path, settings, "rows of the backup are damaged|cannot be read")


def test_a_row_that_cannot_be_read_is_refused(saved: Path, settings: Settings, tmp_path: Path) -> None:
    text = dict(members_of(saved))["rows/trainings.jsonl"].replace(b'"trained"', b'"flying"')
    path = rewritten(change(saved, "rows/trainings.jsonl", text), tmp_path / "b.tar")
    refused(path, settings, "A row of jobs in the backup cannot be read")


def test_a_backup_of_a_newer_eventsieve_is_refused(saved: Path, settings: Settings, tmp_path: Path) -> None:
    about = json.loads(members_of(saved)[0][1])
    for newer in ({"revision": "9999"}, {"format": 2}):
        changed = change(saved, "eventsieve_backup.json", json.dumps(about | newer).encode())
        refused(rewritten(changed, tmp_path / "b.tar"), settings, "newer Eventsieve", BadConfiguration)


# whole or not at all


def test_a_backup_that_fails_leaves_the_one_before(
    saved: Path, stored: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "b.tar"
    path.write_bytes(saved.read_bytes())

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Writer, "finish", full)
    with pytest.raises(OSError, match="No space"):
        save(stored, path)
    assert [each.name for each in tmp_path.iterdir()] == ["b.tar"]
    assert path.read_bytes() == saved.read_bytes()


def test_a_backup_and_its_name_are_on_the_disk_when_it_is_done(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Service.open(settings).close()
    noted = []
    fsync = os.fsync

    def note(descriptor: int) -> None:
        status = os.fstat(descriptor)
        noted.append((descriptor, status.st_ino, status.st_size))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", note)
    made = save(settings, tmp_path / "b.tar")
    status, folder = (tmp_path / "b.tar").stat(), tmp_path.stat()
    assert [inode for _, inode, _ in noted] == [status.st_ino, folder.st_ino]
    assert noted[0][2] == status.st_size == made.size
    for descriptor, _, _ in noted:
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(descriptor)


def test_a_restore_that_is_killed_leaves_a_store_that_can_be_restored(
    saved: Path, settings: Settings, stored: Settings
) -> None:
    code = """
import os, signal, sys
from eventsieve.storage import restoring
restoring.settle_file = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
from eventsieve.cli.app import main
sys.argv = ["eventsieve", "restore", *sys.argv[1:]]
main()
"""
    words = [sys.executable, "-c", code, str(saved), "--model-dir", str(settings.MODEL_DIR)]
    assert subprocess.run(words, check=False).returncode == -signal.SIGKILL
    assert not (settings.MODEL_DIR / "registry.sqlite").exists()
    unsave(saved, settings)
    assert tree(settings.MODEL_DIR) == tree(stored.MODEL_DIR)


def test_a_name_that_says_nothing_and_a_folder_that_is_not_there_are_refused(stored: Settings, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"end it in \.tar"):
        save(stored, tmp_path / "b.zip")
    with pytest.raises(BadInput, match="make it"):
        save(stored, tmp_path / "no" / "b.tar")
    answer = CliRunner().invoke(app, ["backup", str(tmp_path / "b.tar"), "--model-dir", str(tmp_path / "none")])
    assert answer.exit_code == 3
    assert not (tmp_path / "none").exists()


def test_keys_are_saved_and_sessions_are_not(settings: Settings, tmp_path: Path) -> None:
    Service.open(settings).close()
    with closing(sqlite3.connect(settings.MODEL_DIR / "registry.sqlite")) as database, database:
        moment = "2026-01-01 00:00:00"
        database.execute("INSERT INTO keys VALUES ('k', 'marie', 'admin', 'h', '{}', ?, NULL, NULL, NULL)", [moment])
        database.execute("INSERT INTO sessions VALUES ('s', 'k', 'marie', 'admin', ?, ?)", [moment, moment])
    save(settings, tmp_path / "b.tar")
    new = settings.model_copy(update={"MODEL_DIR": tmp_path / "new"})
    unsave(tmp_path / "b.tar", new)
    with closing(sqlite3.connect(new.MODEL_DIR / "registry.sqlite")) as database:
        assert database.execute("SELECT id, hash FROM keys").fetchall() == [("k", "h")]
        assert database.execute("SELECT count(*) FROM sessions").fetchone() == (0,)


@pytest.mark.slow
def test_the_commands_save_beside_a_server_and_restore(tmp_path: Path, small: Path, unlabelled_csv: Path) -> None:
    run = CliRunner()
    with run_server(tmp_path) as server:
        assert train(server.http, [model("m")], small).status_code == 200
        answer = run.invoke(app, ["backup", str(tmp_path / "b.tar.zst"), "--model-dir", str(tmp_path / "models")])
        assert answer.exit_code == 0, answer.output
        refusal = run.invoke(app, ["restore", str(tmp_path / "b.tar.zst"), "--model-dir", str(tmp_path / "models")])
        assert refusal.exit_code == 5
    words = ["restore", str(tmp_path / "b.tar.zst"), "--model-dir", str(tmp_path / "new"), "--json"]
    answer = run.invoke(app, words)
    assert answer.exit_code == 0, answer.output
    assert json.loads(answer.stdout)["models"] == 1
    old, new = (Settings(MODEL_DIR=tmp_path / name, PDF_PATH=None) for name in ("models", "new"))
    assert scores_of(new, unlabelled_csv) == scores_of(old, unlabelled_csv)
