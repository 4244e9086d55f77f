"""Pages before a server that asks who comes: the sign-in, what a role allows, whose things are."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from eventsieve.client import Client
from eventsieve.errors import NotAllowed, NotSignedIn, QuotaExceeded, TooMany
from eventsieve.records import Access, AccessRole, Actor
from eventsieve.web.places import Place
from eventsieve.web.refusals import refusal
from web.appt import alerts, open_page, run, texts
from web.fakes import FakeClient

BUTTONS = {
    Place.MODELS: ("set", "unset", "remove_all"),
    Place.DATA: ("remove", "rename"),
    Place.TRAIN: ("train:start",),
}


class Asking(FakeClient):
    """A server that asks, and knows who comes."""

    reader: Actor | None = None

    def access(self) -> Access:
        return Access(required=True, oidc=False, actor=self.reader)


def asking(name: str = "", role: str = "reader") -> Asking:
    fake = Asking.filled()
    fake.reader = Actor(name=name, role=AccessRole(role)) if name else None
    return fake


@pytest.mark.parametrize("place", Place)
def test_who_has_not_signed_in_sees_nothing_else(place):
    fake = asking()
    app = open_page(place, client=fake)
    assert [each.value for each in app.title] == ["Sign in"]
    assert not app.button
    assert not app.sidebar.button
    assert fake.asked == []


def test_the_sign_in_speaks_russian():
    app = open_page(Place.INTRO, client=asking(), language="ru")
    assert [each.value for each in app.title] == ["Войти"]
    assert "Этот сервер спрашивает" in texts(app)


def query(fake: FakeClient, place: Place) -> dict[str, Any]:
    return {Place.DATA: {"id": fake.labelled.id}, Place.TRAIN: {"dataset": fake.labelled.id}}.get(place, {})


@pytest.mark.parametrize(("place", "keys"), BUTTONS.items())
@pytest.mark.parametrize("role", ["reader", "trainer", "admin"])
def test_what_a_role_does_not_allow_is_greyed_and_says_why(place, keys, role):
    fake = asking("ann", role)
    app = open_page(place, client=fake, query=query(fake, place))
    assert f"**ann** · {'administrator' if role == 'admin' else role}" in texts(app)
    # All that is there was made before anybody had to sign in.
    foreign = {"remove_all", "remove", "rename"}
    for key in keys:
        found = [each for each in app.button if each.key == key]
        barred = role == "reader" or (role == "trainer" and key in foreign)
        assert [each.disabled for each in found] == [barred] * len(found)
        assert found or key == "rename"  # which is no button but for those who may not
        told = "administrator" if role == "trainer" else "role"
        assert not barred or all(told in each.help for each in found)


def test_his_own_he_may_change_and_find(monkeypatch):
    fake = asking("ann", "trainer")
    dataset = fake.labelled
    listed = [dataset.model_copy(update={"by": "ann"}), fake.unlabelled.model_copy(update={"by": "bob"})]
    monkeypatch.setattr(Asking, "datasets", lambda self: listed)
    app = open_page(Place.DATA, client=fake)
    assert app.dataframe[0].value["by"].tolist() == ["ann", "bob"]
    app.toggle(key="mine").set_value(True)
    run(app)
    assert app.dataframe[0].value["by"].tolist() == ["ann"]
    assert app.query_params["mine"] == "1"
    monkeypatch.setattr(Asking, "dataset", lambda self, _: listed[0])
    app = open_page(Place.DATA, client=fake, query={"id": dataset.id})
    assert "Yours (ann)" in texts(app)
    assert not app.button(key="remove").disabled


def test_where_nobody_has_to_sign_in_nothing_is_said_of_it(filled):
    app = open_page(Place.MODELS, client=filled)
    assert not app.toggle
    assert "sign out" not in {each.key for each in app.sidebar.button}


def test_a_session_that_ends_leads_back_to_the_sign_in():
    fake = asking("ann", "admin")
    app = open_page(Place.MODELS, client=fake)
    fake.failing = NotSignedIn("This session has ended; sign in again.")
    fake.reader = None
    app.button(key="remove_all").click()
    run(app)
    assert [each.value for each in app.title] == ["Sign in"]


def test_a_sign_in_that_does_not_help_is_told_and_no_endless_loop():
    fake = asking("ann", "admin")
    fake.failing = NotSignedIn("Who are you?")
    app = open_page(Place.MODELS, client=fake)
    assert any("Who are you?" in each.replace("\\", "") for each in alerts(app))


def test_pages_that_are_closed_stay_so_before_a_server_that_is_open(filled, monkeypatch):
    monkeypatch.setenv("EVENTSIEVE_AUTH", "true")
    app = open_page(Place.MODELS, client=filled)
    assert [each.value for each in app.title] == ["Sign in"]
    assert any("EVENTSIEVE" in each for each in alerts(app))


def test_an_older_server_asks_nobody():
    http = httpx2.Client(transport=httpx2.MockTransport(lambda _: httpx2.Response(404, json={"detail": "None."})))
    app = open_page(Place.ML, client=Client("http://elsewhere", http=http))
    assert app.title[0].value.startswith("Classic ML")


@pytest.mark.parametrize(
    ("error", "status", "told"),
    [
        (NotSignedIn("a"), 401, "You are not signed in"),
        (NotAllowed("a"), 403, "You may not do this"),
        (TooMany("a", 7), 429, "Too much at once"),
        (QuotaExceeded("a"), 413, "Your quota is used up"),
    ],
)
def test_a_refused_file_is_told_with_its_cure(error, status, told):
    from starlette.requests import Request

    answer = refusal(Request({"type": "http", "headers": []}), error)
    assert answer.status_code == status
    assert told in bytes(answer.body).decode()
    assert answer.headers.get("retry-after") == ("7" if status == 429 else None)
