"""The start of machine learning."""

from __future__ import annotations

from typing import Any

import pytest

from eventsieve.errors import ServerUnreachable
from eventsieve.web.places import Place
from web.appt import alerts, open_page, texts
from web.fakes import MODELS, FakeClient


def links(app: Any) -> list[str]:
    return [each.proto.label for each in app.get("page_link")]


def test_three_doors_with_what_is_behind_them(filled: FakeClient) -> None:
    app = open_page(Place.ML, client=filled)
    assert app.title[0].value == "Classic ML. Training and inference"
    assert [each.label for each in app.button if each.key.startswith("ml:")] == [
        "Train a model",
        "Make a prediction",
        "List of models",
    ]
    assert "The current model is boosting." in texts(app)
    assert f"{len(MODELS)} models" in texts(app)
    assert "1 training runs now" in links(app)


def test_no_current_model_is_told(filled: FakeClient) -> None:
    filled.unset()
    assert "No model is the current one" in texts(open_page(Place.ML, client=filled))


def test_an_empty_store_says_what_to_do_first(empty: FakeClient) -> None:
    app = open_page(Place.ML, client=empty)
    assert "There are no events yet" in texts(app)
    assert "Data sets" in links(app)
    assert "No training runs now." in texts(app)
    assert "Train a model first." in texts(app)


@pytest.mark.parametrize(
    ("door", "title"), [("train", "Train a model"), ("predict", "Make a prediction"), ("models", "List of models")]
)
def test_a_door_leads_to_its_page(filled: FakeClient, door: str, title: str) -> None:
    app = open_page(Place.ML, client=filled)
    app.button(key=f"ml:{door}").click().run()
    assert not app.exception
    assert app.title[0].value == title


def test_a_server_that_does_not_answer_is_told() -> None:
    app = open_page(Place.ML, client=FakeClient(failing=ServerUnreachable("http://x", "refused")))
    assert alerts(app)
