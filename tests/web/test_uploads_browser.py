"""In a real browser: uploads past the page, the language that is remembered, and that nothing leaves the machine."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from eventsieve.web.places import Place
from web.browser import Reader, Site

pytestmark = pytest.mark.slow


def choose(reader: Reader, *files: Path) -> None:
    """Send files, as who has opened the popover and chosen them."""
    if not reader.page.locator("input[type=file]").count():
        reader.page.get_by_role("button", name=reader.say("Upload")).first.click()
    reader.page.locator("input[type=file]").set_input_files(files)


def slowed(reader: Reader, bytes_per_second: int) -> None:
    conditions = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": bytes_per_second}
    session = reader.page.context.new_cdp_session(reader.page)
    session.send("Network.enable")
    session.send("Network.emulateNetworkConditions", conditions)


def test_a_table_becomes_a_data_set_that_is_shown(site: Site, events_csv):
    with site.reader("upload") as reader:
        reader.visit(Place.DATA)
        choose(reader, events_csv)
        expect(reader.page.get_by_role("heading", name=events_csv.name)).to_be_visible()
        assert "id=" in reader.page.url
        reader.shot("stored")
    assert events_csv.name in [each.name for each in site.client.datasets()]


def test_what_is_said_of_a_file_goes_with_it(site: Site, tmp_path):
    path = tmp_path / "plain.csv"
    path.write_text("".join(f"{number},{number % 7}.5,{number % 2}\n" for number in range(50)))
    with site.reader("upload-said") as reader:
        reader.visit(Place.DATA)
        reader.page.get_by_role("button", name="Upload").first.click()
        reader.page.get_by_text("How to read it").click()
        reader.page.get_by_role("textbox", name="Name").fill("seven days")
        reader.page.get_by_role("textbox", name="Name").press("Enter")
        reader.click("radio", "no")
        choose(reader, path)
        expect(reader.page.get_by_role("heading", name="seven days")).to_be_visible()
    (found,) = (each for each in site.client.datasets() if each.name == "seven days")
    assert found.events == 50


def test_a_refused_file_is_told_by_its_name_with_every_fault(site: Site, tmp_path):
    path = tmp_path / "empty table.csv"
    path.write_text("a,b\n")
    with site.reader("upload-refused", "ru") as reader:
        reader.visit(Place.DATA)
        choose(reader, path)
        reader.sees(reader.say("The table has a header but no events."))
        reader.sees(reader.say("The table has faults"))
        reader.sees(path.name)
        assert not [each for each in reader.complaints if "422" not in each]
        reader.complaints.clear()
        reader.shot("refused")


def test_several_files_are_several_data_sets_and_one_bad_one_spoils_nothing(site: Site, tmp_path):
    names = ["first.csv", "bad.csv", "second.csv"]
    for number, name in enumerate(names):
        rows = "" if name == "bad.csv" else "".join(f"{i},{i % (3 + number)}\n" for i in range(40))
        (tmp_path / name).write_text("a,b\n" + rows)
    with site.reader("upload-several") as reader:
        reader.visit(Place.PREDICT)
        choose(reader, *(tmp_path / name for name in names))
        reader.sees("The table has a header but no events.")
        reader.settle()
        assert "second.csv" in reader.page.get_by_role("combobox").first.input_value()
    stored = [each.name for each in site.client.datasets()]
    assert {"first.csv", "second.csv"} <= set(stored)
    assert "bad.csv" not in stored


def test_progress_is_shown_and_an_upload_can_be_cancelled_by_the_keyboard(site: Site, tmp_path):
    path = tmp_path / "large.csv"
    path.write_bytes(b"a,b\n" + b"1,2\n" * 2_000_000)
    with site.reader("upload-cancelled") as reader:
        reader.visit(Place.DATA)
        slowed(reader, 1_000_000)
        choose(reader, path)
        bar = reader.page.get_by_role("progressbar", name="Progress of the upload")
        expect(bar).to_be_visible()
        expect(reader.page.get_by_text("of 8 MB").first).to_be_visible()
        reader.shot("progress")
        cancel = reader.page.get_by_role("button", name="Cancel")
        cancel.focus()
        cancel.press("Enter")
        expect(bar).to_be_hidden()
        expect(reader.page.get_by_role("status").filter(has_text="Upload cancelled")).to_be_attached()
    assert "large.csv" not in [each.name for each in site.client.datasets()]


def test_the_file_chooser_is_reached_by_the_keyboard(site: Site):
    with site.reader("upload-keyboard") as reader:
        reader.visit(Place.DATA)
        reader.page.get_by_role("button", name="Upload").first.press("Enter")
        expect(reader.page.get_by_text("Choose files")).to_be_visible()
        reader.settle()
        reader.page.wait_for_function("document.activeElement.shadowRoot?.activeElement?.type === 'file'")
        reader.opens_a_file_chooser_by("Enter")


def test_the_language_that_was_chosen_is_remembered(site: Site):
    with site.reader("language", "ru") as reader:
        reader.visit(Place.DATA, lang="ru")
        assert reader.page.evaluate("document.documentElement.lang") == "ru"
        reader.click("radio", "English")
        reader.sees("Data sets")
        assert "lang=" not in reader.page.url
        reader.page.reload()
        reader.settle()
        reader.sees("Data sets")
        assert reader.page.evaluate("document.documentElement.lang") == "en"


def test_no_request_leaves_the_machine(site: Site):
    with site.reader("network") as reader:
        asked: list[str] = []
        reader.page.on("request", lambda request: asked.append(request.url))
        for place in (Place.INTRO, Place.DATA, Place.TRAIN, Place.MODELS):
            reader.visit(place)
        hosts = {urlsplit(url).hostname for url in asked if not url.startswith(("data:", "blob:"))}
        assert hosts == {urlsplit(site.url).hostname}


def test_a_refused_download_says_what_to_do(site: Site):
    with site.reader("refused-download", "ru") as reader:
        answer = reader.page.goto(f"{site.url}/files/models/nobody/artefact")
        assert answer is not None
        assert answer.status == 404
        assert reader.page.evaluate("document.documentElement.lang") == "ru"
        reader.sees("nobody")
