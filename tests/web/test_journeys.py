"""Readers walk the paths through the page in a real browser, over a real server, in both languages."""

from __future__ import annotations

import re

import pyarrow.csv
import pypdf
import pytest
import uproot
from playwright.sync_api import expect

from eventsieve.records import State
from eventsieve.web.places import Place

pytestmark = pytest.mark.slow

LANGUAGES = pytest.mark.parametrize("language", ["en", "ru"])
TRAINING = 150_000
"""Milliseconds that a training may take here."""
MODELS = {
    "line": {"type": "LogReg"},
    "shallow": {"type": "RandomForest", "hyperparameters": {"n_estimators": 20, "max_depth": 3}},
    "deep": {"type": "RandomForest", "hyperparameters": {"n_estimators": 40}},
}


@pytest.fixture(scope="module")
def models(site):
    """Models on the shelf, for tests of what is done with models; and the data set that they were trained on."""
    return site.seed(**MODELS)


@LANGUAGES
def test_a_newcomer_gets_from_nothing_to_predictions_in_a_file(site, language, tmp_path):
    with site.reader("newcomer", language) as reader:
        say = reader.say
        reader.visit()
        reader.sees(re.compile(re.escape(site.proxy.url)))
        reader.shot("1-intro")
        reader.click("button", say("Use the simulated sample"))
        reader.main_link(say("Train a model"))
        for fast in reader.page.get_by_role("radio", name=say("Fast"), exact=True).all():
            fast.click()
            reader.settle()
        reader.whole("2-train")
        boxes = reader.page.get_by_role("textbox", name=say("Enter the model's ID")).all()
        names = [box.input_value() for box in boxes]
        assert len(names) == 3
        reader.page.get_by_role("button", name=say("Train"), exact=True).click()
        reader.page.wait_for_url(re.compile(r"/jobs\?id="))
        reader.sees(say("running"))
        reader.shot("3-training")
        for name in names:
            reader.sees(say("Model {name} trained", name=name), within=TRAINING)
        reader.settle()
        reader.whole("4-trained")
        reader.main_link(say("Open"))
        expect(reader.page.get_by_role("heading", level=1)).to_contain_text(names[0])
        reader.click("button", say("Make a prediction"))
        reader.click("button", say("Predict"))
        reader.sees(say("The model's predictions are below."))
        reader.whole("5-predictions")
        path = reader.saved("CSV", tmp_path)
    table = pyarrow.csv.read_csv(path)
    assert len(table) == 20_000
    assert table.column_names[:3] == ["EventId", "score", "label"]
    assert set(table["label"].to_pylist()) == {"s", "b"}


@LANGUAGES
@pytest.mark.parametrize(
    ("file", "events"), [("higgsml_training_17889.csv.gz", 17_889), ("mlhep2016_higgs_10000.root", 10_000)]
)
def test_a_file_of_real_events_becomes_a_data_set(site, real_data, language, file, events):
    with site.reader(f"upload-{file.rpartition('.')[2]}", language) as reader:
        reader.visit(Place.DATA)
        reader.click("button", re.compile(f"^{reader.say('Upload')}"), exact=False)
        reader.page.locator("input[type=file]").set_input_files(real_data / file)
        reader.page.wait_for_url(re.compile(r"/data\?id="))
        reader.settle()
        reader.whole("dataset")
        (found,) = [each for each in site.client.datasets() if each.parts[0].file == file]
        assert found.events == events
        assert found.id in reader.page.url


@LANGUAGES
def test_two_tables_are_explored_and_cut(site, language):
    train, test = site.client.simulate(4_000), site.client.simulate(1_000, 5, first_id=350_000, unlabelled=True)
    with site.reader("eda", language) as reader:
        reader.visit(Place.EDA)
        reader.shot("1-start")
        reader.click("button", reader.say("Live EDA"))
        reader.is_healthy()
        reader.visit(Place.EDA, dataset=train.id, against=test.id)
        expect(reader.page.locator(".js-plotly-plot").first).to_be_visible()
        reader.shot("2-plots")
        field = reader.page.get_by_role("textbox", name=reader.say("Only events with"))
        field.fill("PRI_jet_num >= 2 and DER_mass_MMC > 0")
        field.press("Enter")
        reader.page.wait_for_url(re.compile(r"cut=PRI_jet_num"))
        reader.settle()
        reader.sees(re.compile(r"4[,\s]000"))
        reader.whole("3-cut")
        field.fill("PRI_jet_num >=")
        field.press("Enter")
        reader.sees(reader.say("Nothing is drawn until the cut is mended or cleared."))
        reader.shot("4-wrong-cut")
        reader.click("button", reader.say("Clear the cut"))
        assert "cut=" not in reader.page.url


