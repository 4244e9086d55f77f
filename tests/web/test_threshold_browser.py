"""The threshold in a real browser: dragged, stepped with keys, read off without the server, and sent when let go."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from web.browser import PATIENCE, until_served

pytestmark = pytest.mark.slow

TESTS = Path(__file__).parents[1]
SCRIPT = """
import streamlit as st

from evaluations import evaluation
from eventsieve.web.widgets.threshold import threshold

runs = st.session_state["runs"] = st.session_state.get("runs", 0) + 1
found = evaluation()
curves = found.curves[0]
cuts = curves.cuts.model_copy(
    update={"signal_events": tuple(range(490, -1, -10)), "background_events": tuple(range(980, -1, -20))}
)
found = found.model_copy(update={"curves": (curves.model_copy(update={"cuts": cuts}),)})
if "without" in st.query_params:
    found = found.model_copy(update={"ams": None})
if "equals" in st.query_params:
    found = evaluation(("a<b>", "b", "c"), None)
if "strange" in st.query_params:
    label = "<img src=x onerror=document.title='harm'>"
    found = found.model_copy(
        update={
            "classes": ("b", label),
            "signal": label,
            "curves": (found.curves[0].model_copy(update={"label": label}),),
        }
    )
st.text(f"chosen {threshold(found, 0.25 if 'own' in st.query_params else None, key='cut')} in run {runs}")
"""


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("threshold")
    (folder / "script.py").write_text(f"import sys\nsys.path.insert(0, {str(TESTS)!r})\n{SCRIPT}")
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    options = {"server.port": port, "server.address": "127.0.0.1", "server.headless": "true"}
    options |= {"browser.gatherUsageStats": "false", "server.fileWatcherType": "none"}
    command = [sys.executable, "-m", "streamlit", "run", "script.py"]
    command += [f"--{name}={value}" for name, value in options.items()]
    with (folder / "page.log").open("ab") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder)
    try:
        until_served(f"http://127.0.0.1:{port}", process, folder / "page.log")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(locale="en-GB", viewport={"width": 900, "height": 900})
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    expect.set_options(timeout=PATIENCE)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    context.close()
    assert not errors


def slider(page: Page) -> Locator:
    found = page.get_by_role("slider")
    expect(found).to_be_visible()
    return found


def number(page: Page, name: str) -> Locator:
    """What stands below a name."""
    return page.locator("dl > div", has=page.locator("dt", has_text=re.compile(f"^{name}$"))).locator("dd")


def cut(page: Page) -> float:
    return float(slider(page).get_attribute("aria-valuenow") or "nan")


def drag(page: Page, share: float, *, release: bool = True) -> None:
    """Take the line and bring it to that share of the axis."""
    slider(page).scroll_into_view_if_needed()
    grid = page.locator("svg .grid").first.bounding_box()
    handle = slider(page).locator("rect").bounding_box()
    assert grid is not None
    assert handle is not None
    y = handle["y"] + handle["height"] / 2
    page.mouse.move(handle["x"] + handle["width"] / 2, y)
    page.mouse.down()
    page.mouse.move(grid["x"] + share * grid["width"], y, steps=5)
    if release:
        page.mouse.up()


def test_it_begins_at_the_models_own_and_reads_off_the_curves(page: Page, url: str):
    page.goto(url)
    expect(page.get_by_text("chosen 0.5 in run 1")).to_be_visible()
    assert cut(page) == 0.5
    assert slider(page).get_attribute("aria-valuemin") == "0"
    assert slider(page).get_attribute("aria-valuemax") == "1"
    # 0.5 lies between two of the curve's cuts.
    expect(number(page, "Signal events selected")).to_have_text("≈ 245 of 490")
    expect(number(page, "AMS")).to_have_text("0.750 ± 0.100")
    expect(number(page, "Signal efficiency")).to_have_text("50.00%")
    expect(number(page, "Signal expected in the full sample")).to_have_text("345.95")


def test_a_drag_is_live_without_the_server_and_sent_when_let_go(page: Page, url: str):
    page.goto(url)
    drag(page, 0.2, release=False)
    place = round(cut(page) * 49)
    assert place == 10
    expect(number(page, "Signal events selected")).to_have_text(f"{490 - 10 * place} of 490")
    expect(number(page, "Background events selected")).to_have_text(f"{980 - 20 * place} of 980")
    expect(page.get_by_text("chosen 0.5 in run 1")).to_be_visible()
    page.mouse.up()
    expect(page.get_by_text(re.compile(r"chosen 0\.204.* in run 2"))).to_be_visible()
    assert round(cut(page) * 49) == place


def test_a_line_that_is_dragged_beyond_the_axis_stays_at_its_end(page: Page, url: str):
    page.goto(url)
    drag(page, 1.5)
    expect(page.get_by_text("chosen 1.0 in run 2")).to_be_visible()
    expect(number(page, "Background events selected")).to_have_text("0 of 980")


def test_keys_move_it_and_send_it(page: Page, url: str):
    page.goto(url)
    slider(page).focus()
    for key, place in (
        ("Home", 0),
        ("PageUp", 10),
        ("ArrowRight", 11),
        ("ArrowLeft", 10),
        ("PageDown", 0),
        ("End", 49),
    ):
        page.keyboard.press(key)
        assert round(cut(page) * 49) == place, key
    expect(page.get_by_text(re.compile("chosen 1.0 in run"))).to_be_visible()
    # A page that runs again takes nothing from who is at the keys.
    expect(slider(page)).to_be_focused()
    page.keyboard.press("ArrowLeft")
    expect(page.get_by_text(re.compile(r"chosen 0\.979"))).to_be_visible()
    assert "Cut 0.9796" in (slider(page).get_attribute("aria-valuetext") or "")


def test_arrows_leave_the_models_own_cut_for_the_cuts_beside_it(page: Page, url: str):
    page.goto(url)
    slider(page).focus()
    page.keyboard.press("ArrowRight")
    assert round(cut(page) * 49) == 25
    page.keyboard.press("ArrowLeft")
    assert round(cut(page) * 49) == 24


def test_buttons_bring_it_to_the_best_ams_and_back(page: Page, url: str):
    page.goto(f"{url}/?own")
    expect(page.get_by_text("chosen 0.25 in run 1")).to_be_visible()
    page.get_by_role("button", name="Best AMS: 0.8").click()
    expect(page.get_by_text("chosen 0.8 in run 2")).to_be_visible()
    page.get_by_role("button", name="The model's own: 0.25").click()
    expect(page.get_by_text("chosen 0.25 in run 3")).to_be_visible()


def test_a_finger_moves_it_and_one_that_scrolls_does_not(browser: Browser, url: str):
    context = browser.new_context(viewport={"width": 400, "height": 800}, has_touch=True, locale="en-GB")
    page = context.new_page()
    page.goto(url)
    expect(slider(page)).to_be_visible()
    chart = page.locator(".threshold svg")
    at = {"pointerId": 5, "pointerType": "touch", "isPrimary": True, "button": 0, "bubbles": True}
    box = chart.bounding_box()
    assert box is not None
    chart.evaluate("chart => { chart.setPointerCapture = () => {} }")  # a made-up finger cannot be held
    down, aside = ({**at, "clientX": box["x"] + share * box["width"], "clientY": box["y"] + 50} for share in (0.3, 0.8))
    chart.dispatch_event("pointerdown", down)
    assert cut(page) == 0.5
    chart.dispatch_event("pointercancel", down)
    assert cut(page) == 0.5
    chart.dispatch_event("pointerdown", down)
    chart.dispatch_event("pointermove", aside)
    assert cut(page) > 0.7
    chart.dispatch_event("pointerup", aside)
    expect(page.get_by_text(re.compile(r"chosen 0\.7.* in run 2"))).to_be_visible()
    context.close()


def test_without_ams_there_are_efficiencies_and_no_button_for_its_best(page: Page, url: str):
    page.goto(f"{url}/?without")
    expect(page.get_by_text("There is no AMS of this model.")).to_be_visible()
    expect(page.get_by_role("button", name="Best AMS")).to_have_count(0)
    expect(number(page, "Purity")).to_have_text("50.00%")
    drag(page, 0.5)


def test_without_a_signal_it_is_said_that_there_is_no_cut(page: Page, url: str):
    page.goto(f"{url}/?equals")
    expect(page.get_by_text("No class of these events is the signal")).to_be_visible()
    expect(page.get_by_text("chosen None in run 1")).to_be_visible()


def test_a_label_is_text(page: Page, url: str):
    page.goto(f"{url}/?strange")
    slider(page)
    expect(page.locator(".threshold img")).to_have_count(0)
    assert page.title() != "harm"


@pytest.mark.parametrize("width", [400, 2560])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_and_can_be_seen(browser: Browser, url: str, pytestconfig: pytest.Config, width: int, scheme: str):
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, reduced_motion="reduce"
    )
    page = context.new_page()
    page.goto(url)
    expect(slider(page)).to_be_visible()
    beyond = page.evaluate("() => document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert beyond <= 0
    ink = slider(page).locator("line").evaluate("line => getComputedStyle(line).stroke")
    paper = page.locator("[data-testid=stApp]").evaluate("app => getComputedStyle(app).backgroundColor")
    light = [sum(map(int, re.findall(r"\d+", colour)[:3])) for colour in (ink, paper)]
    assert abs(light[0] - light[1]) > 400, (ink, paper)
    context.close()
