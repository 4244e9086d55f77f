from __future__ import annotations

import csv
import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.compute
import pyarrow.parquet as pq
import pytest
import uproot
from pyarrow.csv import read_csv
from typer.testing import CliRunner, Result

import eventsieve
from eventsieve.cli.app import app
from eventsieve.cli.models import parse_model
from eventsieve.cli.tables import scores_table
from eventsieve.errors import BadRequest
from eventsieve.records import ModelSpec, Score
from eventsieve.storage.readers import read_events

COMMANDS = [
    "serve",
    "web",
    "up",
    "upload",
    "train",
    "models",
    "compare",
    "use",
    "remove",
    "predict",
    "explore",
    "simulate",
    "demo",
]
GROUPS = ["data", "datasets", "jobs"]


def run(*words: object, code: int = 0) -> Result:
    result = CliRunner().invoke(app, [str(word) for word in words])
    assert result.exit_code == code, result.output
    return result


def train(table: Path, *models: str, code: int = 0, **options: object) -> Result:
    words = [word for model in models for word in ("-m", model)]
    words += [word for name, value in options.items() for word in (f"--{name.replace('_', '-')}", str(value))]
    return run("train", table, *words, code=code)


@pytest.mark.parametrize(
    ("text", "spec"),
    [
        ("a=LogReg", ModelSpec(name="a", type="LogReg")),
        (
            "a b = SVM : C = 2, kernel=rbf",
            ModelSpec(name="a b", type="SVM", hyperparameters={"C": "2", "kernel": "rbf"}),
        ),
        ("ж=LogReg:C=", ModelSpec(name="ж", type="LogReg", hyperparameters={"C": ""})),
    ],
)
def test_a_model_is_written_on_the_command_line(text: str, spec: ModelSpec) -> None:
    assert parse_model(text) == spec


@pytest.mark.parametrize("text", ["", "LogReg", "a=", "a=LogReg:C"])
def test_a_model_that_is_written_wrongly_says_how(text: str) -> None:
    with pytest.raises(BadRequest, match="ID=TYPE:PARAM=VALUE"):
        parse_model(text)


@pytest.mark.parametrize("command", [*COMMANDS, *GROUPS])
def test_every_command_helps(command: str) -> None:
    assert len(run(command, "--help").output) > 200


def test_the_version() -> None:
    assert run("--version").output.strip() == eventsieve.__version__


def test_from_a_table_to_predictions(events_csv: Path, unlabelled_csv: Path, tmp_path: Path) -> None:
    output = train(events_csv, "line=LogReg", "forest=RandomForest:n_estimators=10").output
    assert "trained" in output
    assert "roc_auc" in output
    assert "current" not in run("models").output
    assert "forest is current now" in run("use", "forest").output
    assert "forest (current)" in run("models").output
    compared = json.loads(run("compare", events_csv, "--json").stdout)
    assert list(compared) == ["line", "forest"]
    assert {"accuracy", "f1", "roc_auc", "ams"} <= {score["name"] for score in compared["line"]}
    path = tmp_path / "new" / "predictions.csv"
    counts = json.loads(run("predict", unlabelled_csv, "-o", path, "--json").stdout)
    rows = list(csv.DictReader(path.read_text().splitlines()))
    assert [int(row["EventId"]) for row in rows] == list(range(350_000, 350_500))
    assert counts == {"model": "forest", "events": 500, "signal": sum(row["prediction"] == "1" for row in rows)}
    assert all((float(row["score"]) > 0.5) == (row["prediction"] == "1") for row in rows)
    assert run("predict", unlabelled_csv).stdout == path.read_text()
    run("predict", unlabelled_csv, "-m", "line", "-o", tmp_path / "p.parquet")
    assert pq.read_table(tmp_path / "p.parquet").column_names == ["EventId", "prediction", "score"]
    assert "it was forest" in run("use", "--none").output
    assert "Removed line" in run("remove", "line").output
    assert "Removed forest" in run("remove", "--all").output
    assert json.loads(run("models", "--json").stdout) == []
    assert "eventsieve train" in run("models").output


@pytest.mark.slow
def test_training_for_machines(events_csv: Path) -> None:
    words = ("train", events_csv, "-m", "m=LogReg", "-m", "slow=RandomForest:n_estimators=100000")
    answer = json.loads(run(*words, "--time-limit", 10, "--json", "--seed", 3, "--holdout", 0.5, code=1).stdout)
    assert [model["state"] for model in answer["job"]["models"]] == ["trained", "timed_out"]
    assert "10 s" in answer["job"]["models"][1]["reason"]
    assert [model["id"] for model in answer["models"]] == ["m"]
    assert answer["models"][0]["seed"] == 3
    assert answer["job"]["holdout"] == 0.5


