"""The page of one model."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from eventsieve.errors import ServerUnreachable
from eventsieve.web.places import Place
from eventsieve.web.widgets.metrics import with_uncertainty
from eventsieve.web.widgets.models.edit import Changes, save
from eventsieve.web.widgets.models.inputs import ordered
from eventsieve.web.widgets.models.sections import SECTIONS
from web.appt import alerts, open_page, run, texts
from web.fakes import MODELS, FakeClient

CURRENT = next(reversed(MODELS))


def opened(fake: FakeClient, name: str = "forest", **query: str) -> AppTest:
    return open_page(Place.MODEL, client=fake, query={"name": name, **query})


def click(app: AppTest, key: str) -> AppTest:
    app.button(key=key).click()
    return run(app)


def charts(app: AppTest) -> int:
    return len(app.get("plotly_chart"))


def test_figures_stand_with_uncertainty_weighted_and_not(filled: FakeClient) -> None:
    model = filled.model("forest")
    table = opened(filled).dataframe[0].value.set_index("Figure of merit")
    for score in model.scores:
        if score.name == "roc_auc":
            column = "Weighted" if score.weighted else "Each event once"
            assert table.loc["ROC AUC", column] == with_uncertainty(score.value, score.uncertainty)


def test_the_sections_are_in_the_order_of_tmva(filled: FakeClient) -> None:
    expected = ["inputs", "correlations", "scores", "cuts", "roc", "precision_recall", "calibration", "confusion"]
    assert list(SECTIONS) == [*expected, "importance", "card"]
    app = opened(filled)
    assert app.get_by_key("section").options == list(SECTIONS.values())


@pytest.mark.parametrize("section", [each for each in SECTIONS if each != "card"])
def test_each_section_draws_what_it_is_called(filled: FakeClient, section: str) -> None:
    app = opened(filled, section=section)
    assert [each.value for each in app.header] == [SECTIONS[section]]
    assert not app.error
    assert charts(app) == {"inputs": 6, "cuts": 2}.get(section, 1)


def test_only_the_open_section_asks_the_server(filled: FakeClient) -> None:
    opened(filled, section="roc")
    assert not [asked for asked in filled.asked if "exploration" in asked.path or "card" in asked.path]


def test_an_unknown_section_is_the_first_one(filled: FakeClient) -> None:
    assert opened(filled, section="nonsense").header[0].value == "Inputs"


def test_the_card_is_there(filled: FakeClient) -> None:
    app = opened(filled, section="card")
    assert any("What it is for" in each.value for each in app.markdown)


def test_the_verdict_of_the_overtraining_test_is_told(filled: FakeClient) -> None:
    evaluation = filled.model("forest").get_evaluation()
    app = opened(filled, section="scores")
    said = [each.value for each in (*app.success, *app.warning, *app.info)]
    assert any(evaluation.verdict.capitalize() in text for text in said)
    assert texts(app).count("Kolmogorov-Smirnov distance") == len(evaluation.overtraining)


def test_the_most_important_features_come_first(filled: FakeClient) -> None:
    model = filled.model("forest")
    evaluation, exploration = model.get_evaluation(), filled.labelled.explore()
    names = ordered(model, evaluation, exploration)
    assert names[:3] == [each.feature for each in evaluation.importance[:3]]
    assert sorted(names) == sorted(model.features)
    without = ordered(model, None, exploration)
    assert without[0] == exploration.ranked()[0].column.name


def test_set_and_unset(filled: FakeClient) -> None:
    app = opened(filled)
    click(app, "set")
    assert filled.current().name == "forest"
    click(app, "unset")
    assert filled.changes[-1].method == "DELETE"
    app.button(key="set")


def test_the_best_cut_is_used_and_given_back(filled: FakeClient) -> None:
    app = opened(filled, section="cuts")
    assert app.button(key="own_threshold").disabled
    click(app, "best_threshold")
    assert filled.model("forest").threshold.kind == "best_ams"
    click(app, "own_threshold")
    assert filled.model("forest").threshold.kind == "natural"


def test_a_threshold_that_is_in_use_cannot_be_set_again(filled: FakeClient) -> None:
    assert opened(filled, section="cuts").button(key="use_threshold").disabled


def test_train_again_leads_to_the_job(filled: FakeClient) -> None:
    app = opened(filled)
    before = {job.id for job in filled.jobs()}
    click(app, "retrain")
    (new,) = {job.id for job in filled.jobs()} - before
    assert app.query_params["id"] == new


def test_what_cannot_be_done_is_told(filled: FakeClient) -> None:
    app = opened(filled)
    filled.model("forest").delete()
    click(app, "retrain")
    assert len(app.error) == 2  # that it was refused, and that there is no such model
    assert any(link.label == "List of models" for link in app.get("page_link"))


def test_remove_leads_to_the_list(filled: FakeClient) -> None:
    app = opened(filled)
    click(app, "remove")
    click(app, "accept")
    assert app.title[0].value == "List of models"
    assert "forest" not in [model.name for model in filled.models()]


def test_only_what_differs_is_changed(filled: FakeClient) -> None:
    model = filled.model("forest")
    save(filled, model, Changes("forest", (), "", ()))
    assert filled.changes == []
    model.tag("old")
    model.alias("was")
    save(filled, filled.model("forest"), Changes("forest", ("new",), "A note", ("is",)))
    model = filled.model("forest")
    assert (model.tags, model.note, model.aliases) == (("new",), "A note", ("is",))


def test_a_renamed_model_is_still_the_one_on_the_page(filled: FakeClient) -> None:
    app = opened(filled)
    app.button(key="edit").click()
    run(app)
    app.text_input(key="edit_name").set_value("copse")
    app.button(key="save").click()
    run(app)
    assert app.title[0].value == "copse"
    assert app.query_params["name"] == "copse"


def test_a_model_without_validation_says_why_there_is_nothing(
    filled: FakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    blind = filled.model("forest").model_copy(update={"evaluation": None, "scores": ()})
    monkeypatch.setattr(filled, "model", lambda _name: blind)
    app = opened(filled, section="roc")
    assert "trained on all events" in app.info[0].value
    assert not charts(app)


def test_the_events_of_a_removed_data_set_are_not_shown(filled: FakeClient) -> None:
    for job in filled.jobs():
        if not job.final:
            filled.finish()
    filled.labelled.delete()
    app = opened(filled)
    assert "has been removed" in app.info[0].value
    assert not app.error


def test_an_unknown_model_is_told_with_a_way_out(filled: FakeClient) -> None:
    app = opened(filled, "nobody")
    assert "nobody" in app.error[0].value
    assert any(link.label == "List of models" for link in app.get("page_link"))


def test_without_a_name_the_list_is_named(filled: FakeClient) -> None:
    app = open_page(Place.MODEL, client=filled)
    assert app.info[0].value == "Choose a model in the list."


def test_a_server_that_is_down_is_told(filled: FakeClient) -> None:
    filled.failing = ServerUnreachable("http://localhost", "it is down")
    app = opened(filled)
    assert app.title[0].value == "forest"
    assert any("it is down" in alert for alert in alerts(app))
