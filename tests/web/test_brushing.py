"""A range that is drawn on a histogram in a real browser cuts on it, and everything is of the events that pass."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlparse

import pytest
from playwright.sync_api import expect

from eventsieve.web.places import Place

pytestmark = pytest.mark.slow


def test_a_range_on_a_histogram_becomes_a_cut(site):
    dataset = site.client.simulate(3_000)
    with site.reader("brushing") as reader:
        reader.visit(Place.EDA, dataset=dataset.id)
        plot = reader.page.locator("[class*=st-key-histogram] .nsewdrag").first
        expect(plot).to_be_visible()
        plot.scroll_into_view_if_needed()
        reader.settle()
        box = plot.bounding_box()
        x, y = box["x"], box["y"] + box["height"] / 2
        mouse = reader.page.mouse
        mouse.move(x + 0.3 * box["width"], y)
        mouse.down()
        mouse.move(x + 0.5 * box["width"], y, steps=5)
        mouse.move(x + 0.7 * box["width"], y + 4, steps=5)
        mouse.up()
        reader.page.wait_for_url(re.compile(r"cut="))
        (cut,) = parse_qs(urlparse(reader.page.url).query)["cut"]
        assert re.fullmatch(r"[-\d.]+ <= \w+ < [-\d.]+", cut)
        found = dataset.explore(cut=cut, detail="histograms")
        assert 0 < found.table.events < dataset.events
        reader.sees(re.compile(f"{found.table.events:,} of 3,000 events"))
        expect(reader.page.get_by_role("textbox", name="Only events with")).to_have_value(cut)
