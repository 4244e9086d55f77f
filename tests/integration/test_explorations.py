from __future__ import annotations

import hashlib
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from pypdf import PdfReader

from eventsieve.errors import BadRequest, BadTable, DatasetNotFound, NoReport
from eventsieve.records import Dataset, Limits, SchemaEdit
from eventsieve.service import Service, explorations
from eventsieve.service.datasets import Upload
from eventsieve.service.explorations import Explorations


class Rooms:
    """The rooms of data sets and of explorations in a store."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.datasets = service.datasets
        self.explorations = service.explorations
        self.shelf = service._files.explorations

    def add(self, name: str, seed: int, count: int = 200, columns: tuple[str, ...] = ("pt", "eta")) -> Dataset:
        rng = np.random.default_rng(seed)
        values, labels = rng.normal(size=(count, len(columns))), rng.choice(["s", "b"], count)
        rows = [",".join([*map(str, row), label]) for row, label in zip(values, labels, strict=True)]
        data = "\n".join([",".join([*columns, "Label"]), *rows, ""]).encode()
        path = self.service.new_file()
        path.write_bytes(data)
        upload = Upload(path, name, hashlib.sha256(data).hexdigest(), len(data))
        return self.datasets.add([upload], edit=SchemaEdit(label="Label", signal="s"))[0]

    def kept(self, suffix: str = "") -> list[str]:
        return sorted(path.name for path in self.shelf.folder.glob(f"*{suffix}"))


@pytest.fixture
def rooms(service: Service) -> Rooms:
    return Rooms(service)


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """One entry for each time that an exploration is computed."""
    calls: list[int] = []
    explore = explorations.explore
    monkeypatch.setattr(explorations, "explore", lambda *args, **kwargs: calls.append(1) or explore(*args, **kwargs))
    return calls


def test_values_are_computed_once_for_each_way_of_looking(rooms: Rooms, counted: list[int]) -> None:
    first, second = rooms.add("one.csv", 1), rooms.add("two.csv", 2)
    found = rooms.explorations.explore(first.id)
    assert [part.label for part in found.table.classes] == ["b", "s"]
    assert rooms.explorations.explore(first.id) == found
    assert len(counted) == 1
    assert len(rooms.explorations.explore(first.id, bins=10).features[0].edges) == 11
    against = rooms.explorations.explore(first.id, against=second.id)
    assert against.drift is not None
    assert rooms.explorations.explore(first.id, against=second.id) == against
    assert len(counted) == 3


def test_another_schema_is_explored_anew(rooms: Rooms, counted: list[int]) -> None:
    dataset = rooms.add("one.csv", 1)
    assert len(rooms.explorations.explore(dataset.id).features) == 2
    rooms.datasets.edit(dataset.id, SchemaEdit(leave_out=("eta",)))
    assert [f.column.name for f in rooms.explorations.explore(dataset.id).features] == ["pt"]
    assert len(counted) == 2


def test_what_was_kept_is_found_by_the_next_server_and_made_again_where_it_is_damaged(
    rooms: Rooms, counted: list[int]
) -> None:
    dataset = rooms.add("one.csv", 1)
    found = rooms.explorations.explore(dataset.id)
    other = Explorations(rooms.datasets, rooms.service._files, rooms.service._engine)
    assert other.explore(dataset.id) == found
    assert len(counted) == 1
    (name,) = rooms.kept()
    rooms.shelf.path(name).write_bytes(b'{"half')
    assert other.explore(dataset.id) == found
    assert len(counted) == 2


def test_two_callers_at_once_compute_it_once(rooms: Rooms, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = rooms.add("one.csv", 1)
    started, go, calls = threading.Event(), threading.Event(), []
    explore = explorations.explore

    def slow(*args: object, **kwargs: object) -> object:
        calls.append(1)
        started.set()
        assert go.wait(30)
        return explore(*args, **kwargs)

    monkeypatch.setattr(explorations, "explore", slow)
    with ThreadPoolExecutor(3) as pool:
        futures = [pool.submit(rooms.explorations.explore, dataset.id) for _ in range(3)]
        assert started.wait(30)
        go.set()
        results = [future.result() for future in futures]
    assert results[0] == results[1] == results[2]
    assert len(calls) == 1


def test_the_report_is_drawn_once_and_names_the_data_sets(rooms: Rooms) -> None:
    first, second = rooms.add("one.csv", 1), rooms.add("two.csv", 2)
    with ThreadPoolExecutor(2) as pool:
        paths = list(pool.map(lambda _: rooms.explorations.pdf(first.id, against=second.id), range(2)))
    assert paths[0] == paths[1]
    text = " ".join(page.extract_text() for page in PdfReader(paths[0]).pages)
    assert "one.csv" in text
    assert "two.csv" in text
    before = paths[0].stat().st_mtime_ns
    assert rooms.explorations.pdf(first.id, against=second.id).stat().st_mtime_ns == before
    rooms.datasets.rename(first.id, "renamed")
    renamed = rooms.explorations.pdf(first.id, against=second.id)
    assert "renamed" in PdfReader(renamed).pages[0].extract_text()


def test_a_report_that_takes_too_long_is_an_error_that_says_so(rooms: Rooms, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = rooms.add("one.csv", 1)
    monkeypatch.setattr(explorations, "LIMITS", Limits(seconds=0.05))
    with pytest.raises(NoReport, match=r"one\.csv could not be drawn: .*limit"):
        rooms.explorations.pdf(dataset.id)
    assert rooms.kept(".pdf") == []
    monkeypatch.setattr(explorations, "LIMITS", Limits(seconds=300.0))
    assert rooms.explorations.pdf(dataset.id).read_bytes().startswith(b"%PDF")


def test_a_report_that_the_disk_refuses_is_no_fault_of_the_data_set(
    rooms: Rooms, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    dataset = rooms.add("one.csv", 1)
    rooms.explorations.explore(dataset.id)
    monkeypatch.setattr(rooms.service._files, "new", lambda suffix: tmp_path / "nowhere" / f"a{suffix}")
    with pytest.raises(FileNotFoundError):
        rooms.explorations.pdf(dataset.id)


def test_what_is_kept_of_a_data_set_goes_with_it(rooms: Rooms) -> None:
    first, second, third = (rooms.add(f"{i}.csv", i) for i in range(3))
    rooms.explorations.explore(first.id)
    rooms.explorations.explore(second.id, against=first.id)
    rooms.explorations.explore(second.id)
    rooms.explorations.explore(third.id)
    rooms.datasets.remove(first.id)
    assert {name.partition("-")[0] for name in rooms.kept()} == {second.id, third.id}
    assert len(rooms.kept()) == 2
    rooms.explorations.sweep([third.id])  # new files may be of a data set that has just come
    assert len(rooms.kept()) == 2
    for name in rooms.kept():
        os.utime(rooms.shelf.path(name), (0, 0))
    rooms.explorations.sweep([third.id])
    assert [name.partition("-")[0] for name in rooms.kept()] == [third.id]


def test_what_cannot_be_explored_is_refused(rooms: Rooms) -> None:
    dataset, other = rooms.add("one.csv", 1), rooms.add("two.csv", 2, columns=("x", "y"))
    with pytest.raises(DatasetNotFound):
        rooms.explorations.explore("nothing")
    with pytest.raises(DatasetNotFound):
        rooms.explorations.pdf(dataset.id, against="nothing")
    for bins in (0, 1001):
        with pytest.raises(BadRequest, match="1 to 1000"):
            rooms.explorations.explore(dataset.id, bins=bins)
    for _ in range(2):  # a failure is not kept
        with pytest.raises(BadTable, match="no feature in common"):
            rooms.explorations.explore(dataset.id, against=other.id)
    assert rooms.kept() == []


def test_a_cut_is_explored_once_however_it_is_written(rooms: Rooms, counted: list[int]) -> None:
    first, second = rooms.add("one.csv", 1), rooms.add("two.csv", 2)
    found = rooms.explorations.explore(first.id, against=second.id, cut="(pt>0)&&eta<1.0")
    assert found.selection is not None
    assert found.selection.cut == "pt > 0 and eta < 1"
    assert found.selection.table[0].events == 200
    assert found.table.events == sum(part.events for part in found.table.classes) < 200
    assert rooms.explorations.explore(first.id, against=second.id, cut="pt > 0 and eta < 1") == found
    assert len(counted) == 1
    assert rooms.explorations.explore(first.id, against=second.id).selection is None
    assert len(counted) == 2


def test_histograms_come_alone_or_are_a_part_of_what_is_kept(rooms: Rooms, counted: list[int]) -> None:
    dataset = rooms.add("one.csv", 1)
    few = rooms.explorations.explore(dataset.id, detail="histograms")
    assert (few.detail, few.correlations, few.table.duplicates) == ("histograms", None, None)
    whole = rooms.explorations.explore(dataset.id)
    assert whole.features == few.features
    assert rooms.explorations.explore(dataset.id, detail="histograms") == few
    rooms.explorations.explore(dataset.id, cut="pt > 0")
    assert rooms.explorations.explore(dataset.id, cut="pt > 0", detail="histograms").detail == "all"
    assert len(counted) == 3


def test_what_is_wanted_fast_does_not_wait_for_what_takes_long(rooms: Rooms, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = rooms.add("one.csv", 1)
    explore, begun, go_on = explorations.explore, threading.Event(), threading.Event()

    def slow(*args, **kwargs):
        if kwargs["detail"] == "all":
            begun.set()
            assert go_on.wait(30)
        return explore(*args, **kwargs)

    monkeypatch.setattr(explorations, "explore", slow)
    with ThreadPoolExecutor(1) as pool:
        whole = pool.submit(rooms.explorations.explore, dataset.id)
        assert begun.wait(30)
        assert rooms.explorations.explore(dataset.id, detail="histograms").detail == "histograms"
        assert not whole.done()
        go_on.set()
        assert whole.result().detail == "all"


def test_old_cuts_are_dropped_and_nothing_else(rooms: Rooms, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(explorations, "MOST_CUTS", 3)
    first, second = rooms.add("one.csv", 1), rooms.add("two.csv", 2)
    rooms.explorations.explore(first.id)
    rooms.explorations.explore(second.id, cut="pt > 0")
    others = set(rooms.kept())
    for place in range(5):
        rooms.explorations.explore(first.id, cut=f"pt > {place / 10}")
        for made, name in enumerate(sorted(set(rooms.kept()) - others)):
            assert made < 3
            path = rooms.shelf.path(name)
            os.utime(path, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns - 10**9))  # a second has passed
    assert others <= set(rooms.kept())
    assert len(rooms.kept()) == len(others) + 3
    rooms.explorations.forget(first.id)
    assert all(name.startswith(second.id) for name in rooms.kept())


def test_the_report_of_a_cut_says_so(rooms: Rooms) -> None:
    dataset = rooms.add("one.csv", 1)
    whole = rooms.explorations.pdf(dataset.id)
    some = rooms.explorations.pdf(dataset.id, cut="pt > 0")
    assert some != whole
    text = " ".join(" ".join(page.extract_text().split()) for page in PdfReader(some).pages)
    assert "Only events that pass the cut pt > 0 are looked at" in text
    none = rooms.explorations.pdf(dataset.id, cut="pt > 1000")
    assert none.read_bytes().startswith(b"%PDF")


def test_cuts_that_do_not_fit_name_the_culprit(rooms: Rooms) -> None:
    first, second = rooms.add("one.csv", 1), rooms.add("two.csv", 2, columns=("pt", "phi"))
    with pytest.raises(BadRequest, match=r"asks for ptt, .* do you mean pt"):
        rooms.explorations.explore(first.id, cut="ptt > 0")
    with pytest.raises(BadRequest, match=r"fits the first table and not the second: .* asks for eta"):
        rooms.explorations.explore(first.id, against=second.id, cut="eta > 0")
    assert rooms.explorations.explore(first.id, against=second.id, cut="pt > 0").against is not None
    assert rooms.kept(".json")
