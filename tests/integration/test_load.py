"""The people of `make load`: all that they do works, on a real server, and what is judged of it is judged rightly."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from conftest import run_server
from load.ground import Ground, make_keys, make_tables, prepare
from load.judging import judge, slope
from load.line import Line, Seen, Wrong
from load.page import PAGE, RESULT, Result, filled
from load.people import DEEDS, LIGHT, Person
from load.watch import Sample

PEOPLE = 3


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Iterator[Ground]:
    folder = tmp_path_factory.mktemp("load")
    keys = make_keys(folder / "models", PEOPLE)
    real = pytestconfig.rootpath.parent / "shared" / "data" / "higgsml_training_17889.csv.gz"
    tables, events = make_tables(folder / "tables", real if real.is_file() else None, larger=4_000)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        with run_server(folder, AUTH="true") as server:
            yield prepare(int(server.http.base_url.port or 0), keys, tables, events)


def test_all_that_people_do_works_side_by_side(ground: Ground) -> None:
    seen: list[Seen] = []

    def act(person: Person) -> None:
        for deed in person.random.sample(list(DEEDS), len(DEEDS)):
            with suppress(Wrong):  # it has been reported
                deed(person)
        person.line.close()

    people = [Person(name, ground, seen.append, seed=number, haste=0.0) for number, name in enumerate(ground.keys)]
    threads = [threading.Thread(target=act, args=(person,)) for person in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [each.error for each in seen if each.error] == []
    assert {each.what for each in seen} >= LIGHT


def test_a_wrong_answer_is_an_error(ground: Ground) -> None:
    seen: list[Seen] = []
    line = Line(ground.port, "es_no_key", seen.append)
    with pytest.raises(Wrong, match="status 401, not 200"), line.ask("GET /models", "/api/v2/models"):
        pass
    with pytest.raises(Wrong, match="no message"), line.ask("GET /", "/"):
        raise Wrong("no message")
    with pytest.raises(Wrong, match="status 401"):
        list(line.follow("GET /jobs/{id}/events", "/api/v2/jobs/x/events"))
    line.close()
    assert [bool(each.error) for each in seen] == [True] * 3


def sample(second: float, memory: float = 300.0, files: int = 30, children: int = 1) -> Sample:
    return Sample(second, memory, 500.0, files, 20, children, second / 10, second / 5)


def verdict(seconds: list[float], memory: list[float], error: str = "", **last: int) -> Result:
    seen = [Seen("GET /models", 0.0, taken, 10, "") for taken in seconds] + [Seen("GET /jobs", 0.0, 0.1, 10, error)]
    samples = [sample(60.0 * number, each) for number, each in enumerate(memory)]
    samples.append(sample(60.0 * len(memory), memory[-1], **last))
    return judge(seen, samples, users=5, seconds=600, machine="a machine", trainings={"trained": 3})


FLAT = [300.0] * 10


def test_promises_that_are_kept() -> None:
    assert verdict([0.1] * 200, FLAT).broken == []
    assert verdict([0.1] * 200, [200.0 + 20 * each for each in range(5)] + [300.0, 301, 299, 300, 300]).broken == []


@pytest.mark.parametrize(
    ("found", "says"),
    [
        (lambda: verdict([0.1] * 200 + [0.7] * 4, FLAT), "99th percentile of light requests is 0.700 s"),
        (lambda: verdict([0.1] * 200, FLAT, error="wrong"), "1 of 201 requests"),
        (lambda: verdict([0.1] * 200, [300.0 + 10 * each for each in range(10)]), "memory grew by 1"),
        (lambda: verdict([0.1] * 200, FLAT, files=60), "'files': 30"),
        (lambda: verdict([0.1] * 200, FLAT, children=2), "'children': 1"),
    ],
    ids=["slow", "error", "memory", "files", "children"],
)
def test_promises_that_are_broken(found, says: str) -> None:
    (broken,) = found().broken
    assert says in broken


def test_the_slope_is_that_of_a_line() -> None:
    assert slope([0, 1, 2], [1, 3, 5]) == pytest.approx(2)
    assert slope([1], [1]) == 0


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    result = verdict([0.1] * 200, FLAT)
    result.write(tmp_path / "there" / "r.json")
    assert Result.read(tmp_path / "there" / "r.json") == result


def test_the_page_shows_the_result_that_is_kept() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert filled(text, Result.read(RESULT)) == text
