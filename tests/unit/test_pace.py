from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from eventsieve.domain.estimators import Fitted, class_scores
from eventsieve.records import Progress
from eventsieve.training import pace
from eventsieve.training.pace import Budget, Clock, Costs, FinalFit, FoldFit, Steps


class Time:
    """A clock that goes on when it is told to."""

    def __init__(self) -> None:
        self.now = 50.0

    def monotonic(self) -> float:
        return self.now

    perf_counter = monotonic


class Line:
    """A channel that remembers what is said."""

    def __init__(self) -> None:
        self.said: list[Progress] = []
        self.stop = False

    def progress(self, progress: Progress) -> None:
        self.said.append(progress)

    def stop_asked(self) -> bool:
        return self.stop

    def counts(self) -> list[tuple[int | None, int | None, str]]:
        assert {each.stage for each in self.said} <= {"fitting"}
        return [(each.done, each.total, each.unit) for each in self.said]


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    found = Time()
    monkeypatch.setattr(pace, "time", found)
    return found


@pytest.fixture
def line() -> Line:
    return Line()


def ended(done: int | None) -> Fitted:
    return SimpleNamespace(done=done)


def test_the_clock_ends_a_margin_before_the_limit(time: Time) -> None:
    clock = Clock(10.0)
    assert clock.left() == pytest.approx(9.85)
    time.now += 4.0
    assert clock.left() == pytest.approx(5.85)


def test_without_a_limit_the_clock_never_ends(time: Time) -> None:
    assert Clock(None).left() == math.inf


def test_what_is_kept_back_for_the_evaluation(time: Time) -> None:
    costs = Costs(Clock(100.0), scored=1000, essential=3.0, optional=7.0)
    assert costs.cushion == pytest.approx(0.2 + 2.0)
    assert costs.evaluation() == pytest.approx(2 * 3.0 + 7.0 + 2.2)


def test_for_what_can_be_done_without_a_quarter_of_the_limit_is_kept_back_at_most(time: Time) -> None:
    costs = Costs(Clock(100.0), scored=1000, essential=3.0, optional=70.0)
    assert costs.evaluation() == pytest.approx(2 * 3.0 + 25.0 + 2.2)


def test_without_a_limit_there_is_no_cushion(time: Time) -> None:
    costs = Costs(Clock(None), scored=1000, essential=3.0, optional=7.0)
    assert costs.cushion == 0.0
    assert costs.evaluation() == pytest.approx(13.0)


def test_what_follows_the_fit_grows_with_the_model(time: Time) -> None:
    costs = Costs(Clock(None), scored=1000, essential=0.0, optional=0.0)
    assert costs.finish() == pytest.approx(2 * 0.02)
    costs.store, costs.each = 0.5, 0.001
    assert costs.finish() == pytest.approx(2 * (0.5 + 1.0))
    assert costs.finish(3.0) == pytest.approx(6 * (0.5 + 1.0))
    kept = Costs(Clock(100.0), scored=0, essential=3.0, optional=7.0)
    assert kept.finish() == pytest.approx(2 * 0.02 + kept.evaluation())


def fitted(classifier: object) -> tuple[Pipeline, np.ndarray, np.ndarray]:
    chance = np.random.default_rng(0)
    sample = chance.normal(size=(200, 3))
    labels = (sample[:, 0] > 0).astype(int)
    return Pipeline([("scaler", StandardScaler()), ("classifier", classifier)]).fit(sample, labels), sample, labels


def test_a_forest_is_stored_and_scored_to_see_how_long_that_takes(time: Time, monkeypatch: pytest.MonkeyPatch) -> None:
    pipeline, sample, _ = fitted(RandomForestClassifier(4, random_state=0))

    def store(model: Pipeline) -> None:
        assert len(model[-1].estimators_) == 4
        time.now += 3.0

    def score(model: Pipeline, events: np.ndarray) -> None:
        assert len(model[-1].estimators_) == 4
        assert events is sample
        time.now += 1.0

    monkeypatch.setattr(pace.persist, "dumps", store)
    monkeypatch.setattr(pace.estimators, "class_scores", score)
    costs = Costs(Clock(None), scored=10, essential=0.0, optional=0.0)
    costs.measure(pipeline, 4, sample)
    assert (costs.store, costs.each) == (pytest.approx(3.0), pytest.approx(1.0 / 200))
    costs.store = 9.0
    costs.measure(pipeline, 4, sample)
    assert costs.store == 9.0