def test_all_faults_of_all_models_are_told_before_anything_is_trained(events_csv: Path) -> None:
    output = train(events_csv, "m=LogReg", "bad=LogReg:C=zzz", "worse=SVM:degree=x", code=3).output
    assert "zzz" in output
    assert "degree" in output
    assert json.loads(run("jobs", "list", "--json").stdout) == []


def test_a_time_limit_of_its_own(events_csv: Path) -> None:
    output = train(events_csv, "slow=SVM:C=1e6,tol=1e-12", time_limit=0.2, code=1).output
    assert "timed out" in output
    assert "0.2 s" in output


@pytest.fixture
def places(events_csv: Path, unlabelled_csv: Path, tmp_path: Path) -> dict[str, Path]:
    bad = tmp_path / "bad.csv"
    bad.write_text("a,b\n1,2\n")
    return {"events": events_csv, "unlabelled": unlabelled_csv, "bad": bad, "folder": tmp_path}


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["train", "nowhere.csv"], 2, "does not exist"),
        (["train", "{events}", "-m", "nonsense"], 3, "ID=TYPE"),
        (["train", "{events}", "-m", "m=Oracle"], 3, "LogReg"),
        (["train", "{unlabelled}", "-m", "m=LogReg"], 3, "label"),
        (["train", "nodataset", "-m", "m=LogReg"], 4, "nodataset"),
        (["upload", "nowhere.csv"], 2, "does not exist"),
        (["upload", "s={events}", "{unlabelled}"], 2, "LABEL=FILE"),
        (["upload", "{events}", "--label", "nowhere"], 3, "nowhere"),
        (["datasets", "remove", "d"], 4, "'d'"),
        (["jobs", "cancel", "j"], 4, "'j'"),
        (["models", "--url", "http://127.0.0.1:9"], 7, "eventsieve serve"),
        (["models", "--url", "nowhere"], 3, "http://"),
        (["models", "--url", "http://a", "--model-dir", "b"], 2, "not both"),
        (["predict", "{events}"], 4, "No model is current"),
        (["predict", "{events}", "-m", "m"], 4, "'m'"),
        (["use", "m"], 4, "'m'"),
        (["use", "--none"], 4, "No model is current"),
        (["use"], 2, "--none"),
        (["use", "m", "--none"], 2, "--none"),
        (["remove"], 2, "--all"),
        (["remove", "m"], 4, "'m'"),
        (["compare", "{events}"], 4, "train"),
        (["explore", "{events}", "{bad}", "-o", "r.pdf"], 3, "column"),
        (["explore", "{events}", "-o", "{bad}/r.pdf"], 1, "bad.csv"),
        (["explore", "{events}", "-o", "{folder}"], 2, "device"),
        (["predict", "{events}", "-o", "{folder}"], 2, "device"),
        (["predict", "{folder}"], 2, "directory"),
        (["simulate", "-n", "5", "-o", "/dev/null"], 2, "device"),
        (["simulate", "-n", "0"], 2, "-n"),
        (["simulate", "-n", "5", "-o", "{bad}/x.csv"], 1, "bad.csv"),
        (["simulate", "-n", "5", "-o", "events.xlsx"], 3, ".parquet"),
    ],
)
def test_a_refusal_has_its_exit_code_and_its_cure(
    words: list[str], code: int, says: str, places: dict[str, Path]
) -> None:
    output = run(*[word.format(**places) for word in words], code=code).output
    assert says in output
    assert "Traceback" not in output


def test_a_conflict_has_its_exit_code(events_csv: Path) -> None:
    train(events_csv, "m=LogReg")
    assert "'m'" in train(events_csv, "m=LogReg", code=3).output
    run("use", "m")
    run("use", "m", code=5)


