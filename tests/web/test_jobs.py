"""The page of trainings: all of them, and one as it goes on."""

from __future__ import annotations

import pytest

from eventsieve.errors import Conflict, ServerUnreachable
from eventsieve.records import Estimate, Limits, ModelSpec, ModelState, Outcome, Progress, State
from eventsieve.web.places import Place
from eventsieve.web.widgets.jobs.progress import rest, share
from web.appt import alerts, open_page, run, texts
from web.fakes import RUNNING, FakeClient

LIMITS = Limits(seconds=60.0)


def opened(fake, job=None, **given):
    return open_page(Place.JOBS, client=fake, query={"id": job.id} if job else {}, **given)


def said(app) -> str:
    """What can be read, without the escapes of Markdown, titles of messages included."""
    titles = [each.proto.title for kind in (app.success, app.warning, app.error, app.info) for each in kind]
    return "\n".join([texts(app), *titles]).replace("\\", "")


def button(app, label: str):
    return next(each for each in app.button if each.label == label)


def labels(app) -> list[str]:
    return [each.label for each in app.button]


# the list


def test_where_nothing_was_trained_it_says_what_to_do(empty):
    assert "Nothing has been trained yet" in said(opened(empty))


def test_the_list_shows_data_sets_and_states(filled):
    found = said(opened(filled))
    for part in (
        "logistic: trained",
        "svm: interrupted by the limit",
        "wrong: wrong parameters",
        f"{RUNNING}: running",
    ):
        assert part in found


def test_a_long_list_is_shown_in_parts(filled):
    app = opened(filled, state={"jobs:shown": 1})
    assert "logistic" not in said(app)
    button(app, "Show older ones").click()
    run(app)
    assert "logistic" in said(app)


# one job


def test_every_model_that_ended_has_the_message_of_its_outcome(filled):
    app = opened(filled, filled.finished_job)
    found = said(app)
    for name in ("logistic", "forest", "boosting"):
        assert f"Model {name} trained" in found
    assert "Training of model svm interrupted" in found
    assert "raise it" in found
    assert "Raise the time limit" in found
    assert "Wrong parameters for model wrong" in found
    assert "l1_ratio must be between 0 and 1" in found
    assert (len(app.success), len(app.warning), len(app.error)) == (3, 1, 1)
    assert "ROC AUC" in found
    assert not {"Cancel", "Cancel all", "Stop and keep"} & set(labels(app))


@pytest.mark.parametrize(
    ("state", "kind", "title"),
    [
        (State.OUT_OF_MEMORY, "warning", "Training of model new interrupted"),
        (State.DIED, "warning", "Training of model new interrupted"),
        (State.INTERRUPTED, "warning", "Training of model new interrupted"),
        (State.CANCELLED, "info", "Training of model new cancelled"),
        (State.FAILED, "error", "Wrong parameters for model new"),
    ],
)
def test_every_other_end_has_its_reason_and_its_cure(state, kind, title):
    fake = FakeClient.filled(outcomes={"new": Outcome(state=state, reason="Because *so*.")})
    job = fake.train(fake.labelled, [{"name": "new", "type": "LogReg"}], wait=False)
    fake.finish("new")
    app = opened(fake, job)
    assert title in said(app)
    assert "Because *so*." in said(app)
    (message,) = getattr(app, kind)
    assert "Because \\*so\\*\\." in message.value


def test_a_model_that_was_kept_early_says_so(filled):
    job = filled.running_job
    job.stop()
    assert "stopped before it was finished" in said(opened(filled, job))


def test_a_running_model_shows_how_far_it_is(filled):
    job = filled.running_job
    filled.advance()
    app = opened(filled, job)
    assert f"{RUNNING}" in said(app)
    assert "of at most 1" not in said(app)
    assert "of at most 60 s" in said(app)
    assert {"Cancel", "Stop and keep"} <= set(labels(app))
    assert "Cancel all" not in labels(app)


def test_it_is_followed_to_its_end(filled):
    app = opened(filled, filled.running_job)
    filled.finish()
    run(app)
    assert f"Model {RUNNING} trained" in said(app)
    assert app.session_state[f"job:{filled.jobs()[0].id}:ended"]


