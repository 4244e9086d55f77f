"""The page on which models are put together and trained."""

from __future__ import annotations

import pytest

from eventsieve.errors import ServerUnreachable
from eventsieve.records import State
from eventsieve.web.places import Place
from web.appt import alerts, open_page, run, texts
from web.fakes import FakeClient


def opened(fake, **given):
    return open_page(Place.TRAIN, client=fake, **given)


def said(app) -> str:
    """What can be read, without the escapes of Markdown."""
    return texts(app).replace("\\", "")


def key(app, place: int, what: str) -> str:
    return f"train:model:{app.session_state['train:models'][place]}:{what}"


def start(app):
    return app.button(key="train:start")


def asked(fake, path: str):
    return [each.body for each in fake.asked if (each.method, each.path) == ("POST", path)]


def names(app) -> list[str]:
    return [
        app.text_input(key=key(app, place, "name")).value for place in range(len(app.session_state["train:models"]))
    ]


def keep_only(app, place: int = 0):
    """Leave one model in the form."""
    for number in list(app.session_state["train:models"]):
        if number != app.session_state["train:models"][place if place == 0 else -1]:
            app.button(key=f"train:model:{number}:remove").click().run()
    return app


def test_without_data_it_says_what_to_do_first(empty):
    app = opened(empty)
    assert "upload" in said(app)
    assert not app.number_input


def test_it_opens_with_models_that_one_click_trains(filled):
    app = opened(filled)
    assert names(app) == ["LogReg", "RandomForest", "GradientBoosting"]
    assert not start(app).disabled
    assert not alerts(app)
    start(app).click()
    run(app)
    (body,) = asked(filled, "/jobs")
    assert [model["type"] for model in body["models"]] == ["LogReg", "RandomForest", "GradientBoosting"]
    assert body["models"][1]["hyperparameters"] == {"n_estimators": 200, "min_samples_leaf": 5}
    assert body["dataset"] == filled.labelled.id
    assert body["seconds"] is None
    assert body["validation"]["fraction"] == 0.25
    # It is the page of the job now.
    assert app.title[0].value == "Trainings"


def test_the_presets_that_the_limits_allow_are_chosen(filled, monkeypatch):
    def late(*_, **__):
        return {
            name: estimate.model_copy(update={"fits": "Forest" not in name})
            for name, estimate in real(*_, **__).items()
        }

    real = filled.estimate
    monkeypatch.setattr(filled, "estimate", late)
    app = opened(filled)
    assert app.number_input(key=key(app, 1, "RandomForest") + ":n_estimators:integer").value == 50
    assert app.number_input(key=key(app, 2, "GradientBoosting") + ":n_estimators:integer").value == 200


def test_models_are_added_and_removed(filled):
    app = opened(filled)
    app.button(key="train:add").click().run()
    assert names(app) == ["LogReg", "RandomForest", "GradientBoosting", "LogReg-2"]
    app.button(key=key(app, 0, "remove")).click().run()
    app.button(key=key(app, 0, "remove")).click().run()
    assert names(app) == ["GradientBoosting", "LogReg-2"]
    keep_only(app)
    app.button(key=key(app, 0, "remove")).click()
    run(app)
    assert start(app).disabled
    assert "Add a model" in said(app)


def test_a_proposed_name_follows_the_type_and_an_entered_one_stays(filled):
    filled.model("forest").rename("SVM")
    app = opened(filled)
    app.selectbox(key=key(app, 0, "type")).select("SVM").run()
    assert names(app)[0] == "SVM-2"
    app.text_input(key=key(app, 0, "name")).set_value("mine").run()
    app.selectbox(key=key(app, 0, "type")).select("LogReg").run()
    assert names(app)[0] == "mine"


