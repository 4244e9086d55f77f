"""The fake itself: what tests of pages rely on."""

from __future__ import annotations

import pytest

from eventsieve.errors import NotFound, ServerUnreachable
from eventsieve.records import Outcome, State
from eventsieve.web.places import Place
from web.appt import open_page
from web.fakes import MODELS, RUNNING, Asked, FakeClient


def test_a_filled_one_has_all_that_a_page_may_show(filled):
    assert [each.name for each in filled.models()] == list(MODELS)
    assert filled.current().name == next(reversed(MODELS))
    assert filled.labelled.classes
    assert not filled.unlabelled.classes
    states = {model.spec.name: model.state for model in filled.finished_job.models}
    assert states == dict.fromkeys(MODELS, State.TRAINED) | {"svm": State.TIMED_OUT, "wrong": State.FAILED}
    assert [model.spec.name for model in filled.running_job.models] == [RUNNING]
    assert filled.models()[0].get_evaluation().curves


def test_what_is_changed_in_one_is_not_in_the_next(filled):
    filled.model("forest").delete()
    assert len(FakeClient.filled().models()) == len(MODELS)


def test_every_request_is_written_down(filled):
    filled.model("forest").rename("a/b")
    assert filled.changes == [Asked("PATCH", "/models/forest", {}, {"name": "a/b"})]
    assert Asked("GET", "/models/forest") in filled.asked


def test_a_training_goes_on_when_its_job_is_asked_for():
    fake = FakeClient.filled(outcomes={"bad": Outcome(state=State.FAILED, reason="No.")})
    job = fake.train(fake.labelled, [{"name": "new", "type": "LogReg"}, {"name": "bad", "type": "LogReg"}], wait=False)
    seen = [job.models[0].state, *(fake.job(job.id).models[0].state for _ in range(5))]
    assert seen == [State.QUEUED, *[State.RUNNING] * 4, State.TRAINED]
    assert fake.job(job.id).models[1].state is State.FAILED
    assert fake.model("new").get_evaluation()


def test_the_running_one_goes_on_when_the_test_says_so(filled):
    filled.running_job.refresh()
    before = filled.running_job.models[0]
    filled.advance()
    after = filled.running_job.models[0]
    assert (before.progress.done, after.progress.done) == (None, 3)
    filled.finish()
    assert filled.model(RUNNING)


def test_it_can_be_cancelled_and_stopped(filled):
    assert filled.running_job.cancel().models[0].state is State.CANCELLED
    fake = FakeClient.filled()
    fake.running_job.stop()
    assert fake.model(RUNNING).kept_early


def test_it_fails_as_told():
    fake = FakeClient(failing=ServerUnreachable("http://x", "nobody"))
    with pytest.raises(ServerUnreachable):
        fake.version()
    fake.failing = None
    assert fake.version()


def test_there_is_nothing_but_what_the_application_has(empty):
    with pytest.raises(NotFound):
        empty.http.json("GET", "/nothing/of/the/kind")


@pytest.mark.parametrize("place", Place)
@pytest.mark.parametrize("language", ["en", "ru"])
def test_every_page_opens(filled, place, language):
    assert open_page(place, client=filled, language=language).title