def test_the_report_is_shown_and_saved(site, tmp_path):
    dataset = site.client.simulate(4_000)
    with site.reader("report") as reader:
        reader.visit(Place.EDA)
        reader.click("button", "Download PDF")
        reader.visit(Place.EDA, view="pdf", report="dataset", dataset=dataset.id)
        reader.sees("Save")
        reader.page.wait_for_timeout(1000)
        reader.shot("pdf")
        assert len(pypdf.PdfReader(reader.saved("Save", tmp_path)).pages) > 1


@LANGUAGES
def test_the_sections_of_a_model(site, models, language):
    from eventsieve.web.widgets.models.sections import SECTIONS

    with site.reader("model", language, height=1200) as reader:
        reader.visit(Place.MODEL, name="deep")
        for number, title in enumerate(SECTIONS.values()):
            reader.page.get_by_role("radio", name=reader.say(title), exact=True).click()
            reader.settle()
            reader.whole(f"{number:02d}")


def test_the_threshold_is_dragged_and_predictions_use_it(site, models):
    with site.reader("threshold") as reader:
        reader.visit(Place.MODEL, name="shallow")
        reader.click("radio", "Cuts and significance")
        handle = reader.page.get_by_role("slider", name=re.compile("^Threshold"))
        before = float(handle.get_attribute("aria-valuenow") or "nan")
        handle.scroll_into_view_if_needed()
        box = handle.locator("rect").bounding_box()
        assert box
        y = box["y"] - 40
        reader.page.mouse.move(box["x"] + box["width"] / 2, y)
        reader.page.mouse.down()
        reader.page.mouse.move(box["x"] + 120, y, steps=6)
        reader.page.mouse.up()
        reader.settle()
        dragged = float(handle.get_attribute("aria-valuenow") or "nan")
        assert dragged > before
        handle.focus()
        reader.page.keyboard.press("ArrowLeft")
        reader.settle()
        stepped = float(handle.get_attribute("aria-valuenow") or "nan")
        assert before < stepped < dragged
        reader.whole("dragged")
        reader.click("button", "Use this threshold for predictions")
        reader.sees(re.compile("Predictions use the threshold"))
        found = site.client.model("shallow").threshold
        assert (found.kind, found.value) == ("value", pytest.approx(stepped))
        site.client.model("shallow").set_threshold("natural")


@LANGUAGES
def test_models_are_compared(site, models, language):
    with site.reader("compare", language) as reader:
        reader.visit(Place.COMPARE, model=list(MODELS), dataset=models.id)
        reader.click("button", reader.say("Compare"))
        expect(reader.page.locator(".js-plotly-plot").first).to_be_visible()
        reader.whole("result")


def test_predictions_come_in_every_format(site, models, tmp_path):
    with site.reader("formats") as reader:
        reader.visit(Place.PREDICT, model="line", dataset=models.id)
        reader.click("button", "Predict")
        friend = reader.saved("ROOT", tmp_path)
        assert reader.saved("Parquet", tmp_path).stat().st_size > 1000
        reader.shot("predicted")
    with uproot.open(friend) as file:
        (tree,) = (each for each in file.values() if hasattr(each, "arrays"))
        assert tree.num_entries == models.events


@LANGUAGES
def test_the_list_of_models_sets_unsets_and_removes(own_site, language):
    own_site.seed(m1={"type": "LogReg"}, m2={"type": "LogReg"}, m3={"type": "LogReg"})
    with own_site.reader("models", language) as reader:
        say = reader.say
        reader.visit(Place.MODELS)
        reader.whole("1-list")
        reader.click("button", say("Set the current model"))
        dialog = reader.within(say("Set the current model"))
        reader.shot("2-set")
        dialog.get_by_role("combobox").click()
        reader.page.get_by_role("option", name="m2").click()
        dialog.get_by_role("button", name=say("Accept")).click()
        reader.settle()
        assert own_site.client.current().name == "m2"
        reader.sees(say("This is the current model"))
        reader.click("button", say("Unset the current model"))
        reader.sees(say("No model is the current one: predictions need one to be named."))
        assert not any(model.current for model in own_site.client.models())
        reader.click("button", say("Remove the model"))
        dialog = reader.within(say("Remove the model"))
        dialog.get_by_role("combobox").click()
        reader.page.get_by_role("option", name="m1").click()
        reader.page.keyboard.press("Escape")
        reader.shot("3-remove")
        dialog.get_by_role("button", name=say("Accept")).click()
        reader.settle()
        assert [model.name for model in own_site.client.models()] == ["m2", "m3"]
        reader.click("button", say("Remove all models"))
        dialog = reader.within(say("Remove all models"))
        expect(dialog.get_by_role("button", name=say("Remove all models"))).to_be_disabled()
        dialog.get_by_role("textbox").fill("2")
        reader.shot("4-remove-all")
        dialog.get_by_role("button", name=say("Remove all models")).click()
        reader.sees(say("No model has been trained yet. Train one first."))
        assert list(own_site.client.models()) == []
        reader.shot("5-empty")