@pytest.mark.parametrize(
    ("name", "told"), [("", "Enter an ID"), ("  ", "Enter an ID"), ("logistic", "taken"), ("RandomForest", "taken")]
)
def test_a_name_that_cannot_be_used_is_marked_before_training(filled, name, told):
    app = opened(filled)
    app.text_input(key=key(app, 0, "name")).set_value(name).run()
    assert told in said(app)
    assert start(app).disabled


def test_a_combination_that_does_not_go_together_is_marked_at_its_field(filled):
    app = opened(filled)
    inputs = key(app, 0, "LogReg")
    app.number_input(key=f"{inputs}:l1_ratio:number").set_value(0.5).run()
    assert "needs solver='saga'" in said(app)
    assert "Correct model 1 first" in said(app)
    assert start(app).disabled
    # The other models are estimated all the same.
    assert len([each for each in app.caption if "timer" in each.value]) == 2
    app.selectbox(key=f"{inputs}:solver").select('="saga"').run()
    assert not start(app).disabled
    start(app).click()
    run(app)
    (body,) = asked(filled, "/jobs")
    assert body["models"][0]["hyperparameters"] == {"l1_ratio": 0.5, "max_iter": 1000, "solver": "saga"}


def test_a_number_beyond_its_bounds_is_marked_and_not_trained_with(filled):
    app = opened(filled)
    app.number_input(key=key(app, 0, "LogReg") + ":C:number").set_value(0.0).run()
    assert "C does not take 0" in said(app)
    assert start(app).disabled


def test_a_fault_among_the_other_parameters_opens_them(filled):
    app = opened(filled)
    app.session_state[key(app, 0, "LogReg") + ":dual"] = True
    run(app)
    assert any("1 to correct" in each.label for each in app.expander)
    assert "liblinear" in said(app)


def test_presets_fill_the_inputs(filled):
    app = opened(filled)
    preset = app.segmented_control(key=key(app, 1, "preset"))
    assert preset.value == "Standard"
    preset.set_value("Fast").run()
    trees = key(app, 1, "RandomForest") + ":n_estimators:integer"
    assert app.number_input(key=trees).value == 50
    app.number_input(key=trees).set_value(51)
    run(app)
    assert app.segmented_control(key=key(app, 1, "preset")).value is None
    assert "n_estimators = 51" in said(app)


def test_what_will_not_fit_is_said_and_the_limit_can_be_raised(filled):
    app = opened(filled)
    app.number_input(key=key(app, 1, "RandomForest") + ":n_estimators:integer").set_value(100_000).run()
    assert any("will not fit" in str(each.proto.title) or "will not fit" in each.value for each in app.warning)
    raise_ = next(each for each in app.button if each.key and each.key.startswith("train:raise"))
    raise_.click()
    run(app)
    assert app.number_input(key="train:plan:seconds").value > 60


def test_the_plan_is_sent(filled):
    app = keep_only(opened(filled))
    app.segmented_control(key="train:plan:validation").set_value("folds").run()
    app.number_input(key="train:plan:folds").set_value(3)
    app.segmented_control(key="train:plan:weights").set_value("balanced")
    app.number_input(key="train:plan:seconds").set_value(120.0)
    app.number_input(key="train:plan:memory").set_value(2048)
    app.number_input(key="train:plan:seed").set_value(7)
    app.toggle(key="train:plan:keep").set_value(True)
    run(app)
    start(app).click()
    run(app)
    (body,) = asked(filled, "/jobs")
    assert (body["validation"]["kind"], body["validation"]["folds"]) == ("folds", 3)
    assert (body["weights"], body["seconds"], body["memory"]) == ("balanced", 120.0, 2048 << 20)
    assert (body["seed"], body["on_limit"]) == (7, "keep")


@pytest.mark.parametrize(
    ("name", "value"), [("fraction", 0.0), ("fraction", 100.0), ("seconds", 0.0), ("memory", 1), ("seed", -1)]
)
def test_a_wrong_number_in_the_plan_is_marked(filled, name, value):
    app = opened(filled)
    app.number_input(key=f"train:plan:{name}").set_value(value).run()
    assert "Enter a number from" in said(app)
    assert start(app).disabled


