from __future__ import annotations

import gzip
import io
import json
import threading
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest
from fastapi.testclient import TestClient
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, f1_score
from sklearn.svm import SVC

from calls import ROUTE, choose, compare, listed, model, predict, refused, remove, statuses, train, upload
from eventsieve.api.app import create_app
from eventsieve.settings import Settings, read_settings

DERIVED = (
    "mass_MMC mass_transverse_met_lep mass_vis pt_h deltaeta_jet_jet mass_jet_jet prodeta_jet_jet deltar_tau_lep "
    "pt_tot sum_pt pt_ratio_lep_tau met_phi_centrality lep_eta_centrality"
)
PRIMITIVE = (
    "tau_pt tau_eta tau_phi lep_pt lep_eta lep_phi met met_phi met_sumet jet_num jet_leading_pt jet_leading_eta "
    "jet_leading_phi jet_subleading_pt jet_subleading_eta jet_subleading_phi jet_all_pt"
)
FEATURES = [f"DER_{name}" for name in DERIVED.split()] + [f"PRI_{name}" for name in PRIMITIVE.split()]
DTYPES = {"EventId": "int64", "PRI_jet_num": "int64", "Label": "object"}
COLUMNS = {name: DTYPES.get(name, "float64") for name in ["EventId", *FEATURES, "Weight", "Label"]}

CLASSIFIERS = {
    "LogReg": LogisticRegression,
    "SVM": SVC,
    "RandomForest": RandomForestClassifier,
    "GradientBoosting": GradientBoostingClassifier,
}
WITHHELD = {"n_jobs", "verbose", "monotonic_cst"}

AWKWARD_IDS = (
    "модель №1",
    "a/b/c",
    "/a",
    "a/",
    "a//b",
    "../../pwned",
    "a.b.c",
    " m ",
    "100%",
    "?x=1#y",
    "a+b&c;d",
    'quote"\\',
    "line\nfeed",
    "m1\n",
    "m1",
    "\u0301\u202e🜛",
    "set_model",
    "remove_all",
)


