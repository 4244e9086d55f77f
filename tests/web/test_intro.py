"""The start page."""

from __future__ import annotations

from eventsieve.errors import ServerUnreachable
from eventsieve.web.places import Place
from web.appt import GITHUB_LINK, alerts, open_page, run, texts
from web.fakes import FakeClient


def test_it_says_what_this_is_and_that_the_server_answers(filled):
    app = open_page(Place.INTRO, client=filled)
    assert "collision events" in app.title[0].value
    (connected,) = app.success
    assert "version" in connected.value
    assert "localhost" in connected.value
    assert "Start here" in [each.value for each in app.header]
    assert "The current model is **boosting**." in texts(app)


def test_the_project_is_linked_where_it_is_published(filled):
    (link,) = open_page(Place.INTRO, client=filled).get("link_button")
    assert link.proto.url == GITHUB_LINK


def test_a_server_that_is_down_is_told_with_cause_cure_and_a_way_to_try_again():
    fake = FakeClient(failing=ServerUnreachable("http://localhost", "connection refused"))
    app = open_page(Place.INTRO, client=fake)
    (told,) = alerts(app)
    assert "connection refused" in told
    assert "`make up`" in told
    assert not app.header
    fake.failing = None
    (again,) = [each for each in app.button if each.label == "Try again"]
    again.click()
    assert run(app).success


def test_the_sample_is_one_click_away(empty):
    app = open_page(Place.INTRO, client=empty)
    app.button(key="start sample").click()
    run(app)
    (dataset,) = empty.datasets()
    assert dataset.event_schema.label is not None
    links = {link.proto.page: link.proto.query_string for link in app.get("page_link")}
    assert f"dataset={dataset.id}" in links.values()


def test_a_refusal_of_the_sample_is_told_in_its_place(empty):
    app = open_page(Place.INTRO, client=empty)
    empty.failing = ServerUnreachable("http://localhost", "gone")
    app.button(key="start sample").click()
    assert "gone" in alerts(run(app))[0]
