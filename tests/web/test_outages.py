"""What readers see when the server is down, slow, restarted, or refuses; and that they do not meet one another."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from eventsieve.records import State
from eventsieve.web.places import Place

pytestmark = pytest.mark.slow

LANGUAGES = pytest.mark.parametrize("language", ["en", "ru"])
LONG = {"type": "RandomForest", "hyperparameters": {"n_estimators": 4_000}}


@pytest.fixture(autouse=True)
def _the_wire_is_mended(site):
    yield
    site.proxy.cut, site.proxy.delay = False, 0.0


@LANGUAGES
def test_a_server_that_is_down_is_told_with_its_cure_and_comes_back(site, language):
    with site.reader("down", language) as reader:
        site.proxy.cut = True
        reader.visit()
        reader.sees(reader.say("The server does not answer"))
        reader.sees(re.compile("eventsieve serve"))
        reader.shot("1-intro")
        for place in (Place.DATA, Place.TRAIN, Place.MODELS, Place.JOBS, Place.PREDICT, Place.COMPARE, Place.ML):
            reader.visit(place)
            reader.sees(reader.say("The server does not answer"))
            reader.shot(f"2-{place}")
        reader.visit()
        site.proxy.cut = False
        reader.click("button", reader.say("Try again"))
        expect(reader.page.get_by_text(reader.say("The server does not answer"))).to_have_count(0)
        reader.sees(reader.say("Start here"))


def test_a_slow_server_is_waited_for(site):
    site.seed()
    with site.reader("slow") as reader:
        site.proxy.delay = 0.7
        for place in (Place.INTRO, Place.DATA, Place.TRAIN, Place.MODELS):
            reader.visit(place)
            reader.is_healthy()
            assert reader.page.get_by_role("heading", level=1).count() == 1
        reader.shot("models")


@LANGUAGES
def test_a_restart_in_the_middle_of_training_is_survived(site, language):
    dataset = site.seed()
    job = site.client.train(dataset, [{"name": f"lost-{language}", **LONG}], seconds=3600, wait=False)
    with site.reader("restart", language) as reader:
        reader.visit(Place.JOBS, id=job.id)
        reader.sees(reader.say("running"))
        site.proxy.cut = True
        reader.sees(reader.say("The server does not answer. Trying again…"))
        reader.shot("1-away")
        site.restart()
        reader.sees(reader.say("Training of model {name} interrupted", name=f"lost-{language}"))
        reader.settle()
        reader.shot("2-back")
        assert site.client.job(job.id).models[0].state is State.INTERRUPTED


@LANGUAGES
def test_a_file_that_is_no_table_is_refused_with_its_faults(site, language, tmp_path):
    path = tmp_path / "notes.csv"
    path.write_text("dear diary,\ntoday,I,measured,nothing\n")
    with site.reader("bad-table", language) as reader:
        reader.visit(Place.DATA)
        reader.click("button", re.compile(f"^{reader.say('Upload')}"), exact=False)
        reader.page.locator("input[type=file]").set_input_files(path)
        expect(reader.page.get_by_test_id("stAlert").filter(visible=True).first).to_be_visible()
        reader.settle()
        reader.complaints = [each for each in reader.complaints if "400" not in each and "422" not in each]
        reader.shot("refused")


def test_links_to_what_is_gone_say_so(site):
    with site.reader("gone") as reader:
        for place, query in {
            Place.DATA: {"id": "nothing"},
            Place.JOBS: {"id": "nothing"},
            Place.MODEL: {"name": "nothing"},
            Place.PREDICT: {"model": "nothing"},
            Place.TRAIN: {"dataset": "nothing"},
            Place.EDA: {"dataset": "nothing"},
        }.items():
            reader.visit(place, **query)
            reader.sees(re.compile("nothing"))
            reader.shot(str(place))


def test_a_name_that_is_taken_meanwhile_is_told_at_its_model(site):
    dataset = site.seed()
    with site.reader("taken") as reader:
        reader.visit(Place.TRAIN, dataset=dataset.id)
        name = reader.page.get_by_role("textbox", name="Enter the model's ID").first
        name.fill("wanted")
        name.press("Enter")
        reader.settle()
        site.seed(wanted={"type": "LogReg"})
        reader.page.get_by_role("button", name="Train", exact=True).click()
        reader.sees(re.compile("'?wanted'? is taken"))
        reader.settle()
        reader.shot("refused")


def test_two_readers_do_not_meet(site):
    dataset = site.seed()
    other = site.client.simulate(3_000, 9)
    with site.reader("first", "en") as first, site.reader("second", "ru") as second:
        first.visit(Place.TRAIN, dataset=dataset.id)
        second.visit(Place.TRAIN, dataset=other.id)
        first.click("button", "Remove the model")
        first.page.get_by_role("textbox", name="Enter the model's ID").first.fill("mine")
        first.page.keyboard.press("Enter")
        first.settle()
        boxes = second.page.get_by_role("textbox", name=second.say("Enter the model's ID"))
        assert boxes.count() == 3
        second.click("button", second.say("Add a model"))
        assert boxes.count() == 4
        assert "mine" not in {box.input_value() for box in boxes.all()}
        assert first.page.get_by_role("textbox", name="Enter the model's ID").count() == 2
        expect(first.page.get_by_role("heading", level=1)).to_contain_text("Train a model")
        expect(second.page.get_by_role("heading", level=1)).to_contain_text(second.say("Train a model"))
        assert other.id in second.page.url
        assert dataset.id in first.page.url
        second.shot("train")
