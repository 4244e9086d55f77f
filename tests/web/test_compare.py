"""The page on which models are compared."""

from __future__ import annotations

from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from eventsieve.records import Comparison, Difference, Score
from eventsieve.web.places import Place
from eventsieve.web.widgets.models.comparing import verdict
from eventsieve.web.widgets.models.significance import best_of, leads
from web.appt import alerts, open_page, run, texts
from web.fakes import FakeClient

BOTH = ["forest", "logistic"]


def opened(fake: FakeClient, models: list[str], **query: str) -> AppTest:
    return open_page(Place.COMPARE, client=fake, query={"model": models, **query})


def compared(app: AppTest) -> AppTest:
    app.button(key="compare_now").click()
    return run(app)


def asked(fake: FakeClient) -> list[Any]:
    return [each.body for each in fake.changes if each.path == "/comparisons"]


def test_nothing_is_compared_before_it_is_asked_for(filled: FakeClient) -> None:
    app = opened(filled, BOTH)
    assert app.multiselect(key="model").value == BOTH
    assert app.selectbox(key="dataset").value == filled.model("forest").dataset
    assert asked(filled) == []


def test_models_are_compared_once_each(filled: FakeClient) -> None:
    app = compared(opened(filled, [*BOTH, "forest"]))
    assert asked(filled) == [{"dataset": filled.labelled.id, "models": BOTH}]
    best = filled.compare(BOTH, filled.labelled).ranking[0]
    assert f"**{best}** has the largest ROC AUC, weighted" in texts(app)
    assert "were left out because a model was trained on them" in texts(app)
    assert len(app.get("plotly_chart")) == 3
    assert not app.error


def test_the_result_is_there_again_where_the_address_is(filled: FakeClient) -> None:
    app = compared(opened(filled, BOTH))
    fingerprint = app.query_params["compared"]
    again = opened(filled, BOTH, compared=fingerprint)
    assert "has the largest ROC AUC" in texts(again)
    assert len(asked(filled)) == 1  # nothing has changed: it is the same result


def test_the_result_of_other_models_is_not_shown(filled: FakeClient) -> None:
    app = compared(opened(filled, BOTH))
    fingerprint = app.query_params["compared"]
    filled.model("forest").set_threshold(0.7)
    again = opened(filled, BOTH, compared=fingerprint)
    assert "has the largest ROC AUC" not in texts(again)
    assert any("has changed since" in each.value for each in again.info)


def test_the_best_becomes_current(filled: FakeClient) -> None:
    app = compared(opened(filled, BOTH))
    best = filled.compare(BOTH, filled.labelled).ranking[0]
    app.button(key="set_best").click()
    run(app)
    assert filled.current().name == best
    assert "has the largest ROC AUC" in texts(app)


def test_weights_are_a_choice(filled: FakeClient) -> None:
    app = compared(opened(filled, BOTH))
    weighted = app.dataframe[0].value
    app.get_by_key("weighted").set_value(False)
    run(app)
    assert not app.dataframe[0].value.equals(weighted)


def test_what_the_address_names_and_is_not_there_is_told(filled: FakeClient) -> None:
    app = opened(filled, ["forest", "nobody"], dataset="nowhere")
    assert app.multiselect(key="model").value == ["forest"]
    assert any("nobody" in alert for alert in alerts(app))
    assert any("nowhere" in alert for alert in alerts(app))


def test_a_refusal_is_told_with_its_cure(filled: FakeClient) -> None:
    app = opened(filled, ["forest"])
    filled.model("forest").delete()
    app.button(key="compare_now").click()
    run(app)
    assert any("forest" in alert for alert in alerts(app))
    assert app.multiselect(key="model").options == ["logistic", "boosting"]


def test_without_models_the_page_says_what_to_do(empty: FakeClient) -> None:
    app = open_page(Place.COMPARE, client=empty)
    assert app.info[0].value == "No model has been trained yet. Train one first."


REPLICAS = 250


def difference(first: str, second: str, value: float, p: float, *, name: str = "roc_auc") -> Difference:
    spread = abs(value) / 3 if p < 0.05 else 2 * abs(value)
    better = (first if value > 0 else second) if p < 0.05 else None
    return Difference(
        first=first,
        second=second,
        name=name,
        weighted=False,
        value=value,
        low=value - spread,
        high=value + spread,
        p_value=p,
        replicas=REPLICAS,
        better=better,
    )


def comparison(differences: list[Difference], **values: float) -> Comparison:
    return Comparison(
        dataset="d",
        events=100,
        seen=0,
        scores={
            model: (Score(name="roc_auc", value=value), Score(name="log_loss", value=value))
            for model, value in values.items()
        },
        differences=tuple(differences),
        mcnemar=(),
        ranking=tuple(sorted(values, key=lambda model: -values[model])),
        verdict="",
    )


def test_the_best_is_significant_only_after_the_correction() -> None:
    two = [difference("a", "b", 0.1, 0.04)]
    found = best_of(comparison(two, a=0.9, b=0.8), "roc_auc", weighted=False)
    assert found is not None
    assert (found.model, found.next, found.significant) == ("a", "b", True)
    three = [*two, difference("a", "c", 0.1, 0.04)]
    found = best_of(comparison(three, a=0.9, b=0.8, c=0.79), "roc_auc", weighted=False)
    assert found is not None
    assert not found.significant
    assert found.p_value == pytest.approx(0.08)


def test_many_models_do_not_drown_what_the_replicas_cannot_resolve() -> None:
    others = {f"m{number}": 0.5 for number in range(9)}
    found = leads(
        comparison([difference("a", other, 0.4, 2 / (1 + REPLICAS)) for other in others], a=0.9, **others),
        "a",
        "roc_auc",
        weighted=False,
    )
    assert max(found.values()) < 0.001


def test_the_normal_tail_is_taken_where_the_replicas_say_no_more_and_nowhere_else() -> None:
    bound = 2 / (1 + REPLICAS)
    # An interval of three standard deviations: the tail is 1.2e-9, which replicas that say otherwise overrule.
    told = difference("a", "b", 0.1, 2 * bound)
    assert leads(comparison([told], a=0.9, b=0.8), "a", "roc_auc", weighted=False) == {"b": 2 * bound}
    # And one that hardly leaves out zero: its tail is larger than the bound, and stands.
    wide = difference("a", "b", 0.1, bound).model_copy(update={"low": 0.1 - 0.098, "high": 0.1 + 0.098})
    found = leads(comparison([wide], a=0.9, b=0.8), "a", "roc_auc", weighted=False)
    assert found == pytest.approx({"b": 0.0455}, rel=1e-2)


def test_of_losses_the_least_is_best() -> None:
    found = best_of(
        comparison([difference("a", "b", 0.1, 0.01, name="log_loss")], a=0.9, b=0.8), "log_loss", weighted=False
    )
    assert found is not None
    assert (found.model, found.next, found.significant) == ("b", "a", True)


def test_the_verdict_says_what_is_more_than_chance() -> None:
    found = comparison(
        [difference("a", "b", 0.01, 0.6), difference("a", "c*", 0.3, 0.01)], a=0.9, b=0.89, **{"c*": 0.6}
    )
    assert verdict(found) == (
        r"**a** has the largest ROC AUC (0.9000). Its lead over c\* is more than chance. Its lead over b may be chance."
    )


def test_one_model_alone_has_no_rival() -> None:
    assert verdict(comparison([], a=0.9)) == "**a** has the largest ROC AUC (0.9000)."
    found = best_of(comparison([], a=0.9), "roc_auc", weighted=False)
    assert found is not None
    assert found.next is None
    assert not found.significant