def test_a_linear_model_costs_what_comes_before_it(time: Time, monkeypatch: pytest.MonkeyPatch) -> None:
    pipeline, sample, _ = fitted(LogisticRegression())
    transform = StandardScaler.transform

    def slowly(self: StandardScaler, events: np.ndarray) -> np.ndarray:
        time.now += 2.0
        return transform(self, events)

    monkeypatch.setattr(StandardScaler, "transform", slowly)
    costs = Costs(Clock(None), scored=10, essential=0.0, optional=0.0)
    costs.measure(pipeline, 1, sample)
    assert (costs.store, costs.each) == (0.02, pytest.approx(0.01))


def test_an_unfinished_boosting_is_measured_as_it_stands_and_left_alone() -> None:
    pipeline, sample, _ = fitted(GradientBoostingClassifier(n_estimators=5, random_state=0))
    short, _, _ = fitted(GradientBoostingClassifier(n_estimators=2, random_state=0))
    seen = pace._as_it_stands(pipeline, 2)
    assert np.array_equal(class_scores(seen, sample), class_scores(short, sample))
    assert seen[-1].train_score_.shape == (2,)
    assert pipeline[-1].estimators_.shape[0] == 5
    assert pipeline[-1].train_score_.shape == (5,)


@pytest.mark.parametrize("classifier", [HistGradientBoostingClassifier(max_iter=4), RandomForestClassifier(4)])
def test_other_trees_are_measured_behind_all_that_comes_before_them(
    classifier: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended: list[object] = []
    end = pace.unfinished
    monkeypatch.setattr(pace, "unfinished", lambda each: (ended.append(each), end(each))[1])
    _, sample, labels = fitted(LogisticRegression())
    steps = [("scaler", StandardScaler()), ("range", MinMaxScaler()), ("classifier", classifier)]
    pipeline = Pipeline(steps).fit(sample, labels)
    seen = pace._as_it_stands(pipeline, 4)
    assert [name for name, _ in seen.steps] == ["scaler", "range", "classifier"]
    assert ended == ([classifier] if isinstance(classifier, HistGradientBoostingClassifier) else [])
    assert np.array_equal(class_scores(seen, sample), class_scores(pipeline, sample))


def test_steps_count_on_over_all_fits(line: Line) -> None:
    steps = Steps(line, 3)
    steps.advance(0, 10, "trees")
    steps.advance(4, 10, "trees")
    steps.ended(ended(10))
    steps.advance(3, 10, "trees")
    steps.ended(ended(10))
    steps.advance(10, 10, "trees")
    assert line.counts() == [(0, 30, "trees"), (4, 30, "trees"), (13, 30, "trees"), (30, 30, "trees")]


def test_fits_after_the_first_are_as_long_as_it_was(line: Line) -> None:
    steps = Steps(line, 2)
    steps.ended(ended(5))
    steps.advance(3, 100, "trees")
    steps.advance(7, 100, "trees")
    assert line.counts() == [(8, 10, "trees"), (10, 10, "trees")]


def test_where_steps_cannot_be_foreseen_fits_are_counted(line: Line) -> None:
    steps = Steps(line, 2)
    steps.advance(7, None, "iterations")
    assert line.counts() == []
    steps.ended(ended(None))
    steps.ended(ended(None))
    assert line.counts() == [(1, 2, "fits"), (2, 2, "fits")]


def test_one_fit_alone_whose_steps_cannot_be_foreseen_is_not_counted(line: Line) -> None:
    Steps(line, 1).ended(ended(None))
    assert line.counts() == []


class Bill:
    """Costs that are what they are said to be for a model that has not grown."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def finish(self, growth: float) -> float:
        return self.seconds * growth


def test_a_fit_ends_when_the_next_step_and_what_follows_may_not_be_done_in_time(time: Time) -> None:
    # 20 s are given; after t seconds with steps of one: t + 1 for this fit, 1 in case it is late, 6 for the rest.
    budget = Budget(Clock(20.15), Bill(6.0), lambda done: None)
    time.now += 11.5
    assert not budget.over(4, 1.0)
    time.now += 0.6
    assert budget.over(4, 1.0)


def test_what_is_exactly_in_time_is_too_late(time: Time) -> None:
    budget = Budget(SimpleNamespace(left=lambda: 20.0), Bill(16.0), lambda done: None)
    assert budget.over(1, 2.0)
    assert not Budget(SimpleNamespace(left=lambda: 20.5), Bill(16.0), lambda done: None).over(1, 2.0)


def test_a_fit_gets_its_share_of_the_time(time: Time) -> None:
    budget = Budget(Clock(20.15), Bill(0.0), lambda done: None, shares=4.0)
    time.now += 4.3
    assert not budget.over(4, 0.5)
    time.now += 0.1
    assert budget.over(4, 0.5)


def test_costs_are_measured_each_time_that_the_steps_have_doubled_and_grow_in_between(time: Time) -> None:
    measured: list[int] = []
    budget = Budget(Clock(20.15), Bill(10.0), measured.append)
    results = [budget.over(done, 0.0) for done in (1, 2, 3, 4, 7, 8)]
    assert measured == [1, 2, 4, 8]
    assert results == [False] * 6
    assert budget.over(16, 0.0) is False
    assert budget.over(31, 0.0) is False  # 19.4 of 20 s
    time.now += 0.7
    assert budget.over(31, 0.0) is True
    assert budget.over(32, 0.0) is False


class Limited:
    """A budget that is over for steps that take as long."""

    def __init__(self, longest: float) -> None:
        self.longest = longest
        self.asked: list[tuple[int, float]] = []

    def over(self, done: int, step: float) -> bool:
        self.asked.append((done, step))
        return step >= self.longest


def test_the_longest_step_so_far_is_what_the_next_may_take(time: Time, line: Line) -> None:
    budget = Limited(5.0)
    fit = FinalFit(line, Steps(line, 1), budget)
    time.now += 30.0
    fit.progress(0, 9, "trees")  # what came before the first step was none
    assert not fit.stop()
    assert budget.asked == []
    for done, seconds in ((1, 2.0), (2, 1.0), (3, 3.0)):
        time.now += seconds
        fit.progress(done, 9, "trees")
        time.now += 1.0
        assert not fit.stop()
    assert budget.asked == [(1, 2.0), (2, 2.0), (3, 3.0)]
    time.now += 5.0
    fit.progress(4, 9, "trees")
    assert fit.stop()
    assert (fit.cause, fit.unit) == ("by the time limit", "trees")
    assert line.counts()[-1] == (4, 9, "trees")


def test_time_between_steps_belongs_to_none(time: Time, line: Line) -> None:
    budget = Limited(5.0)
    fit = FinalFit(line, Steps(line, 1), budget)
    fit.progress(1, 9, "trees")
    time.now += 9.0  # what `stop` takes itself: it measures the costs
    assert not fit.stop()
    time.now += 1.0
    fit.progress(2, 9, "trees")
    assert not fit.stop()
    assert budget.asked[-1] == (2, 1.0)


def test_steps_may_come_faster_than_anybody_asks(time: Time, line: Line) -> None:
    budget = Limited(5.0)
    fit = FinalFit(line, Steps(line, 1), budget)
    assert not fit.stop()
    assert budget.asked == []  # nothing is done yet that could be kept
    for done in (1, 2, 3):
        time.now += 0.25
        fit.progress(done, 9, "trees")
    assert not fit.stop()
    assert budget.asked == [(3, 0.25)]


def test_a_fold_that_has_not_begun_goes_on(time: Time, line: Line) -> None:
    fold = FoldFit(Steps(line, 2), 1, lambda step: False)
    assert fold.given_up is False
    assert not fold.stop()
    fold.progress(1, 9, "trees")
    assert fold.stop()
    assert fold.given_up is False


def test_a_fit_that_is_asked_to_stop_stops_by_request(time: Time, line: Line) -> None:
    fit = FinalFit(line, Steps(line, 1), None)
    assert (fit.cause, fit.unit) == ("", "")
    assert fit.stop() is False
    fit.progress(1, 9, "trees")
    assert fit.stop() is False
    line.stop = True
    assert fit.stop() is True
    assert fit.cause == "by request"


def test_a_fold_takes_as_many_steps_as_the_model_did(time: Time, line: Line) -> None:
    fold = FoldFit(Steps(line, 2), 3, lambda step: False)
    for done in (1, 2):
        fold.progress(done, 9, "trees")
        assert not fold.stop()
    fold.progress(3, 9, "trees")
    assert fold.stop() is True
    assert fold.given_up is False
    assert line.counts()[0] == (1, 18, "trees")


def test_a_fold_is_given_up_when_its_steps_take_too_long(time: Time, line: Line) -> None:
    asked: list[float] = []

    def give_up(step: float) -> bool:
        asked.append(step)
        return step > 2.0

    fold = FoldFit(Steps(line, 2), None, give_up)
    for seconds in (1.0, 2.0):
        time.now += seconds
        fold.progress(1, 9, "trees")
        assert not fold.stop()
    time.now += 3.0
    assert fold.stop()
    assert fold.given_up
    assert asked == [1.0, 2.0, 3.0]
