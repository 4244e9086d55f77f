"""The turns, tables, processes, rivals and files of the benchmarks."""

import importlib.util
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pydantic
import pytest
from benchmarks import data, docs, suite
from benchmarks.bench import Bench, alternate
from benchmarks.load import load as load_server
from benchmarks.processes import free_port, held, serving
from benchmarks.results import RESULTS, Measurement, load, load_all, save
from benchmarks.sending import send_file
from benchmarks.venvs import Rival, RivalMissing, make_rival
from pyarrow import csv, parquet

ROOT = Path(__file__).resolve().parents[2]
ECHO = """
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        self.answer(b"ready")
    def do_POST(self):
        self.answer(self.rfile.read(int(self.headers["Content-Length"])))
    def answer(self, body):
        self.send_response(200 if self.path != "/refused" else 422)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_):
        pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


@pytest.fixture(scope="module")
def echo():
    port = free_port()
    with serving([sys.executable, "-c", ECHO, str(port)], port=port) as server:
        yield server


def test_sides_run_in_turns():
    order = []

    def side(name):
        return lambda: order.append(name) or len(order)

    ours, others = alternate(side("ours"), {"a": side("a"), "b": side("b")}, runs=2)
    assert order == ["ours", "a", "b"] * 2
    assert (ours, others) == ([1, 4], {"a": [2, 5], "b": [3, 6]})


def test_every_suite_is_there():
    names = [target.partition(":")[0] for target in suite.SUITES.values()]
    assert [name for name in names if importlib.util.find_spec(name) is None] == []


@pytest.mark.parametrize("real", [True, False])
def test_tables_are_repeatable_and_labelled_where_they_should_be(tmp_path, monkeypatch, real):
    if real and not data.REAL.exists():
        pytest.skip("no real events in ../shared/data")
    if not real:
        monkeypatch.setattr(data, "REAL", tmp_path / "none")
    first = data.table(tmp_path / "first", "train", "csv", 300)
    again = data.table(tmp_path / "again", "train", "csv", 300)
    assert first.read_bytes() == again.read_bytes()
    assert b",-999.0," in first.read_bytes(), "as the published tables write it"
    train = csv.read_csv(first)
    assert train.num_rows == 300
    assert train.column_names[-2:] == ["Weight", "Label"]
    test = parquet.read_table(data.table(tmp_path, "test", "parquet", 300))
    assert test.column_names == train.column_names[:-2]
    assert test["EventId"].to_pylist() == list(range(100_000, 100_300))


@pytest.mark.real
@pytest.mark.skipif(not data.REAL.exists(), reason="no real events in ../shared/data")
def test_moved_events_keep_what_is_undefined_or_whole(tmp_path):
    drawn = csv.read_csv(data.table(tmp_path, "train", "csv", 2000))
    jets = drawn["PRI_jet_num"].to_numpy()
    assert set(jets) == {0, 1, 2, 3}
    assert ((drawn["PRI_jet_leading_pt"].to_numpy() == -999.0) == (jets == 0)).all()
    assert (drawn["DER_mass_vis"].to_numpy() > 0).all()


def test_process_and_what_it_started_end_with_the_block():
    nested = (
        "import subprocess, sys; subprocess.Popen(['sleep', '60']); sys.stdout.write('up\\n'); sys.stdout.flush(); "
    )
    with held([sys.executable, "-c", nested + "import time; time.sleep(60)"], stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        family = [psutil.Process(process.pid), *psutil.Process(process.pid).children()]
    assert len(family) == 2
    assert psutil.wait_procs(family, timeout=10)[1] == []


def test_process_ends_when_the_benchmarks_are_killed():
    code = (
        "import time; from benchmarks.processes import held\n"
        "with held(['sleep', '60']) as process:\n"
        "    print(process.pid, flush=True); time.sleep(60)"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen([sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE) as bench:
        sleeper = psutil.Process(int(bench.stdout.readline()))
        bench.send_signal(signal.SIGKILL)
    assert psutil.wait_procs([sleeper], timeout=10)[1] == []


def test_server_that_ends_at_once_says_why(tmp_path):
    command = [sys.executable, "-c", "raise SystemExit('no such model')"]
    with (
        pytest.raises(RuntimeError, match="no such model"),
        serving(command, port=free_port(), log=tmp_path / "log"),
    ):
        pass


@pytest.mark.parametrize("form", [False, True])
def test_file_is_sent_whole(echo, tmp_path, form):
    table = tmp_path / "table.csv"
    table.write_bytes(b"EventId\n" + b"1\n" * 1_000_000)
    answer = send_file(echo.port, "/", table, form=form)
    assert table.read_bytes() in answer.body
    assert (answer.body == table.read_bytes()) is not form
    assert answer.seconds > 0


def test_refusal_is_no_time(echo, tmp_path):
    table = tmp_path / "table.csv"
    table.write_text("EventId\n1\n")
    with pytest.raises(RuntimeError, match="422"):
        send_file(echo.port, "/refused", table)


def test_load_counts_answers_and_orders_percentiles(echo):
    seen = load_server(echo.port, "/", b"{}", clients=4, seconds=0.2)
    assert 0 < seen.p50 <= seen.p99
    assert seen.answers >= 4
    assert seen.rate > 0


def test_load_that_is_refused_is_no_result(echo):
    with pytest.raises(RuntimeError, match="422"):
        load_server(echo.port, "/refused", b"{}", clients=1, seconds=0.1)


def test_rival_that_needs_a_program_that_is_not_here_is_missing(tmp_path, monkeypatch):
    monkeypatch.setattr("benchmarks.venvs.shutil.which", lambda _: None)
    with pytest.raises(RivalMissing, match="needs java"):
        make_rival("h2o", tmp_path)


def test_rival_that_cannot_be_installed_is_missing_with_pips_words(tmp_path, monkeypatch):
    lists = tmp_path / "rivals"
    lists.mkdir()
    (lists / "nobody.txt").write_text("./no-such-folder\n")
    monkeypatch.setattr("benchmarks.venvs.RIVALS", lists)
    bench = Bench("predict")
    monkeypatch.setattr("benchmarks.bench.BUILD", tmp_path)
    assert bench.try_rival("nobody") is None
    assert "no-such-folder" in bench.missing["nobody"]


def test_rival_runs_a_script_and_names_its_failure(tmp_path, monkeypatch):
    monkeypatch.setattr("benchmarks.venvs.RIVALS", tmp_path)
    (tmp_path / "good.py").write_text("import json, sys; print(json.dumps({'got': sys.argv[1:]})); print('bye')")
    (tmp_path / "bad.py").write_text("raise SystemExit('out of memory')")
    rival = Rival("any", Path(sys.executable), {"mlflow": "3.0"})
    assert rival.run("good", 1, "two") == {"got": ["1", "two"]}
    assert rival.label("mlflow", "MLflow") == "MLflow 3.0"
    with pytest.raises(RivalMissing, match="out of memory"):
        rival.run("bad")


def test_file_holds_every_run(tmp_path):
    measured = Measurement("request", "s", "less", (1.0, 1.5), {"MLflow": (4.0, 5.0)}, {"MLflow": 2.0}, "A note.")
    result = Bench("predict").result("Predicting", "", [measured])
    assert load(save(result, tmp_path)) == result
    assert load_all(tmp_path) == [result]
    assert [path.name for path in tmp_path.iterdir()] == ["predict.json"]


def test_file_of_another_form_is_refused(tmp_path):
    path = save(_suite(Bench("predict")), tmp_path)
    path.write_text(path.read_text().replace('"missing"', '"absent"'))
    with pytest.raises(pydantic.ValidationError, match="absent"):
        load(path)


def test_page_in_the_documentation_is_that_of_the_results():
    written = docs.page(docs.TEXT.read_text(encoding="utf-8"), load_all(RESULTS))
    assert docs.PAGE.read_text(encoding="utf-8") == written, "run: python -m benchmarks docs"


def test_no_tryout_is_among_the_results():
    assert [result.name for result in load_all(RESULTS) if result.quick] == []


def test_suite_that_fails_is_told_and_leaves_no_result(monkeypatch, capsys, tmp_path):
    monkeypatch.setitem(suite.SUITES, "predict", "benchmarks.nowhere:run")
    monkeypatch.setattr("benchmarks.bench.BUILD", tmp_path)
    assert suite._measure("predict", Bench("predict", quick=True)) is False
    assert "benchmarks.nowhere" in capsys.readouterr().err
    assert list(tmp_path.rglob("*.json")) == []


def test_tryout_is_not_kept_among_the_results(monkeypatch, tmp_path):
    monkeypatch.setitem(suite.SUITES, "predict", f"{__name__}:_suite")
    monkeypatch.setattr("benchmarks.bench.BUILD", tmp_path)
    assert suite._measure("predict", Bench("predict", quick=True)) is True
    assert json.loads((tmp_path / "quick" / "predict.json").read_text())["quick"] is True


def _suite(bench):
    return bench.result("Predicting", "", [])