def test_one_model_is_cancelled(filled):
    app = opened(filled, filled.running_job)
    button(app, "Cancel").click()
    run(app)
    assert f"Training of model {RUNNING} cancelled" in said(app)


def test_one_model_is_stopped_and_kept(filled):
    app = opened(filled, filled.running_job)
    button(app, "Stop and keep").click()
    run(app)
    assert f"Model {RUNNING} trained" in said(app)
    assert filled.model(RUNNING).kept_early


def test_a_whole_job_is_cancelled(filled):
    filled.engine.waits |= {"a", "b"}
    job = filled.train(filled.labelled, [{"name": "a", "type": "SVM"}, {"name": "b", "type": "SVM"}], wait=False)
    app = opened(filled, job)
    assert "Stop and keep" not in labels(app)
    assert "Stop all and keep" not in labels(app)
    assert "Waits for a free slot" in said(app)
    button(app, "Cancel all").click()
    run(app)
    assert [model.state for model in filled.job(job.id).models] == [State.CANCELLED] * 2


def test_a_refusal_stands_where_the_button_is_and_stays(filled, monkeypatch):
    from eventsieve.client.jobs import Job

    def refuse(*_):
        raise Conflict("Another process trains it.")

    monkeypatch.setattr(Job, "cancel", refuse)
    app = opened(filled, filled.running_job)
    button(app, "Cancel").click()
    run(app)
    assert "Another process trains it." in said(app)
    run(app)
    assert "Another process trains it." in said(app)


def test_a_server_that_is_away_is_waited_for(filled):
    app = opened(filled, filled.running_job)
    filled.failing = ServerUnreachable("http://x", "nobody")
    run(app)
    assert "Trying again" in said(app)
    assert RUNNING in said(app)
    filled.failing = None
    run(app)
    assert "Trying again" not in said(app)


def test_a_page_that_is_opened_while_the_server_is_away_waits_too(filled):
    job = filled.running_job
    filled.failing = ServerUnreachable("http://x", "nobody")
    app = opened(filled, job)
    assert "Trying again" in said(app)
    filled.failing = None
    run(app)
    assert RUNNING in said(app)
    assert not alerts(app)


def test_a_job_that_is_not_there(filled):
    app = open_page(Place.JOBS, client=filled, query={"id": "nope"})
    assert alerts(app)


def test_a_trained_model_is_made_the_current_one(filled):
    app = opened(filled, filled.finished_job)
    app.button(key="next:forest:use").click()
    run(app)
    assert filled.current().name == "forest"


def test_a_model_that_is_gone_since_says_so(filled):
    filled.model("forest").delete()
    assert "renamed or removed since" in said(opened(filled, filled.finished_job))


# how far


def model(progress: Progress, seconds: float = 10.0, **given) -> ModelState:
    spec = ModelSpec(name="m", type="RandomForest")
    return ModelState(spec=spec, seed=0, state=State.RUNNING, seconds=seconds, progress=progress, **given)


@pytest.mark.parametrize(
    ("progress", "part", "left"),
    [
        (Progress(stage="fitting", done=25, total=100, unit="trees"), 0.25, "about 30 s of fitting left"),
        (Progress(stage="fitting", done=0, total=100, unit="trees"), 0.0, ""),
        (Progress(stage="fitting"), 10 / 60, ""),
        (Progress(stage="evaluating"), 1.0, ""),
        (Progress(), 10 / 60, ""),
    ],
)
def test_progress_is_what_is_counted_and_else_the_time(progress, part, left):
    assert share(model(progress), LIMITS) == pytest.approx(part)
    assert rest(model(progress)) == left


def test_what_does_not_count_says_its_estimate():
    estimate = Estimate(seconds=30.0, low=20.0, high=50.0, memory=1, fits=True, basis="")
    assert rest(model(Progress(), estimate=estimate)) == "estimated to take 30 s"
    assert rest(model(Progress(), seconds=31.0, estimate=estimate)) == ""


def test_without_a_limit_and_a_count_nothing_is_announced():
    assert share(model(Progress(stage="fitting")), Limits()) == 0.0
