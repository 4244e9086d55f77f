"""The page with all models."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from streamlit.testing.v1 import AppTest

from eventsieve.errors import ServerUnreachable
from eventsieve.web.places import Place
from eventsieve.web.widgets.models.table import rows
from web.appt import alerts, open_page, run, texts
from web.fakes import MODELS, Asked, FakeClient

CURRENT = next(reversed(MODELS))


def named(app: AppTest) -> list[str]:
    return list(app.dataframe[0].value["name"])


def removed(fake: FakeClient) -> list[str]:
    return [asked.path for asked in fake.changes if asked.method == "DELETE"]


def accept(app: AppTest, opener: str, **typed: object) -> None:
    """Open a dialog, fill it in, accept. AppTest draws a dialog once, so what is typed stands there beforehand."""
    for key, value in typed.items():
        app.session_state[key] = value
    app.button(key=opener).click()
    run(app)
    app.button(key="accept").click()
    run(app)


def test_every_model_stands_in_the_table_with_its_figures(filled: FakeClient) -> None:
    app = open_page(Place.MODELS, client=filled)
    table = app.dataframe[0].value
    assert set(named(app)) == set(MODELS)
    assert table.set_index("name")["type"].to_dict() == {name: spec["type"] for name, spec in MODELS.items()}
    model = filled.model("forest")
    weighted = {score.name: score for score in model.scores if score.weighted}
    row = table.set_index("name").loc["forest"]
    assert row["roc_auc"] == weighted["roc_auc"].value
    assert row["roc_auc ±"] == weighted["roc_auc"].uncertainty
    assert row["dataset"] == "simulated"


def test_every_parameter_of_every_model_is_there(filled: FakeClient) -> None:
    app = open_page(Place.MODELS, client=filled)
    tables = [each.value for each in app.dataframe if "Parameter" in each.value.columns]
    shown = [dict(zip(table["Parameter"], table["Value"], strict=True)) for table in tables]
    expected = [
        {"Type": model.type} | {name: str(value) for name, value in model.hyperparameters.items()}
        for model in filled.models()
    ]
    assert sorted(shown, key=str) == sorted(expected, key=str)


def test_the_current_model_is_marked(filled: FakeClient) -> None:
    app = open_page(Place.MODELS, client=filled)
    marks = dict(zip(named(app), app.dataframe[0].value["current"], strict=True))
    assert marks == {name: "current" if name == CURRENT else "" for name in MODELS}
    assert f"The current model is **{CURRENT}**" in texts(app)
    assert [each.value for each in app.markdown if "This is the current model" in each.value]


@pytest.mark.parametrize(("key", "value"), [("type", "RandomForest"), ("trained_on", "simulated"), ("tag", "paper")])
def test_filters_stand_in_the_address(filled: FakeClient, key: str, value: str) -> None:
    filled.model("forest").tag("paper")
    app = open_page(Place.MODELS, client=filled, query={key: value})
    expected = {"type": {"forest"}, "tag": {"forest"}, "trained_on": set(MODELS)}[key]
    assert set(named(app)) == expected
    app.multiselect(key=key).set_value([])
    run(app)
    assert set(named(app)) == set(MODELS)


def test_a_filter_that_nothing_passes_says_so(filled: FakeClient) -> None:
    filled.model("forest").tag("paper")
    app = open_page(Place.MODELS, client=filled, query={"tag": "paper", "type": "LogReg"})
    assert "No model fits these filters" in texts(app)


def test_unset_leaves_none_and_the_list_is_asked_for_again(filled: FakeClient) -> None:
    app = open_page(Place.MODELS, client=filled)
    app.button(key="unset").click()
    run(app)
    assert filled.changes == [Asked("DELETE", "/current", {"by": ""})]
    assert set(app.dataframe[0].value["current"]) == {""}
    assert app.button(key="unset").disabled
    assert [toast.value for toast in app.toast] == ["No model is current now."]


def test_set_asks_which_one_where_none_is_selected(filled: FakeClient) -> None:
    app = open_page(Place.MODELS, client=filled)
    app.button(key="set").click()
    run(app)
    assert app.selectbox(key="current_chosen").options == named(app)
    app.selectbox(key="current_chosen").set_value("forest")
    app.button(key="accept").click()
    run(app)
    assert filled.current().name == "forest"
    marks = dict(zip(named(app), app.dataframe[0].value["current"], strict=True))
    assert marks["forest"] == "current"


def test_remove_asks_which_ones(filled: FakeClient) -> None:
    app = open_page(Place.MODELS, client=filled)
    app.button(key="remove").click()
    run(app)
    assert app.button(key="accept").disabled
    assert not removed(filled)


def test_removing_some(filled: FakeClient) -> None:
    app = open_page(Place.MODELS, client=filled)
    accept(app, "remove", removal_chosen=["forest"])
    assert removed(filled) == ["/models/forest"]
    assert set(named(app)) == set(MODELS) - {"forest"}


def test_remove_all_names_how_many_and_wants_it_typed(filled: FakeClient) -> None:
    app = open_page(Place.MODELS, client=filled)
    app.button(key="remove_all").click()
    run(app)
    assert any("3 models" in alert for alert in alerts(app))
    assert app.text_input(key="removal_typed").label == "Type 3 to confirm"
    assert app.button(key="accept").disabled
    assert not removed(filled)
    accept(app, "remove_all", removal_typed="3")
    assert sorted(removed(filled)) == sorted(f"/models/{name}" for name in MODELS)
    assert "No model has been trained yet" in texts(app)


def test_what_somebody_else_removed_is_told_and_the_list_is_new(filled: FakeClient) -> None:
    app = open_page(Place.MODELS, client=filled)
    app.session_state["removal_typed"] = "3"
    app.button(key="remove_all").click()
    run(app)
    filled.model("forest").delete()
    app.button(key="accept").click()
    run(app)
    assert any("forest" in alert for alert in alerts(app))
    assert next(toast.value for toast in app.toast) == "2 models removed"
    assert "No model has been trained yet" in texts(app)


def test_history_and_the_way_back(filled: FakeClient) -> None:
    app = open_page(Place.MODELS, client=filled)
    history = next(each.value for each in app.dataframe if "By" in each.value.columns)
    assert list(history["Current model"]) == [CURRENT, "logistic"]
    app.button(key="rollback").click()
    run(app)
    assert filled.current().name == "logistic"


def test_a_refused_way_back_is_told(filled: FakeClient) -> None:
    filled.model("logistic").delete()
    app = open_page(Place.MODELS, client=filled)
    app.button(key="rollback").click()
    run(app)
    assert app.error
    assert filled.current().name == CURRENT


def test_without_models_the_page_says_what_to_do(empty: FakeClient) -> None:
    app = open_page(Place.MODELS, client=empty)
    assert app.info[0].value == "No model has been trained yet. Train one first."
    assert not app.dataframe
    assert any(link.label == "Train a model" for link in app.get("page_link"))


def test_a_server_that_is_down_is_told(filled: FakeClient) -> None:
    filled.failing = ServerUnreachable("http://localhost", "it is down")
    app = open_page(Place.MODELS, client=filled)
    assert app.title[0].value == "List of models"
    assert "it is down" in app.error[0].value


def test_names_are_not_markdown(filled: FakeClient) -> None:
    filled.model("forest").rename("*a* <b>b</b> [c](d)")
    app = open_page(Place.MODELS, client=filled)
    labels = [each.label for each in app.expander]
    assert r"Model \*a\* \<b\>b\</b\> \[c\]\(d\)" in labels


def test_figures_that_a_model_lacks_are_left_empty(filled: FakeClient) -> None:
    model = filled.model("forest").model_copy(update={"scores": (), "created": datetime(2026, 1, 1, tzinfo=UTC)})
    columns = rows([model], {})
    assert columns["roc_auc"] == [None]
    assert columns["dataset"] == [""]