def csv_of(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    pacsv.write_csv(table, sink)
    return sink.getvalue()


@pytest.fixture(scope="module")
def events(events_csv: Path) -> pa.Table:
    return pacsv.read_csv(events_csv)


@pytest.fixture(scope="module")
def unlabelled(unlabelled_csv: Path) -> pa.Table:
    return pacsv.read_csv(unlabelled_csv)


@pytest.fixture(scope="module")
def predicting(trained: TestClient) -> TestClient:
    """The client of `trained`, with "m1" current."""
    assert choose(trained, "m1").status_code == 200
    return trained


# what there is


def test_the_server_is_there(client: TestClient) -> None:
    answer = client.get("/")
    assert (answer.status_code, answer.json()) == (200, {"message": "Ready to work!"})
    assert answer.headers["content-type"] == "application/json"


def test_columns(client: TestClient) -> None:
    answer = client.get(ROUTE + "get_columns")
    assert answer.status_code == 200
    assert answer.json() == {"columns": COLUMNS, "target": "Label", "non_feature": ["Weight"]}
    assert list(answer.json()["columns"]) == list(COLUMNS)


def test_model_types(client: TestClient) -> None:
    answer = client.get(ROUTE + "get_model_types")
    assert answer.status_code == 200
    names = {kind: sorted(set(cls().get_params()) - WITHHELD) for kind, cls in CLASSIFIERS.items()}
    types = answer.json()["models"]
    assert {kind: types[kind] for kind in names} == names
    assert list(types)[: len(names)] == list(names)  # more may stand behind those of the contract


def test_fewer_model_types_may_be_offered(settings: Settings, events_csv: Path) -> None:
    with TestClient(create_app(settings.model_copy(update={"MODEL_TYPES": ["SVM"]}))) as client:
        assert list(client.get(ROUTE + "get_model_types").json()["models"]) == ["SVM"]
        refused(train(client, [model("a", "LogReg")], events_csv), 422, "'LogReg'", "'a'", "SVM")


# the report


def test_there_is_no_report(client: TestClient) -> None:
    refused(client.get(ROUTE + "get_eda_pdf"), 404, "PDF_PATH")


def test_the_report_that_is_there_is_sent(settings: Settings, tmp_path: Path) -> None:
    pdf = tmp_path / "eda.pdf"
    pdf.write_bytes(b"%PDF-1.7 of somebody's own")
    with TestClient(create_app(settings.model_copy(update={"PDF_PATH": pdf}))) as client:
        answer = client.get(ROUTE + "get_eda_pdf")
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "application/pdf"
        assert answer.content == pdf.read_bytes()
        for part in ("bytes=0-3", "bytes=999-", "nonsense"):
            answer = client.get(ROUTE + "get_eda_pdf", headers={"Range": part})
            assert (answer.status_code, answer.content) == (200, pdf.read_bytes())


@pytest.mark.slow
def test_the_report_that_is_not_there_is_made_meanwhile(settings: Settings, tmp_path: Path) -> None:
    pdf = tmp_path / "new" / "eda.pdf"
    with TestClient(create_app(settings.model_copy(update={"PDF_PATH": pdf}))) as client:
        answer = client.get(ROUTE + "get_eda_pdf")
        refused(answer, 503)
        assert int(answer.headers["retry-after"]) >= 1
        give_up = time.monotonic() + 120
        while answer.status_code == 503 and time.monotonic() < give_up:
            time.sleep(0.2)
            answer = client.get(ROUTE + "get_eda_pdf")
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "application/pdf"
        assert answer.content.startswith(b"%PDF-")
        assert answer.content == pdf.read_bytes()


# training


def test_a_good_model_is_not_spoiled_by_bad_ones(client: TestClient, events_csv: Path) -> None:
    answer = train(client, [model("m1"), model("m2", C="zzz"), model("m3", "RandomForest", nonsense=1)], events_csv)
    assert answer.status_code == 200
    first, second, third = answer.json()
    assert first == {"id": "m1", "status": "trained"}
    assert (second["id"], second["status"]) == ("m2", "error")
    assert (third["id"], third["status"]) == ("m3", "error")
    assert "'zzz'" in second["detail"]
    assert "'nonsense'" in third["detail"]
    assert listed(client) == ["m1"]
    # What failed may be tried again under its id.
    assert statuses(train(client, [model("m2", C="0,1")], events_csv)) == {"m2": "trained"}


def test_nothing_but_bad_models(client: TestClient, events_csv: Path) -> None:
    assert statuses(train(client, [model("a", C=-1), model("b", C="zzz")], events_csv)) == {"a": "error", "b": "error"}
    refused(client.get(ROUTE + "models_list"), 404)


def test_all_four_types_at_once(client: TestClient, events_csv: Path) -> None:
    models = [model(kind, kind) for kind in CLASSIFIERS]
    models[2]["hyperparameters"] = None
    models[3]["hyperparameters"]["n_estimators"] = 10
    assert statuses(train(client, models, events_csv)) == dict.fromkeys(CLASSIFIERS, "trained")
    for entry in client.get(ROUTE + "models_list").json()["models"]:
        expected = {n: v for n, v in CLASSIFIERS[entry["type"]]().get_params().items() if n not in WITHHELD}
        if entry["type"] == "GradientBoosting":
            expected["n_estimators"] = 10
        assert entry == {"id": entry["type"], "type": entry["type"], "hyperparameters": expected}


@pytest.mark.parametrize(
    ("sent", "used"),
    [
        ({}, {"C": 1.0, "max_iter": 100, "fit_intercept": True, "l1_ratio": 0.0, "solver": "lbfgs"}),
        (
            {"C": "", "max_iter": "", "fit_intercept": "", "l1_ratio": "", "solver": "", "class_weight": "", "tol": ""},
            {"C": 1.0, "max_iter": 100, "fit_intercept": True, "class_weight": None, "tol": 0.0001},
        ),
        (
            {"C": "0,5", "tol": "0.001", "max_iter": "50", "fit_intercept": "False", "l1_ratio": "0"},
            {"C": 0.5, "tol": 0.001, "max_iter": 50, "fit_intercept": False, "l1_ratio": 0.0},
        ),
        (
            {"C": "0.5", "class_weight": "None", "warm_start": "True", "random_state": "7"},
            {"C": 0.5, "class_weight": None, "warm_start": True, "random_state": 7},
        ),
        ({"C": 2, "class_weight": "balanced"}, {"C": 2.0, "class_weight": "balanced"}),
    ],
)
def test_hyperparameters_are_read_by_their_own_types(
    client: TestClient, events_csv: Path, sent: dict[str, Any], used: dict[str, Any]
) -> None:
    assert statuses(train(client, [model("m", **sent)], events_csv)) == {"m": "trained"}
    (entry,) = client.get(ROUTE + "models_list").json()["models"]
    assert set(entry["hyperparameters"]) == set(LogisticRegression().get_params()) - WITHHELD
    for name, value in used.items():
        assert entry["hyperparameters"][name] == value
        assert type(entry["hyperparameters"][name]) is type(value)


@pytest.mark.parametrize(
    ("hyperparameters", "culprit"),
    [({"C": "zzz"}, "C "), ({"C": [1]}, "C "), ({"n_jobs": 4}, "n_jobs"), ({"solver": "../x"}, "solver")],
)
def test_a_bad_hyperparameter_is_named(
    trained: TestClient, events_csv: Path, hyperparameters: dict[str, Any], culprit: str
) -> None:
    (outcome,) = train(trained, [model("bad", **hyperparameters)], events_csv).json()
    assert outcome["status"] == "error"
    assert culprit in outcome["detail"]


def test_a_training_that_takes_too_long(settings: Settings, events_csv: Path) -> None:
    with TestClient(create_app(settings.model_copy(update={"TIME_LIMIT": 0.5}))) as client:
        answer = train(client, [model("slow", "RandomForest", n_estimators=100_000), model("bad", C="zzz")], events_csv)
        assert statuses(answer) == {"slow": "not trained", "bad": "error"}
        assert "0.5 s" in answer.json()[0]["detail"]
        refused(client.get(ROUTE + "models_list"), 404)


def test_more_models_than_slots(client: TestClient, events_csv: Path) -> None:
    refused(train(client, [model(f"m{n}") for n in range(5)], events_csv), 409, "5", "4")
    assert listed(client) == []
    assert client.app.state.service._engine.free == 4
    assert set(statuses(train(client, [model(f"m{n}") for n in range(4)], events_csv)).values()) == {"trained"}


def test_ids_that_are_taken(trained: TestClient, events_csv: Path) -> None:
    detail = refused(train(trained, [model("m1"), model("new")], events_csv), 409, "'m1'")
    assert "'new'" not in detail
    refused(train(trained, [model("x"), model("y"), model("x")], events_csv), 409, "'x'")
    assert listed(trained) == ["m1"]


def test_two_requests_for_the_same_id_at_once(client: TestClient, events_csv: Path) -> None:
    together = threading.Barrier(2)

    def ask(_: int) -> Any:
        together.wait()
        return train(client, [model("same", "RandomForest")], events_csv)

    with ThreadPoolExecutor(2) as threads:
        answers = sorted(threads.map(ask, range(2)), key=lambda answer: answer.status_code)
    assert statuses(answers[0]) == {"same": "trained"}
    refused(answers[1], 409, "'same'")
    assert listed(client) == ["same"]
    assert client.app.state.service._engine.free == 4


# ids


def test_awkward_ids_are_ids_like_others(client: TestClient, events_csv: Path, settings: Settings) -> None:
    ids = [*AWKWARD_IDS, "я" * 128]
    for start in range(0, len(ids), 4):
        some = ids[start : start + 4]
        assert statuses(train(client, [model(name) for name in some], events_csv)) == dict.fromkeys(some, "trained")
    assert listed(client) == ids
    for name in ids:
        answer = choose(client, name)
        assert (answer.status_code, answer.json()) == (200, {"id": name, "status": "load"})
        assert client.get(ROUTE + "get_current_model").json() == {"message": name}
    assert set(compare(client, ids, events_csv).json()["results"]) == set(ids)
    for name in ids:
        answer = remove(client, name)
        assert (answer.status_code, answer.json()) == (200, {"id": name, "status": "removed"})
    assert listed(client) == []
    assert not list(settings.MODEL_DIR.parent.rglob("*pwned*"))


@pytest.mark.parametrize("name", ["", "x" * 129, "я" * 129, "a\0b"])
def test_ids_that_are_none(trained: TestClient, events_csv: Path, name: str) -> None:
    refused(train(trained, [model("good"), model(name)], events_csv), 422, "model id")
    assert listed(trained) == ["m1"]


@pytest.mark.parametrize("call", ["set_model", "remove_model", "remove"])
def test_an_id_that_nobody_has(trained: TestClient, call: str) -> None:
    method = "POST" if call == "set_model" else "DELETE"
    refused(trained.request(method, f"{ROUTE}{call}/%D0%BD%D0%B5%D1%82"), 404, "'нет'")
    refused(trained.request(method, f"{ROUTE}{call}/{'x' * 3000}"), 404)
    refused(trained.request(method, f"{ROUTE}{call}/"), 422, "model_id")


# the current model


def test_choosing_and_unsetting(client: TestClient, events_csv: Path, unlabelled_csv: Path) -> None:
    train(client, [model("a"), model("b")], events_csv)
    refused(client.get(ROUTE + "get_current_model"), 404)
    refused(client.post(ROUTE + "unset_model"), 404)
    refused(predict(client, unlabelled_csv), 404)

    answer = choose(client, "a")
    assert (answer.status_code, answer.json()) == (200, {"id": "a", "status": "load"})
    refused(choose(client, "a"), 409, "'a'")
    answer = client.get(ROUTE + "get_current_model")
    assert (answer.status_code, answer.json()) == (200, {"message": "a"})
    assert choose(client, "b").json() == {"id": "b", "status": "load"}

    answer = client.post(ROUTE + "unset_model")
    assert (answer.status_code, answer.json()) == (200, {"id": "b", "status": "unload"})
    refused(client.get(ROUTE + "get_current_model"), 404)


def test_a_current_model_that_is_removed(client: TestClient, events_csv: Path, unlabelled_csv: Path) -> None:
    train(client, [model("a"), model("b")], events_csv)
    choose(client, "a")
    assert remove(client, "b").status_code == 200
    assert client.get(ROUTE + "get_current_model").json() == {"message": "a"}
    answer = remove(client, "a", "remove_model")
    assert (answer.status_code, answer.json()) == (200, {"id": "a", "status": "removed"})
    refused(client.get(ROUTE + "get_current_model"), 404)
    refused(predict(client, unlabelled_csv), 404)
    refused(client.post(ROUTE + "unset_model"), 404)
    # A new model of that name is another model, and nobody chose it.
    train(client, [model("a")], events_csv)
    refused(client.get(ROUTE + "get_current_model"), 404)


def test_the_current_model_survives_a_restart(settings: Settings, events_csv: Path, unlabelled_csv: Path) -> None:
    with TestClient(create_app(settings)) as client:
        train(client, [model("a"), model("b", "RandomForest")], events_csv)
        choose(client, "b")
        before = predict(client, unlabelled_csv).json()
        models = client.get(ROUTE + "models_list").json()
    with TestClient(create_app(settings)) as client:
        assert client.get(ROUTE + "get_current_model").json() == {"message": "b"}
        assert client.get(ROUTE + "models_list").json() == models
        assert predict(client, unlabelled_csv).json() == before


# removing


def test_removing_all(client: TestClient, events_csv: Path, settings: Settings) -> None:
    refused(client.delete(ROUTE + "remove_all"), 404)
    train(client, [model("a"), model("b"), model("c", C=2)], events_csv)
    choose(client, "b")
    answer = client.delete(ROUTE + "remove_all")
    assert answer.status_code == 200
    assert answer.json() == [{"id": name, "status": "removed"} for name in "abc"]
    refused(client.get(ROUTE + "models_list"), 404)
    refused(client.get(ROUTE + "get_current_model"), 404)
    left = [path for folder in ("artefacts", "tables") for path in (settings.MODEL_DIR / folder).iterdir()]
    assert left == []


@pytest.mark.parametrize("path", ["remove", "remove_model"])
def test_removing_one(client: TestClient, events_csv: Path, path: str) -> None:
    # The same data, type and seed make the same file; removing one model leaves the other's.
    train(client, [model("a"), model("b")], events_csv)
    assert remove(client, "a", path).json() == {"id": "a", "status": "removed"}
    refused(remove(client, "a", path), 404, "'a'")
    assert list(compare(client, ["b"], events_csv).json()["results"]) == ["b"]


# predictions and comparisons


def test_predictions(predicting: TestClient, unlabelled: pa.Table, unlabelled_csv: Path) -> None:
    answer = predict(predicting, unlabelled_csv)
    assert answer.status_code == 200
    document = answer.json()
    assert set(document) == {"predictions", "index", "index_name"}
    assert document["index_name"] == "EventId"
    assert document["index"] == unlabelled["EventId"].to_pylist()
    assert set(document["predictions"]) == {0.0, 1.0}
    assert all(type(value) is float for value in document["predictions"] + document["index"])


def test_predictions_are_in_the_order_of_the_file(predicting: TestClient, unlabelled: pa.Table) -> None:
    straight = predict(predicting, csv_of(unlabelled)).json()
    order = np.random.default_rng(1).permutation(unlabelled.num_rows)
    shuffled = predict(predicting, csv_of(unlabelled.take(order))).json()
    assert shuffled["index"] == [straight["index"][row] for row in order]
    assert shuffled["predictions"] == [straight["predictions"][row] for row in order]


def test_the_order_of_the_columns_does_not_matter(predicting: TestClient, unlabelled: pa.Table) -> None:
    names = np.random.default_rng(2).permutation(unlabelled.column_names).tolist()
    more = unlabelled.select(names).append_column("extra", pa.array(["?"] * unlabelled.num_rows))
    assert predict(predicting, csv_of(more)).json() == predict(predicting, csv_of(unlabelled)).json()


def test_weights_and_labels_are_not_looked_at(predicting: TestClient, unlabelled: pa.Table) -> None:
    garbage = unlabelled.append_column("Weight", pa.array(["heavy"] * unlabelled.num_rows))
    garbage = garbage.append_column("Label", pa.array(["", *["?"] * (unlabelled.num_rows - 1)]))
    assert predict(predicting, csv_of(garbage)).json() == predict(predicting, csv_of(unlabelled)).json()


def packed(table: pa.Table, how: str) -> tuple[bytes, str, str]:
    text = csv_of(table)
    sink = io.BytesIO()
    match how:
        case "gzip":
            return gzip.compress(text), "data.csv.gz", "application/gzip"
        case "zip":
            with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
                archive.writestr("folder/data.csv", text)
            return sink.getvalue(), "data.zip", "application/zip"
        case "parquet":
            pq.write_table(table, sink)
            return sink.getvalue(), "data.parquet", "application/octet-stream"
        case "wrong name":
            return gzip.compress(text), "../../etc/data.csv", "text/csv"
    return b"\xef\xbb\xbf" + text.replace(b"\n", b"\r\n"), "данные.csv", "application/vnd.ms-excel"


@pytest.mark.parametrize("how", ["gzip", "zip", "parquet", "windows", "wrong name"])
def test_a_table_may_be_packed(predicting: TestClient, events: pa.Table, unlabelled: pa.Table, how: str) -> None:
    table, name, kind = packed(unlabelled, how)
    plain = predict(predicting, csv_of(unlabelled)).json()
    assert predict(predicting, table, name=name, kind=kind).json() == plain
    table, name, kind = packed(events, how)
    assert statuses(train(predicting, [model(how)], table, name=name, kind=kind)) == {how: "trained"}
    results = compare(predicting, ["m1", how], table, name=name, kind=kind).json()["results"]
    assert results[how] == results["m1"]
    remove(predicting, how)


def test_figures_are_those_of_the_predictions(predicting: TestClient, events: pa.Table, events_csv: Path) -> None:
    answer = compare(predicting, ["m1", "m1"], events_csv)
    assert answer.status_code == 200
    truth = np.array(events["Label"].to_pylist()) == "s"
    predictions = np.array(predict(predicting, events_csv).json()["predictions"])
    expected = {"accuracy": accuracy_score(truth, predictions), "f1": f1_score(truth, predictions)}
    assert answer.json() == {"results": {"m1": pytest.approx(expected)}}
    assert expected["f1"] > 0.5


def test_comparing_what_does_not_exist(trained: TestClient, events_csv: Path) -> None:
    detail = refused(compare(trained, ["x", "m1", "y"], events_csv), 404, "'x'", "'y'")
    assert "model 'x', 'y';" in detail
    refused(compare(trained, [], events_csv), 422)


def test_a_table_to_compare_on_needs_its_labels(predicting: TestClient, unlabelled_csv: Path) -> None:
    refused(compare(predicting, ["m1"], unlabelled_csv), 422, "Label")


def test_a_damaged_artefact_spoils_that_model_alone(settings: Settings, events_csv: Path, unlabelled_csv: Path) -> None:
    damages = {
        "emptied": lambda path: path.write_bytes(b""),
        "cut": lambda path: path.write_bytes(path.read_bytes()[:-20]),
        "changed": lambda path: path.write_bytes(b"PK" + path.read_bytes()[3:] + b"x"),
        "gone": lambda path: path.unlink(),
    }
    with TestClient(create_app(settings)) as client:
        train(client, [model(name, C=n + 2) for n, name in enumerate(damages)], events_csv)
        train(client, [model("good")], events_csv)
        digests = {each.name: each.digest for each in client.app.state.service.list_models()}
    for name, damage in damages.items():
        damage(settings.MODEL_DIR / "artefacts" / f"{digests[name]}.skops")
    with TestClient(create_app(settings)) as client:
        assert sorted(listed(client)) == sorted([*damages, "good"])
        for name in damages:
            assert choose(client, name).status_code == 200
            refused(predict(client, unlabelled_csv), 409, repr(name), "train it again")
            refused(compare(client, ["good", name], events_csv), 409, repr(name))
        assert choose(client, "good").status_code == 200
        assert predict(client, unlabelled_csv).status_code == 200
        assert list(compare(client, ["good"], events_csv).json()["results"]) == ["good"]
        for name in damages:
            assert remove(client, name).status_code == 200
        assert statuses(train(client, [model("cut", C=3)], events_csv)) == {"cut": "trained"}
        assert compare(client, ["cut"], events_csv).status_code == 200


# settings


def test_the_settings_rename_and_drop_columns(settings: Settings, events: pa.Table) -> None:
    columns = {name: kind for name, kind in COLUMNS.items() if not name.startswith("DER_") and name != "Weight"}
    columns = {{"EventId": "id", "Label": "kind"}.get(name, name): kind for name, kind in columns.items()}
    adapted = settings.model_copy(
        update={
            "DATASET_COLS": columns,
            "TARGET_COL": "kind",
            "INDEX_COL": "id",
            "SIGNAL": "b",
            "NON_FEATURE_COLS": ["PRI_met"],
        }
    )
    renamed = events.rename_columns([{"EventId": "id", "Label": "kind"}.get(n, n) for n in events.column_names])
    table = csv_of(renamed.select(list(columns)))
    with TestClient(create_app(adapted)) as client:
        answer = client.get(ROUTE + "get_columns").json()
        assert answer == {"columns": columns, "target": "kind", "non_feature": ["PRI_met"]}
        assert statuses(train(client, [model("a")], table)) == {"a": "trained"}
        choose(client, "a")
        document = predict(client, table).json()
        assert document["index_name"] == "id"
        truth = np.array(events["Label"].to_pylist()) == "b"
        figures = compare(client, ["a"], table).json()["results"]["a"]
        assert figures["f1"] == pytest.approx(f1_score(truth, document["predictions"]))
        refused(train(client, [model("b")], csv_of(events)), 422, "id, kind")


def test_a_model_of_other_columns_is_refused_clearly(
    settings: Settings, events_csv: Path, unlabelled_csv: Path
) -> None:
    with TestClient(create_app(settings)) as client:
        train(client, [model("old")], events_csv)
        choose(client, "old")
    changed = settings.model_copy(update={"NON_FEATURE_COLS": ["Weight", "PRI_met"]})
    with TestClient(create_app(changed)) as client:
        refused(predict(client, unlabelled_csv), 409, "'old'", "NON_FEATURE_COLS")
        refused(compare(client, ["old"], events_csv), 409, "'old'")
        assert statuses(train(client, [model("new")], events_csv)) == {"new": "trained"}
        assert compare(client, ["new"], events_csv).status_code == 200
    with TestClient(create_app(settings)) as client:
        assert predict(client, unlabelled_csv).status_code == 200


def test_other_figures_may_be_asked_for(settings: Settings, events_csv: Path) -> None:
    with TestClient(create_app(settings.model_copy(update={"AVAILABLE_SCORINGS": ["f1", "roc_auc"]}))) as client:
        train(client, [model("a")], events_csv)
        assert set(compare(client, ["a"], events_csv).json()["results"]["a"]) == {"f1", "roc_auc"}


def test_the_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("EVENTSIEVE_TIME_LIMIT", "7")
    monkeypatch.setenv("EVENTSIEVE_MODEL_TYPES", json.dumps(["SVM"]))
    (tmp_path / ".env").write_text("EVENTSIEVE_NUM_CPUS=3\nEVENTSIEVE_TIME_LIMIT=9\n")
    settings = read_settings()
    assert (settings.TIME_LIMIT, settings.MODEL_TYPES, settings.NUM_CPUS) == (7.0, ["SVM"], 3)


# the frame


def test_unknown_paths_and_methods_have_the_one_shape(client: TestClient) -> None:
    refused(client.get("/nothing"), 404)
    refused(client.get(ROUTE + "nothing"), 404)
    refused(client.get(ROUTE + "set_model/a"), 405)
    refused(client.post("/"), 405)
    answer = client.get(ROUTE + "train_with_file")
    refused(answer, 405)
    assert answer.headers["allow"] == "POST"


def test_missing_parts_are_named(client: TestClient, events_csv: Path) -> None:
    refused(client.post(ROUTE + "train_with_file"), 422, "models_str", "file")
    refused(client.post(ROUTE + "train_with_file", files=upload(events_csv)), 422, "models_str")
    refused(client.post(ROUTE + "train_with_file", data={"models_str": "[]"}), 422, "file")
    refused(client.post(ROUTE + "predict_with_file"), 422, "file")
    refused(client.post(ROUTE + "predict_with_file", data={"file": "text"}), 422, "file")
