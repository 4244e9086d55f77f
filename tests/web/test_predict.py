"""The page on which a model says which events are signal."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from eventsieve.client.predicting import Predicting
from eventsieve.errors import ServerUnreachable
from eventsieve.records import PredictionPage, ScoreCounts, ScoreSummary
from eventsieve.web.charts.predicted import predicted
from eventsieve.web.places import Place
from eventsieve.web.widgets.predicting.results import Selected, selected
from web.appt import alerts, open_page, run, texts
from web.fakes import FakeClient


def shown(fake: FakeClient, **query: str) -> Any:
    """The page with the predictions that a link leads to."""
    data = fake.unlabelled
    return open_page(Place.PREDICT, client=fake, query={"dataset": data.id, "threshold": "own"} | query)


def then(app: Any, _: Any) -> None:
    """The page after something was done to it."""
    run(app)


def metrics(app: Any) -> dict[str, str]:
    return {each.label: each.value for each in app.metric}


def links(app: Any) -> dict[str, str]:
    return {each.proto.label: each.proto.url for each in app.get("link_button")}


def test_a_click_shows_the_predictions_and_writes_them_into_the_address(filled: FakeClient) -> None:
    data = filled.unlabelled
    app = open_page(Place.PREDICT, client=filled, query={"dataset": data.id})
    assert app.selectbox(key="model").value == "boosting"  # the current one
    assert not app.dataframe
    then(app, app.button(key="predict:start").click())
    assert "The model's predictions are below." in texts(app)
    assert app.query_params["threshold"] == "own"
    assert app.query_params["model"] == "boosting"
    assert app.query_params["dataset"] == data.id
    table = filled.predict(data.id, model="boosting")
    assert list(app.dataframe[0].value["index"]) == table["EventId"].to_pylist()[:100]
    assert list(app.dataframe[0].value["label"]) == table["label"].to_pylist()[:100]
    assert list(app.dataframe[0].value["score"]) == table["score"].to_pylist()[:100]
    assert metrics(app)["Selected events"] == str(np.sum(table["score"].to_numpy() > 0.5))
    digests = filled.model("boosting").digest[:12], data.digest[:12]
    assert all(digest in texts(app) for digest in digests)


def test_a_link_leads_to_the_same_predictions(filled: FakeClient) -> None:
    app = shown(filled, model="forest", threshold="0.3")
    score = filled.predict(filled.unlabelled.id, model="forest")["score"].to_numpy()
    assert app.selectbox(key="model").value == "forest"
    assert metrics(app)["Selected events"] == str(np.sum(score > 0.3))
    assert app.number_input(key="predict:number").value == 0.3
    urls = links(app)
    assert list(urls) == ["CSV", "Parquet", "ROOT", "Arrow", "JSON"]
    assert urls["ROOT"] == f"files/predictions/forest.root?dataset={filled.unlabelled.id}&threshold=0.3"


def test_moving_the_slider_asks_for_no_scores(filled: FakeClient) -> None:
    app = shown(filled)
    score = filled.predict(filled.unlabelled.id)["score"].to_numpy()
    filled.asked.clear()
    then(app, app.select_slider(key="predict:slider").set_value(0.25))
    assert metrics(app)["Selected events"] == str(np.sum(score > 0.25))
    assert app.query_params["threshold"] == "0.25"
    assert links(app)["CSV"].endswith("&threshold=0.25")
    label = app.dataframe[0].value["label"]
    assert [each == "s" for each in label] == list(score[:100] > 0.25)
    # AppTest runs the whole page, where a browser's run of the fragment asks for the rows alone.
    assert not [each for each in filled.asked if each.path.endswith("/scores") and "threshold" in each.query]


def test_a_cut_between_edges_is_counted_by_the_server(filled: FakeClient) -> None:
    app = shown(filled)
    score = np.sort(filled.predict(filled.unlabelled.id)["score"].to_numpy())
    cut = float(score[-7])  # six events are above it
    then(app, app.number_input(key="predict:number").set_value(cut))
    assert metrics(app)["Selected events"] == "6"
    then(app, app.button(key="predict:own").click())
    assert app.query_params["threshold"] == "own"
    assert metrics(app)["Selected events"] == str(np.sum(score > 0.5))


def test_the_best_ams_is_the_models_own_cut_of_validation(filled: FakeClient) -> None:
    app = shown(filled)
    cuts = {each.weighted: each.cut for each in filled.model("boosting").scores if each.name == "ams"}
    if not cuts:
        assert app.button(key="predict:ams").disabled
        return
    then(app, app.button(key="predict:ams").click())
    assert float(app.query_params["threshold"]) == cuts[max(cuts)]


def test_labelled_events_are_counted_by_class(filled: FakeClient) -> None:
    data = filled.labelled
    app = shown(filled, dataset=data.id)
    found = filled.score_summary(data.id)
    counts = metrics(app)
    for each in found.scores:
        assert counts[f"Selected of {each.label}"] == f"{each.selected:,}"
    assert "Purity" in counts
    assert app.toggle(key="predict:weighted")
    assert "trained on events of this data set" in texts(app)


def test_another_model_or_data_set_is_not_shown_the_old_predictions(filled: FakeClient) -> None:
    app = shown(filled)
    assert app.dataframe
    then(app, app.selectbox(key="model").select("forest"))
    assert not app.dataframe
    assert "threshold" not in app.query_params
    then(app, app.button(key="predict:start").click())
    assert app.dataframe
    then(app, app.selectbox(key="dataset").select(filled.labelled.id))
    assert not app.dataframe


@pytest.mark.parametrize("threshold", ["nonsense", "nan", "7", "-0.1"])
def test_a_cut_that_cannot_be_is_the_models_own(filled: FakeClient, threshold: str) -> None:
    app = shown(filled, threshold=threshold)
    assert app.number_input(key="predict:number").value == 0.5


def test_an_alias_in_the_address_is_its_model(filled: FakeClient) -> None:
    filled.set_alias("best", "forest")
    assert shown(filled, model="best").selectbox(key="model").value == "forest"


def test_a_model_that_is_gone_is_told(filled: FakeClient) -> None:
    app = open_page(Place.PREDICT, client=filled, query={"model": "no_body"})
    assert any("no\\_body" in each for each in alerts(app))
    assert app.selectbox(key="model").value == "boosting"


def test_without_a_current_model_the_servers_refusal_is_shown_and_one_can_be_chosen(filled: FakeClient) -> None:
    filled.unset()
    app = open_page(Place.PREDICT, client=filled)
    (refusal,) = app.error
    assert "No model is current" in refusal.value
    assert app.selectbox(key="model").value is None
    assert not [each for each in app.button if each.key == "predict:start"]
    then(app, app.selectbox(key="model").select("forest"))
    assert not app.error
    then(app, app.button(key="predict:start").click())
    assert app.dataframe


def test_an_empty_store_says_what_to_do_first(empty: FakeClient) -> None:
    app = open_page(Place.PREDICT, client=empty)
    assert any("No model is current" in each for each in alerts(app))
    assert not app.dataframe


def test_missing_columns_are_named_before_anything_is_asked(filled: FakeClient) -> None:
    own = filled.upload({"pt": np.arange(60.0), "eta": np.arange(60.0) % 7, "kind": ["a", "b"] * 30}, label="kind")
    app = shown(filled, dataset=own.id)
    (refusal,) = app.error
    assert "DER" in refusal.value
    assert app.button(key="predict:start").disabled
    assert not any(each.path.endswith("/scores") for each in filled.asked)


def test_a_server_that_does_not_answer_is_told() -> None:
    fake = FakeClient(failing=ServerUnreachable("http://x", "refused"))
    app = open_page(Place.PREDICT, client=fake)
    assert any("http://x" in each.replace("\\", "") for each in alerts(app))


# the figure, and the counts


def a_summary(**changes: Any) -> ScoreSummary:
    counts = [ScoreCounts(label=label, score_of="s", events=10, counts=(4, 3, 2, 1), above=(9, 6, 3, 1, 0), selected=5)
              for label in ("b", "s")]  # fmt: skip
    known: dict[str, Any] = {
        "model": "m",
        "digest": "ab",
        "dataset": "d",
        "dataset_digest": "cd",
        "events": 20,
        "classes": ("b", "s"),
        "signal": "s",
        "threshold": 0.6,
        "predicted": {"b": 10, "s": 10},
        "edges": (0.0, 0.25, 0.5, 0.75, 1.0),
        "scores": tuple(counts),
    }
    return ScoreSummary(**(known | changes))


def test_counts_are_known_at_edges_and_at_the_threshold_only() -> None:
    assert selected(a_summary(), 0.25) == [Selected("b", 10, 6, None), Selected("s", 10, 6, None)]
    assert selected(a_summary(), 0.6) == [Selected("b", 10, 5, None), Selected("s", 10, 5, None)]
    assert selected(a_summary(), 0.61) is None


def test_the_figure_holds_the_counts_and_the_cut() -> None:
    figure = predicted(a_summary(), 0.6)
    assert [list(each.y) for each in figure.data] == [[4, 3, 2, 1, 1]] * 2
    assert list(figure.data[0].x) == [0.0, 0.25, 0.5, 0.75, 1.0]
    assert figure.layout.shapes[0].x0 == 0.6
    assert predicted(a_summary()).layout.shapes == ()
    assert predicted(a_summary(), log=True).layout.yaxis.type == "log"


def test_many_bins_are_drawn_together_and_none_is_lost() -> None:
    counts = tuple(range(103))
    one = ScoreCounts(score_of="s", events=sum(counts), counts=counts, above=tuple(range(104)))
    edges = tuple(-1.0 + 0.02 * place for place in range(104))
    figure = predicted(a_summary(scores=(one,), edges=edges, probabilities=False, threshold=None))
    assert sum(figure.data[0].y[:-1]) == sum(counts)
    assert len(figure.data[0].x) == len(figure.data[0].y)
    assert np.allclose(np.diff(figure.data[0].x), 0.04)


def test_of_several_classes_each_is_drawn() -> None:
    counts = [ScoreCounts(label=None, score_of=name, events=10, counts=(4, 3, 2, 1), above=(9, 6, 3, 1, 0))
              for name in ("b", "c", "light")]  # fmt: skip
    figure = predicted(a_summary(classes=("b", "c", "light"), signal=None, threshold=None, scores=tuple(counts)))
    assert [each.name for each in figure.data] == ["b", "c", "light"]
    assert len({each.line.color for each in figure.data}) == 3


def test_rows_of_another_model_of_that_name_begin_the_page_anew(
    filled: FakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, others = Predicting.prediction_page, ["0" * 64]

    def rows(self: Predicting, *args: Any, **options: Any) -> PredictionPage:
        found = real(self, *args, **options)
        return found.model_copy(update={"digest": others.pop()}) if others else found

    monkeypatch.setattr(Predicting, "prediction_page", rows)
    filled.asked.clear()
    app = shown(filled)
    assert len([each for each in filled.asked if each.path.endswith("/predictions")]) == 2
    assert len(app.dataframe) == 1
