"""The client: what it sends, what it makes of answers, and the whole way through the real application."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import uproot
from fastapi import FastAPI
from fastapi.testclient import TestClient

from eventsieve import errors, records
from eventsieve.api.v2.problems import install_handlers
from eventsieve.client import Client, Dataset, EventsWarning, Job, Model
from eventsieve.client.frames import as_kind, kind_of
from eventsieve.client.grids import Grid
from eventsieve.client.requests import specs, validation_of
from eventsieve.client.sources import opened
from eventsieve.client.transport import Transport
from eventsieve.embedded import local
from eventsieve.errors import BadRequest, EventsieveError, NoReport, NotFound, ServerFailed, ServerUnreachable
from eventsieve.records import ModelSpec, State, Validation

URL = "http://events.test"


def answering(handler: Callable[[httpx2.Request], httpx2.Response]) -> Client:
    """A client of a server that answers as the handler says."""
    return Client(URL, http=httpx2.Client(transport=httpx2.MockTransport(handler)))


# errors


def kinds(kind: type[EventsieveError] = EventsieveError) -> Iterator[type[EventsieveError]]:
    if kind.__module__ == errors.__name__:
        if not kind.__subclasses__() or kind is NotFound:
            yield kind
        for below in kind.__subclasses__():
            yield from kinds(below)


OF_A_SERVER = [
    kind for kind in kinds() if not issubclass(kind, (ServerUnreachable, ServerFailed, errors.DownloadFailed))
]


def example(kind: type[EventsieveError]) -> EventsieveError:
    if issubclass(kind, errors.BadTable):
        return kind("Column a is missing.", "Row 3 is short.")
    if issubclass(kind, errors.BadModels):
        return kind({"/models/0/hyperparameters/C": "C must be a number.", "/models/1/type": "No such type."})
    if issubclass(kind, errors.BadHyperparameters):
        return kind({"C": "C must be a number.", "tol": "tol must be positive."})
    return kind("Wait.", 7) if issubclass(kind, errors.NotReady) else kind("It is so; do that.")


@pytest.mark.parametrize("kind", [k for k in OF_A_SERVER if not issubclass(k, errors.BadConfiguration)])
def test_every_error_of_a_server_is_raised_as_itself(kind):
    given = example(kind)
    app = FastAPI()
    install_handlers(app, app.routes)

    @app.get("/api/v2/jobs/x")
    def fail() -> None:
        raise given

    with pytest.raises(kind) as raised:
        Client("http://testserver", http=TestClient(app, raise_server_exceptions=False)).job("x")
    assert type(raised.value) is kind
    assert str(raised.value) == str(given)
    assert vars(raised.value) == vars(given)


@pytest.mark.parametrize(
    ("status", "kind"),
    [(404, NotFound), (409, errors.Conflict), (413, errors.TooLarge), (418, BadRequest), (500, ServerFailed)],
)
def test_an_unknown_type_is_told_by_its_status(status, kind):
    problem = {"type": "urn:eventsieve:OfTheFuture", "detail": "Do that.", "request_id": "abc"}
    client = answering(lambda _: httpx2.Response(status, json=problem))
    with pytest.raises(kind, match=r"Do that\.") as raised:
        client.model("m")
    assert ("request abc in the server's log" in str(raised.value)) == (kind is ServerFailed)


def test_a_failure_tells_its_request_once_and_also_from_a_header():
    problem = {"detail": "It failed, under request abc."}
    client = answering(lambda _: httpx2.Response(500, json=problem, headers={"X-Request-ID": "abc"}))
    with pytest.raises(ServerFailed) as raised:
        client.model("m")
    assert str(raised.value) == problem["detail"]
    client = answering(lambda _: httpx2.Response(502, text="<html>", headers={"X-Request-ID": "abc"}))
    with pytest.raises(ServerFailed, match=r"502.*request abc in the server's log"):
        client.model("m")


def test_a_refusal_that_is_no_problem_document_tells_its_status():
    client = answering(lambda _: httpx2.Response(502, text="<html>bad gateway"))
    with pytest.raises(ServerFailed, match="502"):
        client.model("m")


def test_another_server_is_told_from_ours():
    with pytest.raises(ServerFailed, match="Eventsieve server"):
        answering(lambda _: httpx2.Response(200, text="<html>hello")).version()


def test_a_server_that_is_not_there_is_told_with_its_address():
    with (
        pytest.raises(ServerUnreachable, match=r"http://127\.0\.0\.1:9.*eventsieve serve"),
        Client("http://127.0.0.1:9") as client,
    ):
        client.version()


def test_a_server_that_is_silent_is_told_with_the_cure():
    def silent(request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ReadTimeout("", request=request)

    with pytest.raises(ServerUnreachable, match="longer timeout"):
        answering(silent).version()


@pytest.mark.parametrize("url", ["", "localhost:8000", "ftp://x", "http://", "http://a:b"])
def test_what_is_no_address_is_refused(url):
    with pytest.raises(BadRequest, match=r"http://127\.0\.0\.1:8000"):
        Client(url)


def test_the_address_may_name_the_interface():
    assert Transport("http://h:1/api/v2/", None, None).url == "http://h:1"


@pytest.mark.parametrize("prefix", ["/sieve/v2", "sieve/v2/"])
def test_a_proxy_may_have_moved_the_interface(prefix):
    asked = []

    def handler(request: httpx2.Request) -> httpx2.Response:
        asked.append(str(request.url))
        return httpx2.Response(200, json={"version": "1"})

    through = httpx2.Client(transport=httpx2.MockTransport(handler))
    assert Client(f"{URL}/sieve/v2/", http=through, prefix=prefix).version() == "1"
    assert asked == [f"{URL}/sieve/v2/"]


def test_another_patience_goes_through_the_same_connections():
    waits = []

    def handler(request: httpx2.Request) -> httpx2.Response:
        waits.append(request.extensions["timeout"]["read"])
        return httpx2.Response(200, json={"version": "1"})

    through = httpx2.Client(transport=httpx2.MockTransport(handler), timeout=3)
    client = Client(URL, http=through)
    with client.waiting(600) as patient:
        patient.version()
        patient.waiting(None).version()
    client.version()
    assert waits == [600, None, 3]
    assert not through.is_closed


def test_closing_who_waits_closes_nothing_of_ours():
    client = Client("http://127.0.0.1:9")
    client.waiting(1).close()
    with pytest.raises(ServerUnreachable):  # and no closed client
        client.version()
    client.close()


def test_who_waits_keeps_a_local_server_alive(tmp_path):
    assert local(tmp_path / "store").waiting(60).version()


# requests


def stored(request: httpx2.Request, seen: dict[str, Any]) -> httpx2.Response:
    seen |= {"body": request.read(), "query": request.url.params, "headers": request.headers}
    return httpx2.Response(422, json={"type": "urn:eventsieve:BadTable", "detail": "enough"})


def upload(source: Any, **options: Any) -> dict[str, Any]:
    seen: dict[str, Any] = {}
    with pytest.raises(errors.BadTable, match="enough"):
        answering(lambda request: stored(request, seen)).upload(source, **options)
    return seen


def test_a_file_is_the_body_and_its_reading_the_query(tmp_path):
    (tmp_path / "e.csv").write_text("a,b\n1,2\n")
    seen = upload(
        tmp_path / "e.csv", name="mine", label="b", signal=1, branches=["a", "b*"], undefined=None, header="no"
    )
    assert seen["body"] == b"a,b\n1,2\n"
    assert seen["headers"]["content-length"] == "8"
    query = seen["query"]
    assert (query["filename"], query["name"], query["header"]) == ("e.csv", "mine", "no")
    assert query.get_list("branch") == ["a", "b*"]
    assert json.loads(query["schema"]) == {"label": "b", "signal": "1", "undefined": None}


def test_what_is_not_said_is_not_sent(tmp_path):
    (tmp_path / "e.csv").write_text("a\n")
    assert dict(upload(str(tmp_path / "e.csv"))["query"]) == {"filename": "e.csv"}


def test_trees_may_be_labelled(tmp_path):
    (tmp_path / "e.root").write_text("root")
    assert upload(tmp_path / "e.root", tree={"s": "sig", "b": "bkg"})["query"].get_list("tree") == ["sig=s", "bkg=b"]


def test_files_with_labels_are_a_form(tmp_path):
    for name in ("sig", "bkg"):
        (tmp_path / f"{name}.csv").write_text(name)
    seen = upload({"s": tmp_path / "sig.csv", "b": tmp_path / "bkg.csv"}, name="both")
    assert seen["headers"]["content-type"].startswith("multipart/form-data")
    body = seen["body"].decode()
    assert body.index('filename="sig.csv"') < body.index('filename="bkg.csv"')
    labels = [part.partition("\r\n\r\n")[2].strip() for part in body.split("--") if 'name="label"' in part]
    assert labels == ["s", "b"]


FRAMES = [
    pd.DataFrame({"x": [1.0, 2.5], "c": pd.Categorical(["u", "v"])}, index=[7, 9]),
    pl.DataFrame({"x": [1.0, 2.5], "c": ["u", "v"]}, schema_overrides={"c": pl.Categorical}),
    pa.table({"x": [1.0, 2.5], "c": pa.array(["u", "v"]).dictionary_encode()}),
    pa.table({"x": [1.0, 2.5], "c": ["u", "v"]}).to_reader(),
    {"x": np.array([1.0, 2.5]), "c": ["u", "v"]},
]


@pytest.mark.parametrize("frame", FRAMES, ids=lambda frame: type(frame).__module__)
def test_tables_in_memory_are_sent_as_arrow_with_plain_columns(frame):
    seen = upload(frame)
    assert seen["headers"]["content-type"] == "application/vnd.apache.arrow.file"
    table = pa.ipc.open_file(seen["body"]).read_all()
    assert table.to_pydict() == {"x": [1.0, 2.5], "c": ["u", "v"]}
    assert table.schema.metadata is None
    assert pa.types.is_string(table.schema.field("c").type) or pa.types.is_large_string(table.schema.field("c").type)


def test_batches_with_different_categories_are_sent():
    batches = [pa.record_batch({"c": pa.array([text]).dictionary_encode()}) for text in ("u", "v")]
    body = upload(pa.Table.from_batches(batches))["body"]
    assert pa.ipc.open_file(body).read_all().to_pydict() == {"c": ["u", "v"]}


def test_equal_frames_give_equal_bytes():
    assert upload(FRAMES[0])["body"] == upload(FRAMES[0].copy())["body"]


def test_nothing_is_left_of_a_frame_that_was_sent():
    with opened(FRAMES[0]) as bodies:
        path = bodies[0].path
        assert path.is_file()
    assert not path.exists()


@pytest.mark.parametrize("source", [3, None, pd.Series([1.0]), [], object()])
def test_what_is_no_table_is_refused(source):
    client = answering(lambda _: httpx2.Response(500))
    with pytest.raises(BadRequest, match="table"):
        client.upload(source)


def test_a_file_that_is_not_there_is_told():
    client = answering(lambda _: httpx2.Response(500))
    with pytest.raises(FileNotFoundError, match=r"no\.csv"):
        client.upload("no.csv")
    with pytest.raises(FileNotFoundError, match=r"no\.csv"):
        client.predict("no.csv", model="m")


def test_an_option_that_does_not_exist_is_named(tmp_path):
    (tmp_path / "e.csv").write_text("a\n")
    client = answering(lambda _: httpx2.Response(500))
    with pytest.raises(BadRequest, match="lable"):
        client.upload(tmp_path / "e.csv", lable="a")


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        (0.3, Validation(fraction=0.3)),
        (None, Validation(kind="none")),
        (0, Validation(kind="none")),
        ({"folds": 4}, Validation(kind="folds", folds=4)),
        ({"dataset": "d"}, Validation(kind="dataset", dataset="d")),
        ({"fraction": 0.1, "stratified": False}, Validation(fraction=0.1, stratified=False)),
        (Validation(kind="folds"), Validation(kind="folds")),
    ],
)
def test_a_validation_is_written_shortly(given, meant):
    assert validation_of(given) == meant


@pytest.mark.parametrize("given", ["x", 5, 1.5, {"folds": 1}])
def test_what_is_no_validation_is_refused(given):
    with pytest.raises(BadRequest):
        validation_of(given)


def test_models_are_written_shortly():
    spec = ModelSpec(name="n", type="SVM", hyperparameters={"C": 2})
    assert specs("LogReg") == (ModelSpec(type="LogReg"),)
    assert specs([spec, {"type": "SVM", "name": "n", "hyperparameters": {"C": 2}}, "SVM"]) == (
        spec,
        spec,
        ModelSpec(type="SVM"),
    )
    with pytest.raises(BadRequest, match="typ"):
        specs([{"typ": "SVM"}])
    with pytest.raises(BadRequest, match="int"):
        specs([3])


# answers


def job(state: str, seconds: float = 0.0) -> dict[str, Any]:
    model = {"spec": {"name": "m", "type": "LogReg"}, "seed": 0, "state": state, "seconds": seconds}
    return {"id": "j", "table": "t", "limits": {}, "created": "2026-01-01T00:00:00Z", "models": [model]}


def sse(*jobs: dict[str, Any], end: bool = True) -> str:
    told = "".join(f"event: job\ndata: {json.dumps(each)}\n\n" for each in jobs)
    return f": heartbeat\n\n{told}" + ("event: end\ndata: {}\n\n" if end else "")


def following(*answers: httpx2.Response) -> tuple[Client, list[str]]:
    asked: list[str] = []
    left = list(answers)

    def handler(request: httpx2.Request) -> httpx2.Response:
        asked.append(request.url.path.rpartition("/")[2])
        return left.pop(0)

    return answering(handler), asked


def events(*jobs: dict[str, Any], end: bool = True) -> httpx2.Response:
    return httpx2.Response(200, text=sse(*jobs, end=end), headers={"Content-Type": "text/event-stream"})


def test_a_job_is_waited_for_by_its_events():
    client, asked = following(
        events(job("running"), job("trained", 2.0)), httpx2.Response(200, json=job("trained", 2.0))
    )
    done = Job.bind(job("queued"), client).wait()
    assert done.models[0].state is State.TRAINED
    assert asked == ["events", "j"]


@pytest.mark.parametrize(
    "broken",
    [
        events(job("running"), end=False),
        httpx2.Response(200, json={}),
    ],
    ids=["cut off", "no events"],
)
def test_a_job_is_asked_for_where_events_do_not_come_through(broken):
    answers = [httpx2.Response(200, json=job(state)) for state in ("running", "trained")]
    client, asked = following(broken, *answers)
    assert Job.bind(job("queued"), client).wait().final
    assert asked == ["events", "j", "j"]


def test_a_server_that_is_away_for_a_while_is_waited_for(monkeypatch):
    monkeypatch.setattr("eventsieve.client.jobs.POLL_SECONDS", 0.0)
    fails = iter([True, True, False])

    def handler(request: httpx2.Request) -> httpx2.Response:
        if next(fails):
            raise httpx2.ConnectError("refused", request=request)
        return httpx2.Response(200, json=job("trained"))

    assert Job.bind(job("queued"), answering(handler)).wait().final


def test_ctrl_c_leaves_the_job_alone_and_says_how_to_get_back(capsys):
    def interrupt(_: httpx2.Request) -> httpx2.Response:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Job.bind(job("running"), answering(interrupt)).wait()
    assert "client.job('j').wait()" in capsys.readouterr().err


def test_a_waiting_terminal_sees_the_models(capsys):
    client, _ = following(events(job("running", 1.0)), httpx2.Response(200, json=job("trained", 2.0)))
    Job.bind(job("queued"), client).wait(progress=True)
    Job.bind(job("trained"), client)
    assert "LogReg" in capsys.readouterr().err


def test_a_list_is_fetched_page_by_page_as_it_is_gone_through():
    asked: list[tuple[int, int]] = []

    def handler(request: httpx2.Request) -> httpx2.Response:
        offset, limit = int(request.url.params["offset"]), int(request.url.params["limit"])
        asked.append((offset, limit))
        items = [{**job("trained"), "id": str(n)} for n in range(offset, min(250, offset + limit))]
        return httpx2.Response(200, json={"items": items, "total": 250, "offset": offset})

    jobs = answering(handler).jobs()
    iterator = iter(jobs)
    assert next(iterator).id == "0"
    assert asked == [(0, 100)]
    assert [each.id for each in jobs] == [str(n) for n in range(250)]
    assert len(jobs) == 250
    assert jobs[-1].id == "249"
    with pytest.raises(IndexError):
        jobs[250]
    assert "the first 20 of 250" in repr(jobs)


def test_a_download_that_breaks_off_leaves_nothing(tmp_path):
    def broken() -> Iterator[bytes]:
        yield b"half"
        raise httpx2.ReadError("gone")

    client = answering(lambda _: httpx2.Response(200, content=broken()))
    old = tmp_path / "p.csv"
    old.write_text("old")
    with pytest.raises(ServerUnreachable):
        client.predict({"x": [1.0]}, model="m", to=old)
    assert [path.name for path in tmp_path.iterdir()] == ["p.csv"]
    assert old.read_text() == "old"


def test_a_name_for_predictions_says_its_format(tmp_path):
    client = answering(lambda _: httpx2.Response(500))
    with pytest.raises(BadRequest, match=r"\.root"):
        client.predict({"x": [1.0]}, model="m", to=tmp_path / "p.xlsx")


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        (FRAMES[0], "pandas"),
        (FRAMES[1], "polars"),
        (FRAMES[2], "arrow"),
        ([{}], "rows"),
        ({}, "columns"),
        ("f", "arrow"),
    ],
)
def test_predictions_come_back_in_the_kind_of_table_that_came(source, kind):
    assert kind_of(source) == kind


def test_each_kind_of_table_holds_the_same():
    table = pa.table({"a": [1, 2], "label": ["s", "b"]})
    assert as_kind(table, "pandas").to_dict("list") == table.to_pydict()
    assert as_kind(table, "polars").to_dict(as_series=False) == table.to_pydict()
    assert as_kind(table, "rows") == table.to_pylist()
    assert as_kind(table, "columns")["label"].tolist() == ["s", "b"]
    assert as_kind(table, "arrow") is table


def test_what_the_server_remarks_of_a_table_is_warned_of():
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, pa.schema([("a", pa.int64())])) as writer:
        writer.write_table(pa.table({"a": [1]}))
    headers = {"X-Eventsieve-Remarks": json.dumps(["Column x is not used."])}
    client = answering(lambda _: httpx2.Response(200, content=sink.getvalue().to_pybytes(), headers=headers))
    with pytest.warns(UserWarning, match="Column x") as caught:
        client.predict({"x": [1.0]}, model="m")
    assert Path(caught[0].filename).name == Path(__file__).name


def test_a_table_for_people_is_text_and_html():
    grid = Grid(("model", "auc"), [("a<b", "0.9"), ("c", "0.85")], title="two")
    assert repr(grid) == "two\nmodel   auc\na<b     0.9\nc      0.85"
    assert "a&lt;b" in grid._repr_html_()


# the whole way, through the real application


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    with local(tmp_path_factory.mktemp("client") / "store", NUM_CPUS=2, TIME_LIMIT=120) as opened_client:
        yield opened_client


def frame(events: int = 1200, classes: tuple[str, ...] = ("b", "s"), seed: int = 1) -> pd.DataFrame:
    """Two features, one of which tells the classes apart; weights; a number for each event."""
    random = np.random.default_rng(seed)
    code = random.integers(len(classes), size=events)
    return pd.DataFrame(
        {
            "event": np.arange(events)[::-1] + 7,
            "mass": random.normal(100 + 12 * code, 10),
            "noise": random.normal(size=events),
            "weight": random.uniform(0.5, 1.5, events),
            "kind": np.array(classes)[code],
        }
    )


@pytest.fixture(scope="module")
def data(client: Client) -> Dataset:
    return client.upload(frame(), name="toy", label="kind", signal="s", index="event", weight="weight")


@pytest.fixture(scope="module")
def model(client: Client, data: Dataset) -> Model:
    job = client.train(
        data, {"type": "RandomForest", "name": "forest", "hyperparameters": {"n_estimators": 20}}, seed=5
    )
    (trained,) = job.trained()
    return trained


def test_a_data_set_tells_how_it_is_read(client, data):
    assert data.event_schema.feature_names == ("mass", "noise")
    assert data.event_schema.class_names == ("b", "s")
    assert "1,200" in repr(data)
    assert "mass" in data._repr_html_()
    assert client.dataset(data.id) == data
    assert [each.id for each in client.datasets()] == [data.id]


def test_the_same_table_is_the_same_data_set(client, data):
    again = client.upload(frame(), label="kind", signal="s", index="event", weight="weight")
    assert again.id == data.id


def test_a_data_set_is_edited_renamed_explored_and_deleted(client, tmp_path):
    other = client.upload(
        {"x": [1.0, 2.0, 3.0, 4.0], "z": [0.0, 1.0, 2.0, 0.5], "k": ["a", "c", "a", "c"]}, label="k", signal="c"
    )
    assert other.edit(signal="a").event_schema.signal == "a"
    assert other.rename("new").name == "new"
    assert [feature.column.name for feature in other.explore().features] == ["x", "z"]
    assert other.plot("x").axes[0].get_xlabel() == "x"
    assert other.report(tmp_path / "r.pdf").read_bytes().startswith(b"%PDF")
    other.delete()
    with pytest.raises(errors.DatasetNotFound):
        client.dataset(other.id)


def test_a_feature_that_gives_the_label_away_is_warned_of(client):
    told = frame().assign(truth=lambda table: (table["kind"] == "s") * 1.0 + table["noise"] * 1e-6)
    with pytest.warns(EventsWarning, match="truth") as caught:
        client.upload(told, label="kind", signal="s", index="event", weight="weight")
    assert Path(caught[0].filename).name == Path(__file__).name


def test_a_model_has_what_is_needed_to_trust_it(client, data, model, tmp_path):
    assert (model.dataset, model.seed, model.type) == (data.id, 5, "RandomForest")
    found = model.get_evaluation()
    assert found.curves[0].roc.auc == pytest.approx(
        next(score.value for score in model.scores if score.name == "roc_auc" and score.weighted)
    )
    assert "forest" in model.card()
    assert "<html" in model.card("html")
    assert model.download(tmp_path / "m.skops").stat().st_size > 1000
    assert "roc_auc" in repr(model)


@pytest.mark.parametrize(
    "figure",
    ["roc", "scores", "significance", "precision_recall", "efficiencies", "calibration", "importance", "confusion"],
)
def test_a_model_draws_itself(model, figure):
    assert getattr(model, f"plot_{figure}")()._repr_png_().startswith(b"\x89PNG")


@pytest.mark.parametrize("kind", ["pandas", "polars", "arrow", "rows", "columns"])
def test_predictions_are_the_same_from_and_in_every_kind_of_table(client, data, model, kind):
    table = pa.Table.from_pandas(frame()).drop_columns(["kind", "weight"])
    expected = client.predict(data, model=model, to="pandas")
    assert expected["event"].tolist() == frame()["event"].tolist()
    answer = model.predict(as_kind(table, kind))
    assert kind_of(answer) == kind
    scores = {"rows": lambda: [row["score"] for row in answer]}.get(kind, lambda: answer["score"])()
    np.testing.assert_allclose(np.asarray(scores, dtype=float), expected["score"])


@pytest.mark.parametrize("suffix", ["csv", "parquet", "arrow", "json", "root"])
def test_predictions_are_written_as_a_file(data, model, suffix, tmp_path):
    path = model.predict(data, to=tmp_path / "new" / f"p.{suffix}")
    expected = model.predict(data)["score"].to_pylist()
    readers: dict[str, Callable[[], Any]] = {
        "csv": lambda: pd.read_csv(path)["score"],
        "parquet": lambda: pd.read_parquet(path)["score"],
        "arrow": lambda: pd.read_feather(path)["score"],
        "json": lambda: json.loads(path.read_text())["score"],
        "root": lambda: uproot.open(path)["eventsieve"]["score"].array(library="np"),
    }
    np.testing.assert_allclose(np.asarray(readers[suffix]()), expected, rtol=1e-12)
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_scores_of_a_data_set_are_counted_and_looked_at(client, data, model):
    whole = client.predict(data, model=model)
    found = model.score_summary(data, bins=20, threshold=0.25)
    assert isinstance(found, records.ScoreSummary)
    assert found == client.score_summary(data.id, model=model.name, bins=20, threshold=0.25)
    score = whole["score"].to_numpy()
    assert found.predicted[found.signal] == np.sum(score > 0.25)
    assert sum(each.above[15] for each in found.scores) == np.sum(score > found.edges[15])
    rows = model.prediction_page(data, offset=10, limit=5, threshold=0.25)
    assert rows == client.prediction_page(data, model=model, offset=10, limit=5, threshold=0.25)
    assert list(rows.score) == score[10:15].tolist()
    cut = model.predict(data, to="arrow", threshold=0.25)
    assert [label == found.signal for label in cut["label"].to_pylist()] == (score > 0.25).tolist()
    assert tuple(cut["label"].to_pylist()[10:15]) == rows.label
    with pytest.raises(BadRequest, match="from 0 to 1"):
        model.predict(data, threshold=7.0)


def test_simulated_events_are_a_data_set(client):
    first = client.simulate(200, seed=5, unlabelled=True)
    assert (first.events, first.event_schema.label) == (200, None)
    assert client.simulate(200, seed=5, unlabelled=True).id == first.id
    assert client.simulate(200, seed=5, first_id=7, unlabelled=True).id != first.id
    first.delete()


def test_the_report_of_the_server_is_written_to_a_file(tmp_path):
    (tmp_path / "eda.pdf").write_bytes(b"%PDF-1.7 of the test")
    with local(tmp_path / "models", pdf_path=tmp_path / "eda.pdf", num_cpus=1) as client:
        assert client.report(tmp_path / "mine.pdf") == tmp_path / "mine.pdf"
    assert (tmp_path / "mine.pdf").read_bytes() == b"%PDF-1.7 of the test"
    with local(tmp_path / "models", pdf_path="", num_cpus=1) as client, pytest.raises(NoReport):
        client.report(tmp_path / "none.pdf")
    assert not (tmp_path / "none.pdf").exists()


def test_a_table_that_does_not_fit_the_model_is_refused_by_its_column(model):
    with pytest.raises(errors.BadTable, match="noise"):
        model.predict(frame().drop(columns="noise"))


def test_names_tags_notes_thresholds_and_aliases(client, model):
    changed = model.tag("a", "b").untag("a").annotate("seen").set_threshold("best_ams")
    assert (changed.tags, changed.note, changed.threshold.kind) == (("b",), "seen", "best_ams")
    assert model.get_evaluation().ams.best_cut == pytest.approx(changed.threshold.value)
    assert changed.set_threshold(0.25).threshold.value == 0.25
    assert changed.set_threshold("natural").threshold.value == 0.5
    model.alias("champion")
    assert client.aliases() == {"champion": "forest"}
    assert client.model("champion").name == "forest"
    renamed = changed.rename("wald/η")
    assert client.model("wald/η").name == "wald/η"
    assert renamed.rename("forest").name == "forest"
    client.drop_alias("champion")
    assert client.aliases() == {}
    assert [each.name for each in client.models(tag="b")] == ["forest"]


def test_the_current_model_is_chosen_with_its_history(client, data, model):
    with pytest.raises(errors.NoCurrentModel):
        client.predict(data)
    model.use(by="me")
    assert client.current() == client.model("forest")
    assert client.predict(data).equals(model.predict(data))
    client.unset()
    assert client.rollback().model == "forest"
    assert [choice.model for choice in client.history()] == ["forest", None, "forest"]
    assert "me" in repr(client.history())
    client.unset()


def test_models_are_compared_and_trained_again(client, data, model):
    other = client.train(data, ["LogReg"], seed=5, progress=False).trained()[0]
    found = client.compare([model, "LogReg"], data)
    assert set(found.ranking) == {"forest", "LogReg"}
    assert found.events == 300
    assert "roc_auc" in repr(found)
    assert len(found.differences_table().rows) == 1
    assert found.plot().axes[0].get_xlabel() == "roc_auc"
    assert len(client.plot_roc([model, other]).axes[0].get_legend().get_texts()) == 2
    again = model.retrain("again").wait().trained()[0]
    assert again.digest == model.digest
    again.delete()
    with pytest.raises(errors.ModelNotFound):
        client.model("again")


def test_an_estimate_comes_before_and_types_are_described(client, data):
    found = client.estimate(data, ["LogReg", "SVM"])
    assert found.keys() == {"LogReg", "SVM"}
    assert repr(found).splitlines()[0].split() == [
        "model",
        "time",
        "two",
        "of",
        "three",
        "end",
        "in",
        "memory",
        "fits",
        "why",
    ]
    assert f"{found['SVM'].memory / 1e6:,.0f} MB" in repr(found)
    with pytest.raises(BadRequest, match="trees: there is no such argument here; there are: schema, label"):
        client.upload(frame(100), trees={"s": "S"})
    assert "C" in client.estimators()["SVM"]["hyperparameters"]["properties"]
    assert "atlas-higgs-2014" in [schema.name for schema in client.schemas()]
    assert client.schema("atlas-higgs-2014").weight is not None


def test_a_job_is_cancelled_and_found_again(client):
    big = client.upload(frame(20_000, seed=3), label="kind", signal="s", index="event", weight="weight")
    job = client.train(big, {"type": "GradientBoosting", "hyperparameters": {"n_estimators": 5000}}, wait=False)
    assert job.cancel().final
    assert client.job(job.id).wait().models[0].state is State.CANCELLED
    assert job.id in repr(client.jobs())


def test_faults_of_models_are_told_with_their_places(client, data):
    with pytest.raises(errors.BadModels) as raised:
        client.train(data, ["LogReg", {"type": "SVM", "hyperparameters": {"C": "x"}}])
    assert list(raised.value.faults) == ["/models/1/hyperparameters/C"]


def test_several_classes_go_the_whole_way(client, tmp_path):
    classes = ("dy", "ttbar", "ww")
    table = frame(1500, classes)
    several = client.upload(table, label="kind", classes=classes, signal="", index="event", weight="weight")
    trained = client.train(several, "LogReg", weights="event").trained()[0]
    probabilities = trained.predict(table)
    assert set(probabilities["label"]) <= set(classes)
    np.testing.assert_allclose(probabilities[[f"p_{name}" for name in classes]].sum(axis=1), 1)
    assert len(trained.plot_scores().axes) == 3
    for name in ("roc", "precision_recall", "efficiencies", "calibration", "importance", "confusion"):
        getattr(trained, f"plot_{name}")().savefig(tmp_path / f"{name}.png")


def test_signal_and_background_may_come_in_two_frames(client):
    table = frame()
    parts = {label: part.drop(columns="kind") for label, part in table.groupby("kind")}
    both = client.upload(parts, index="event", weight="weight")
    assert {row.label: row.events for row in both.classes} == table["kind"].value_counts().to_dict()