@LANGUAGES
def test_every_outcome_has_its_message(site, models, language):
    with site.reader("outcomes", language) as reader:
        say = reader.say
        reader.visit(Place.TRAIN, dataset=models.id)
        for _ in range(2):
            reader.click("button", say("Remove the model"), nth=1)
        name = reader.page.get_by_role("textbox", name=say("Enter the model's ID"))
        name.fill("line")
        name.press("Enter")
        reader.settle()
        expect(reader.page.get_by_role("button", name=say("Train"), exact=True)).to_be_disabled()
        reader.shot("1-name-taken")
        name.fill(f"late-{language}")
        name.press("Enter")
        reader.settle()
        limit = reader.page.get_by_role("spinbutton", name=say("Time limit, s"))
        reader.choose(say("Choose the type of the model"), re.compile("RandomForest"))
        reader.click("radio", say("Thorough"))
        limit.fill("1")
        limit.press("Enter")
        reader.settle()
        reader.shot("2-will-not-fit")
        reader.click("button", say("Train"))
        reader.sees(say("Training of model {name} interrupted", name=f"late-{language}"), within=TRAINING)
        reader.settle()
        reader.shot("3-interrupted")
        reader.main_link(say("Train again with changes"))
        reader.sees(say("Enter the model's ID"))
        reader.shot("4-again")


def test_a_training_is_cancelled_and_found_again(site, models):
    with site.reader("cancel") as reader:
        endless = {"name": "endless", "type": "RandomForest", "hyperparameters": {"n_estimators": 4_000}}
        job = site.client.train(models, [endless], seconds=3600, wait=False)
        reader.visit(Place.JOBS, id=job.id)
        reader.sees("running")
        reader.visit(Place.MODELS)
        reader.visit(Place.JOBS)
        reader.shot("1-list")
        reader.main.get_by_role("button", name=re.compile("simulated")).first.click()
        reader.page.wait_for_url(re.compile(job.id))
        reader.sees("running")
        reader.page.get_by_role("button", name="Cancel", exact=True).click()
        reader.sees("Training of model endless cancelled")
        reader.settle()
        reader.shot("2-cancelled")
        assert site.client.job(job.id).models[0].state is State.CANCELLED


def test_a_model_is_removed_and_trained_again_from_its_own_page(site, models):
    site.client.train(models, [{"name": "twin", "type": "LogReg"}], progress=False)
    with site.reader("own-page") as reader:
        reader.visit(Place.MODEL, name="twin")
        reader.click("button", "Train again")
        reader.page.wait_for_url(re.compile(r"/jobs\?id="))
        reader.sees(re.compile("Model twin.* trained"), within=TRAINING)
        reader.visit(Place.MODEL, name="twin")
        reader.click("button", "Remove the model")
        reader.within("Remove the model").get_by_role("button", name="Accept").click()
        reader.page.wait_for_url(re.compile(r"/models"))
        reader.settle()
        assert "twin" not in {model.name for model in site.client.models()}
        reader.is_healthy()


def test_the_main_path_by_keyboard_alone(site):
    with site.reader("keyboard") as reader:

        def press(role, name):
            reader.tab_to(reader.main.get_by_role(role, name=name, exact=True).first)
            reader.page.keyboard.press("Enter")

        reader.visit()
        press("button", "Use the simulated sample")
        reader.settle()
        press("link", "Train a model")
        reader.page.wait_for_url(re.compile("/train"))
        reader.settle()
        for _ in range(2):
            press("button", "Remove the model")
            reader.settle()
        press("button", "Train")
        reader.page.wait_for_url(re.compile(r"/jobs\?id="))
        reader.sees(re.compile("Model .* trained"), within=TRAINING)
        reader.settle()
        press("link", "Make a prediction")
        reader.page.wait_for_url(re.compile("/predict"))
        reader.settle()
        press("button", "Predict")
        reader.sees("The model's predictions are below.")
        reader.shot("predicted")


@pytest.mark.parametrize(("width", "dark", "language"), [(400, False, "ru"), (400, True, "en"), (2560, True, "ru")])
def test_every_page_fits_its_window(site, models, width, dark, language):
    theme = "dark" if dark else "light"
    query = {
        Place.MODEL: {"name": "deep"},
        Place.EDA: {"dataset": models.id},
        Place.DATA: {"id": models.id},
        Place.TRAIN: {"dataset": models.id},
        Place.COMPARE: {"model": list(MODELS), "dataset": models.id},
        Place.PREDICT: {"model": "deep", "dataset": models.id, "threshold": "own"},
    }
    with site.reader(f"{width}-{theme}", language, width=width, height=1000, dark=dark) as reader:
        for place in Place:
            reader.visit(place, **query.get(place, {}))
            reader.shot(str(place))
            reader.is_as_wide_as_its_window()
