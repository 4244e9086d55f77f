"""What every page has for all eyes and none: a title of its own, headings in order, words of the reader's language."""

from __future__ import annotations

import pytest

from eventsieve.web.places import Place
from web.appt import open_page
from web.fakes import FakeClient

PLACES = tuple(Place)


@pytest.mark.parametrize("place", PLACES)
def test_one_title_stands_above_all_headings(place: Place) -> None:
    app = open_page(place, client=FakeClient.filled())

    assert len(app.title) == 1
    # Streamlit's header is the level below a title; its subheader would leave one out.
    assert not app.subheader


@pytest.mark.parametrize("place", [Place.EDA, Place.TRAIN, Place.PREDICT])
def test_no_select_box_says_required_in_english(place: Place) -> None:
    app = open_page(place, client=FakeClient.filled(), query={"view": "live"}, language="ru")

    assert app.selectbox
    assert not any(each.proto.required for each in app.selectbox)