def test_another_data_set_to_validate_on_must_be_another(filled):
    app = opened(filled)
    app.segmented_control(key="train:plan:validation").set_value("dataset").run()
    assert "Choose the data set to validate on" in said(app)
    assert start(app).disabled
    app.selectbox(key="validation").select(filled.labelled.id)
    run(app)
    assert "the events to train on" in said(app)


def test_the_half_filled_form_is_there_after_another_page(filled):
    app = opened(filled)
    app.text_input(key=key(app, 0, "name")).set_value("mine").run()
    app.number_input(key=key(app, 0, "LogReg") + ":max_iter:integer").set_value(77).run()
    app.number_input(key="train:plan:seed").set_value(5).run()
    number, _ = app.args
    for place in (Place.MODELS, Place.TRAIN):
        app.args = (number, str(place))
        run(app)
    assert names(app)[0] == "mine"
    assert app.number_input(key=key(app, 0, "LogReg") + ":max_iter:integer").value == 77
    assert app.number_input(key="train:plan:seed").value == 5


def test_an_earlier_job_is_taken_back_into_the_form(filled):
    job = filled.finished_job
    app = opened(filled, query={"job": job.id, "dataset": job.dataset})
    assert names(app) == ["logistic-2", "forest-2", "boosting-2", "svm", "wrong"]
    assert app.number_input(key=key(app, 1, "RandomForest") + ":n_estimators:integer").value == 30
    assert app.number_input(key="train:plan:seed").value == 1
    assert "job" not in app.query_params
    start(app).click()
    run(app)
    (body,) = asked(filled, "/jobs")
    assert body["models"][1]["hyperparameters"] == {"n_estimators": 30, "max_depth": 6}


def test_a_refusal_of_the_job_is_shown_and_the_form_stays(filled):
    app = opened(filled)
    filled.train(filled.labelled, [{"name": "LogReg", "type": "LogReg"}], wait=False)
    start(app).click()
    run(app)
    assert "taken" in said(app)
    assert names(app)[0] == "LogReg"


def test_after_training_the_next_form_has_new_names(filled):
    app = opened(filled)
    start(app).click()
    run(app)
    for name in ("LogReg", "RandomForest", "GradientBoosting"):
        filled.finish(name)
    assert all(model.state is State.TRAINED for model in filled.jobs()[0].models)
    assert names(opened(filled)) == ["LogReg-2", "RandomForest-2", "GradientBoosting-2"]


def test_a_server_that_does_not_answer_is_said(filled):
    app = opened(filled)
    filled.failing = ServerUnreachable("http://x", "nobody")
    app.number_input(key="train:plan:seed").set_value(5).run()
    assert not app.exception
    assert alerts(app)
    assert alerts(open_page(Place.TRAIN, client=filled))
    filled.failing = None
    run(app)
    assert not alerts(app)


def test_several_classes(empty, tmp_path):
    import numpy as np
    import pandas as pd

    generator = np.random.default_rng(1)
    frame = pd.DataFrame(generator.normal(size=(300, 3)), columns=["a", "b", "c"])
    frame["class"] = generator.choice(["qcd", "tt", "W+jets"], 300)
    empty.upload(frame, name="classes", label="class", classes=["qcd", "tt", "W+jets"])
    app = opened(empty)
    inputs = key(app, 0, "LogReg")
    app.selectbox(key=f"{inputs}:class_weight").select("weights").run()
    app.number_input(key=f"{inputs}:class_weight:weight:W+jets:number").set_value(2.0)
    app.selectbox(key=f"{inputs}:solver").select('="liblinear"')
    run(app)
    assert "two classes" in said(app)
    app.selectbox(key=f"{inputs}:solver").select('="lbfgs"')
    run(app)
    assert not start(app).disabled


def test_it_is_in_russian_too():
    assert opened(FakeClient.filled(), language="ru").title
