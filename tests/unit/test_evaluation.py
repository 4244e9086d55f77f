"""Figures of merit of scored events, of two classes and of several, against scikit-learn and brute force."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    brier_score_loss,
    f1_score,
    log_loss,
    roc_auc_score,
)

from eventsieve.domain.evaluation import (
    NAMES,
    ImportanceInput,
    Scored,
    decide,
    evaluate_model,
    evaluation_cost,
)
from eventsieve.domain.evaluation.scaling import full_sums
from eventsieve.domain.metrics import ams, best_ams, class_sums
from eventsieve.errors import BadRequest, BadTable
from eventsieve.records import Column, Evaluation, Schema, Threshold

BINARY = Schema(name="two", columns=(Column(name="x", dtype="float64"), Column(name="y", dtype="object", role="label")))
FOUR = Schema.model_validate(BINARY.model_dump() | {"classes": ("qcd", "w", "z", "s")})


def events(seed: int = 0, n: int = 400, classes: int = 2, *, digits: int = 2, signed: bool = False) -> Scored:
    """Probabilities rounded so that many are equal, and weights of very different sizes."""
    random = np.random.default_rng(seed)
    target = random.integers(0, classes, n).astype(np.uint8)
    weight = random.exponential(size=n) * np.array([3.0, 0.01, 1.0, 0.3])[target]
    if signed:
        weight[random.random(n) < 0.2] *= -1
    if classes == 2:
        score = np.round(1 / (1 + np.exp(-random.normal(size=n) - target + 0.5)), digits)
        return Scored(target, score, (score > 0.5).astype(np.uint8), weight, probabilities=True)
    raw = random.normal(size=(n, classes)) + 1.5 * (target[:, None] == np.arange(classes))
    shares = np.exp(raw) / np.exp(raw).sum(axis=1, keepdims=True)
    score = np.round(shares, digits)
    score /= score.sum(axis=1, keepdims=True)
    return Scored(target, score, score.argmax(axis=1).astype(np.uint8), weight, probabilities=True)


def evaluated(scored: Scored, schema: Schema = BINARY, **options):
    given = {"train": None, "sums": None, "seed": 1, "importance": None, "seconds_left": lambda: math.inf} | options
    return evaluate_model(schema=schema, validation=scored, **given)


def values(scored: Scored, schema: Schema = BINARY, **options) -> dict[tuple[str, bool], float]:
    return {(score.name, score.weighted): score.value for score in evaluated(scored, schema, **options)[0]}


def of_scikit_learn(scored: Scored, weight: np.ndarray | None) -> dict[str, float]:
    target, score, k = scored.target, scored.score, scored.classes
    several = k > 2
    one_hot = target[:, None] == np.arange(k)
    return {
        "accuracy": accuracy_score(target, scored.predicted, sample_weight=weight),
        "f1": f1_score(target, scored.predicted, sample_weight=weight, average="macro" if several else "binary"),
        "roc_auc": roc_auc_score(target, score, sample_weight=weight, **({"multi_class": "ovr"} if several else {})),
        "average_precision": average_precision_score(one_hot if several else target, score, sample_weight=weight),
        "log_loss": log_loss(target, score, sample_weight=weight),
        "brier": brier_score_loss(target, score, sample_weight=weight),
    }


@pytest.mark.parametrize(("classes", "schema"), [(2, BINARY), (4, FOUR)])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_figures_agree_with_scikit_learn(seed: int, classes: int, schema: Schema, *, weighted: bool) -> None:
    scored = events(seed, classes=classes)
    ours = values(scored, schema)
    for name, value in of_scikit_learn(scored, scored.weight if weighted else None).items():
        assert ours[name, weighted] == pytest.approx(value, abs=1e-12), name


def test_the_log_loss_of_certain_errors_is_finite_as_in_scikit_learn() -> None:
    scored = dataclasses.replace(events(), score=np.round(events().score))
    assert values(scored)["log_loss", False] == pytest.approx(log_loss(scored.target, scored.score))


def test_figures_come_unweighted_then_weighted_and_the_ams_once() -> None:
    keys = list(values(events()))
    assert keys == [(name, False) for name in NAMES if name != "ams"] + [(name, True) for name in NAMES]
    without = dataclasses.replace(events(), weight=None)
    assert list(values(without)) == [(name, False) for name in NAMES]


def test_decision_values_have_no_probability_figures_and_no_calibration() -> None:
    scored = events()
    logit = np.log((scored.score + 0.001) / (1.001 - scored.score))
    found, evaluation = evaluated(dataclasses.replace(scored, score=logit, probabilities=False))
    assert not {"log_loss", "brier"} & {score.name for score in found}
    assert evaluation.curves[0].calibration is None
    assert values(scored)["roc_auc", True] == pytest.approx(
        {(s.name, s.weighted): s.value for s in found}["roc_auc", True]
    )


def test_a_figure_that_uses_the_decision_follows_the_threshold_and_others_do_not() -> None:
    scored = events()
    strict = decide(scored.score, True, Threshold(kind="value", value=0.8), BINARY)
    assert (strict == (scored.score > 0.8)).all()
    before, after = values(scored), values(dataclasses.replace(scored, predicted=strict))
    assert {name for name, weighted in before if before[name, weighted] != after[name, weighted]} == {"accuracy", "f1"}


def pairs(scored: Scored, code: int) -> float:
    """The weighted chance that an event of a class scores higher than one of the others, over all pairs."""
    score, member = scored.score_of(code), scored.target == code
    difference = score[member][:, None] - score[~member][None, :]
    chances = (difference > 0) + 0.5 * (difference == 0)
    products = np.outer(scored.weight[member], scored.weight[~member])
    return float((chances * products).sum() / products.sum())


@pytest.mark.parametrize(("classes", "schema"), [(2, BINARY), (4, FOUR)])
def test_negative_weights_count_negatively(classes: int, schema: Schema) -> None:
    scored = events(4, classes=classes, signed=True)
    ours, weight = values(scored, schema), scored.weight
    right = scored.predicted == scored.target
    assert ours["accuracy", True] == pytest.approx(weight[right].sum() / weight.sum())
    assert ours["roc_auc", True] == pytest.approx(np.mean([pairs(scored, code) for code in scored.signals()]))
    of_true = scored.score_of(1) if classes == 2 else scored.score[np.arange(len(scored)), scored.target]
    of_true = np.where(scored.target == 1, of_true, 1 - of_true) if classes == 2 else of_true
    losses = -np.log(np.clip(of_true, 2.2e-16, None))
    assert ours["log_loss", True] == pytest.approx((weight * losses).sum() / weight.sum(), rel=1e-6)
    assert 0 <= ours["ams", True] < math.inf


def test_weights_that_cancel_out_are_left_out_and_it_says_so() -> None:
    scored = events(signed=True)
    weight = np.where(scored.target == 1, -np.abs(scored.weight), np.abs(scored.weight))
    found, evaluation = evaluated(dataclasses.replace(scored, weight=weight))
    assert not any(score.weighted for score in found)
    assert not evaluation.weighted
    assert "weights of s add up to nothing" in evaluation.left_out[0]


def test_weights_that_cancel_out_in_training_events_alone_do_not_speak_of_the_figures() -> None:
    train = events(1, signed=True)
    weight = np.where(train.target == 1, -np.abs(train.weight), np.abs(train.weight))
    found, evaluation = evaluated(events(2), train=dataclasses.replace(train, weight=weight))
    assert evaluation.weighted
    assert any(score.weighted for score in found)
    (remark,) = (text for text in evaluation.left_out if "weights of s add up to nothing" in text)
    assert remark.startswith("In training events, hence in the test of overtraining: ")


# AMS


def test_the_ams_is_that_of_v1() -> None:
    scored = events(3, n=2000)
    schema = Schema.model_validate(BINARY.model_dump() | {"class_weight_sums": {"s": 691.99, "b": 410999.85}})
    old = best_ams(scored.target == 1, scored.score, weight=scored.weight, sums=class_sums(schema), seed=1)
    (new,) = (score for score in evaluated(scored, schema)[0] if score.name == "ams")
    assert (new.value, new.cut) == pytest.approx((old.value, old.cut))
    assert new.uncertainty == pytest.approx(old.uncertainty)


def test_the_data_sets_sums_scale_where_the_schema_has_none() -> None:
    scored = events(3)
    sums = {"b": 5000.0, "s": 50.0}
    (new,) = (score for score in evaluated(scored, sums=sums)[0] if score.name == "ams")
    chosen, weight, target = scored.score > new.cut, scored.weight, scored.target
    s, b = (
        total * weight[chosen & (target == c)].sum() / weight[target == c].sum() for c, total in ((1, 50), (0, 5000))
    )
    assert new.value == pytest.approx(float(ams(s, b)))
    assert full_sums(BINARY, {"b": 1.0}) is None
    assert full_sums(FOUR, dict(zip(FOUR.class_names, (1.0, 2.0, 3.0, 4.0), strict=True))).tolist() == [1, 2, 3, 4]


def test_the_ams_of_several_classes_scales_each_of_them() -> None:
    scored = events(5, classes=4)
    sums = {"qcd": 1e5, "w": 2e3, "z": 300.0, "s": 40.0}
    (new,) = (score for score in evaluated(scored, FOUR, sums=sums)[0] if score.name == "ams")
    factors = np.array(list(sums.values())) / np.bincount(scored.target, scored.weight)
    weight = scored.weight * factors[scored.target]
    best = 0.0
    for cut in np.unique(scored.score[:, 3]):
        chosen = scored.score[:, 3] >= cut
        if (chosen & (scored.target != 3)).sum() >= 10:
            best = max(
                best,
                float(ams(weight[chosen & (scored.target == 3)].sum(), weight[chosen & (scored.target != 3)].sum())),
            )
    assert new.value == pytest.approx(best)


def test_no_signal_no_ams() -> None:
    schema = Schema.model_validate(FOUR.model_dump() | {"signal": None})
    found, evaluation = evaluated(events(classes=4), schema)
    assert "ams" not in {score.name for score in found}
    assert evaluation.ams is None
    assert evaluation.signal is None


# uncertainties


def test_uncertainties_are_those_of_repeated_experiments() -> None:
    runs = [values(events(seed, n=600, classes=4), FOUR, seconds_left=lambda: 0.0) for seed in range(120)]
    for score in evaluated(events(999, n=600, classes=4), FOUR)[0]:
        if score.name == "ams":
            continue
        spread = np.std([run[score.name, score.weighted] for run in runs], ddof=1)
        # Heavy weights make the spread itself vary; a factor of two is a formula that is wrong.
        assert score.uncertainty == pytest.approx(spread, rel=0.5), score.name
        assert score.low < score.value + score.uncertainty
        assert score.high > score.value - score.uncertainty


def test_intervals_hold_the_central_part_of_the_replicas() -> None:
    (score,) = (s for s in evaluated(events(n=5000))[0] if (s.name, s.weighted) == ("accuracy", False))
    assert score.high - score.low == pytest.approx(2 * score.uncertainty, rel=0.25)
    assert score.uncertainty == pytest.approx(math.sqrt(score.value * (1 - score.value) / 5000), rel=0.2)


def test_the_same_seed_gives_the_same_answer() -> None:
    scored = events()
    train = events(1)
    runs = [evaluated(scored, train=train, seed=seed) for seed in (1, 1, 2)]
    assert runs[0] == runs[1]
    assert runs[0] != runs[2]


# the whole


@pytest.mark.parametrize(("classes", "schema"), [(2, BINARY), (4, FOUR)])
def test_an_evaluation_survives_json(classes: int, schema: Schema) -> None:
    scored = events(classes=classes)
    features = np.column_stack([scored.score.reshape(len(scored), -1), np.zeros(len(scored))])
    importance = ImportanceInput(
        features, [f"x{i}" for i in range(features.shape[1])], lambda x: x[:, :-1].squeeze(), 0.01
    )
    _, evaluation = evaluated(scored, schema, train=events(1, classes=classes), importance=importance)
    assert Evaluation.model_validate_json(evaluation.model_dump_json()) == evaluation
    assert evaluation.classes == schema.class_names
    assert [curves.label for curves in evaluation.curves] == (["s"] if classes == 2 else list(schema.classes))
    assert np.sum(evaluation.confusion) == pytest.approx(scored.weight.sum())
    assert evaluation.importance
    assert evaluation.left_out == ()


def test_without_time_figures_and_curves_are_left_and_the_rest_is_told() -> None:
    scored = events()
    importance = ImportanceInput(scored.score[:, None], ["x"], lambda x: x[:, 0], 100.0)
    found, evaluation = evaluated(scored, train=events(1), importance=importance, seconds_left=lambda: 0.01)
    assert {score.name for score in found} == set(NAMES)
    assert {score.uncertainty for score in found} == {None}
    assert evaluation.curves
    assert evaluation.ams.best_uncertainty is None
    assert evaluation.distributions
    assert evaluation.verdict == "not tested"
    assert evaluation.importance == ()
    assert [
        word for word in ("Uncertainties", "overtraining", "importance") if word in " ".join(evaluation.left_out)
    ] == [
        "Uncertainties",
        "overtraining",
        "importance",
    ]


def test_a_class_without_validation_events_is_told_and_left_out() -> None:
    scored = events(classes=4)
    part = scored.take(scored.target != 1)
    found, evaluation = evaluated(part, FOUR)
    assert [curves.label for curves in evaluation.curves] == ["qcd", "z", "s"]
    assert "There is no validation event of w." in evaluation.left_out
    assert all(math.isfinite(score.value) for score in found)


def test_events_of_one_class_are_refused() -> None:
    scored = events()
    with pytest.raises(BadTable, match="all of one class"):
        evaluated(scored.take(scored.target == 1))


def test_scores_that_are_no_numbers_are_refused() -> None:
    scored = events()
    score = scored.score.copy()
    score[[3, 5]] = np.nan, np.inf
    with pytest.raises(ValueError, match=r"gives 2 of 400 events a score that is NaN or infinite"):
        dataclasses.replace(scored, score=score)


@settings(max_examples=20, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 2), st.floats(0, 1), st.floats(-3, 5)), min_size=3, max_size=25),
    st.booleans(),
)
def test_no_events_break_it(rows: list[tuple[int, float, float]], several: bool) -> None:  # noqa: FBT001
    codes, score, weight = (np.array(column) for column in zip(*rows, strict=True))
    codes[:2] = (0, 1)
    if several:
        schema = Schema.model_validate(BINARY.model_dump() | {"classes": ("a", "b", "s")})
        score = np.column_stack([score, (1 - score) / 2, (1 - score) / 2])
    else:
        schema, codes = BINARY, codes % 2
    scored = Scored(codes.astype(np.uint8), score, decide(score, True, None, schema), weight, probabilities=True)
    found, evaluation = evaluated(scored, schema, train=scored)
    assert all(math.isfinite(score.value) for score in found)
    assert Evaluation.model_validate_json(evaluation.model_dump_json()) == evaluation


def test_the_cost_grows_with_events_and_classes() -> None:
    assert evaluation_cost(1000, 2) < evaluation_cost(100_000, 2) < evaluation_cost(100_000, 4) < 30


# decisions


def test_several_classes_are_decided_by_the_largest_score() -> None:
    score = np.array([[0.2, 0.5, 0.3], [0.4, 0.2, 0.4]])
    assert decide(score, True, Threshold(kind="value", value=0.9), FOUR).tolist() == [1, 0]


def test_signal_is_decided_by_the_threshold() -> None:
    score = np.array([-0.1, 0.0, 0.2, 0.5, 0.6])
    assert decide(score, True, None, BINARY).tolist() == [0, 0, 0, 0, 1]
    assert decide(score, False, Threshold(), BINARY).tolist() == [0, 0, 1, 1, 1]
    assert decide(score, True, Threshold(kind="best_ams", value=0.1), BINARY).tolist() == [0, 0, 1, 1, 1]
    assert decide(score, True, Threshold(kind="natural", value=0.5), BINARY).dtype == np.uint8
    with pytest.raises(BadRequest, match="'best_ams' has no value"):
        decide(score, True, Threshold(kind="best_ams"), BINARY)