def test_a_bad_setting_is_named(events_csv: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVENTSIEVE_NUM_CPUS", "many")
    assert "EVENTSIEVE_NUM_CPUS" in run("models", code=2).output
    monkeypatch.setenv("EVENTSIEVE_NUM_CPUS", "2")
    monkeypatch.setenv("EVENTSIEVE_DATASET_COLS", "{")
    assert "JSON" in run("models", code=2).output


def test_a_server_whose_logs_cannot_be_configured_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVENTSIEVE_LOG_CONFIG_PATH", "nowhere.json")
    assert "LOG_CONFIG_PATH" in run("serve", code=2).output


@pytest.mark.parametrize("host", ["127.0.0.1", "nowhere.invalid"])
def test_a_server_that_cannot_listen_says_where(host: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        output = run("serve", "--host", host, "--port", port, code=2).output
    assert f"{host}, port {port}" in output
    assert "--port" in output


def test_simulated_tables(schema, tmp_path: Path) -> None:
    run("simulate", "-n", 300, "-o", tmp_path / "a.csv", "--seed", 5)
    run("simulate", "-n", 300, "-o", tmp_path / "b.csv", "--seed", 5)
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()
    assert len(read_events(tmp_path / "a.csv", schema, labels="both classes")) == 300
    made = json.loads(run("simulate", "-n", 300, "-o", tmp_path / "c.csv.gz", "--unlabelled", "--json").stdout)
    assert made["events"] == 300
    assert read_events(tmp_path / "c.csv.gz", schema, labels="optional").label is None


@pytest.mark.slow
def test_the_report(events_csv: Path, unlabelled_csv: Path, tmp_path: Path) -> None:
    path = tmp_path / "new" / "report.pdf"
    output = run("explore", events_csv, unlabelled_csv, "-o", path).output
    assert "2,000 and 500 events" in output
    assert "test.csv: There is no column Weight" in output
    assert path.read_bytes().startswith(b"%PDF-")


def test_as_a_module_without_a_terminal(events_csv: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "eventsieve", "train", str(events_csv), "-m", "m=LogReg"]
    done = subprocess.run(command, cwd=tmp_path, env=os.environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "m " in done.stdout


def test_an_id_is_text_and_no_markup(events_csv: Path) -> None:
    train(events_csv, "[red]m[/]=LogReg")
    assert "[red]m[/]" in run("models").output
    assert "[red]m[/]" in run("use", "[red]m[/]").output


def test_a_table_is_stored_once_and_trained_on_by_its_id(events_csv: Path, tmp_path: Path) -> None:
    made = json.loads(run("upload", events_csv, "--name", "mine", "--leave-out", "PRI_met", "--json").stdout)
    assert made["events"] == 2000
    assert "PRI_met" not in {c["name"] for c in made["event_schema"]["columns"] if c["role"] == "feature"}
    assert "mine" in run("datasets", "list").output
    trained = run("train", made["id"], "-m", "m=LogReg", "--folds", 3, "--weights", "balanced", "--json")
    model = json.loads(trained.stdout)["models"][0]
    assert (model["dataset"], model["weights"], model["validation"]["folds"]) == (made["id"], "balanced", 3)
    (job,) = json.loads(run("jobs", "list", "--json").stdout)
    assert job["id"] == model["job"]
    assert "m trained" in run("jobs", "list").output
    run("predict", made["id"], "-m", "m", "-o", tmp_path / "friend.root")
    with uproot.open(tmp_path / "friend.root") as file:
        assert file["eventsieve"].num_entries == 2000


def test_signal_and_background_may_come_apart(events_csv: Path, tmp_path: Path) -> None:
    table = read_csv(events_csv)
    for label in ("s", "b"):
        part = table.filter(pa.compute.equal(table["Label"], label)).drop_columns(["Label"])
        pq.write_table(part, tmp_path / f"{label}.parquet")
    made = json.loads(run("upload", f"s={tmp_path}/s.parquet", f"b={tmp_path}/b.parquet", "--json").stdout)
    counts = {row["label"]: row["events"] for row in made["classes"]}
    assert counts == {label: (table["Label"].to_pylist()).count(label) for label in ("b", "s")}


def test_a_removed_data_set_is_gone(events_csv: Path) -> None:
    made = json.loads(run("upload", events_csv, "--json").stdout)
    assert made["id"] in run("datasets", "remove", made["id"]).output
    assert "eventsieve upload" in run("datasets", "list").output


def test_a_job_that_has_ended_is_cancelled_in_vain(events_csv: Path) -> None:
    train(events_csv, "m=LogReg")
    (job,) = json.loads(run("jobs", "list", "--json").stdout)
    assert json.loads(run("jobs", "cancel", job["id"], "--json").stdout)["models"][0]["state"] == "trained"


@pytest.mark.slow
def test_all_goes_through_a_server_too(
    events_csv: Path, server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("EVENTSIEVE_URL", str(server.http.base_url))
    train(events_csv, "m=LogReg")
    assert "m is current now" in run("use", "m").output
    counts = json.loads(run("predict", events_csv, "-o", tmp_path / "p.csv.gz", "--json").stdout)
    assert counts["events"] == 2000
    assert [model["name"] for model in server.http.get("/api/v2/models").json()["items"]] == ["m"]


def test_the_help_does_not_load_what_it_does_not_need() -> None:
    script = "import sys, eventsieve.cli.app; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    assert not {"numpy", "pyarrow", "sklearn", "fastapi", "pydantic", "httpx2", "matplotlib"} & set(loaded)


def test_figures_that_count_events_by_weight_say_so() -> None:
    each_once = (Score(name="accuracy", value=0.7), Score(name="ams", value=2.0, weighted=True))
    assert scores_table({"m": each_once}).caption is None
    by_weight = (*each_once, Score(name="accuracy", value=0.9, weighted=True))
    assert scores_table({"m": by_weight}).caption == "Events count by their weights."
