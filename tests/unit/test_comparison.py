"""Comparisons: "better" is a statement, and chance is called chance."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import accuracy_score, average_precision_score, log_loss, roc_auc_score

from eventsieve.domain.evaluation import Scored, compare
from eventsieve.domain.evaluation.comparison import mcnemar
from eventsieve.errors import BadTable
from eventsieve.records import Column, Schema

SCHEMA = Schema(name="two", columns=(Column(name="x", dtype="float64"), Column(name="y", dtype="object", role="label")))
FOUR = Schema.model_validate(SCHEMA.model_dump() | {"classes": ("qcd", "w", "z", "s")})


def models(seed: int, noises: dict[str, float], n: int = 1500, *, weighted: bool = True) -> dict[str, Scored]:
    """Models that see the same events, the less of them the more noise they have."""
    random = np.random.default_rng(seed)
    target = (random.random(n) < 0.4).astype(np.uint8)
    seen = random.normal(size=n) + 1.5 * target
    weight = random.exponential(size=n) if weighted else None
    found = {}
    for name, noise in noises.items():
        score = 1 / (1 + np.exp(-1.5 * (seen + noise * random.normal(size=n) - 0.8)))
        found[name] = Scored(target, score, (score > 0.5).astype(np.uint8), weight, probabilities=True)
    return found


def by_key(found, first: str, second: str) -> dict:
    return {(d.name, d.weighted): d for d in found.differences if {d.first, d.second} == {first, second}}


def test_a_model_that_is_better_is_better_in_every_figure() -> None:
    scored = models(0, {"bad": 3.0, "good": 0.0})
    found = compare(scored, SCHEMA, None, 1)
    assert found.ranking == ("good", "bad")
    assert found.verdict.startswith("good has the largest weighted ROC AUC")
    assert "is more than chance" in found.verdict
    differences = by_key(found, "good", "bad")
    assert len(differences) == 13
    for key, difference in differences.items():
        if key[0] != "ams":
            assert difference.better == "good", key
            assert difference.p_value < 0.02
            assert (difference.value < 0) == (key[0] in ("log_loss", "brier"))
            assert difference.low < difference.value < difference.high
    assert found.mcnemar[0].better == "good"


def test_differences_are_those_of_scikit_learn() -> None:
    scored = models(1, {"a": 0.3, "b": 0.6})
    found = compare(scored, SCHEMA, None, 1)
    one, other = (scored[name] for name in found.ranking[:2])
    for name, function in (
        ("roc_auc", roc_auc_score),
        ("average_precision", average_precision_score),
        ("log_loss", log_loss),
    ):
        expected = (function(one.target, model.score, sample_weight=model.weight) for model in (one, other))
        value = by_key(found, "a", "b")[name, True].value
        assert value == pytest.approx(next(expected) - next(expected), abs=1e-12)


def test_the_interval_of_a_difference_is_that_of_paired_events() -> None:
    scored = models(2, {"a": 0.2, "b": 0.3}, weighted=False)
    right = [model.predicted == model.target for model in scored.values()]
    paired = (right[0].astype(float) - right[1]).std() / np.sqrt(1500)
    difference = by_key(compare(scored, SCHEMA, None, 1), "a", "b")["accuracy", False]
    assert difference.high - difference.low == pytest.approx(2 * 1.96 * paired, rel=0.15)


def test_equal_models_are_called_better_about_as_often_as_they_may_be() -> None:
    names = [
        {
            (d.name, d.weighted): d
            for d in compare(models(seed, {"a": 0.7, "b": 0.7}, 300), SCHEMA, None, seed).differences
        }
        for seed in range(20)
    ]
    for key in (("accuracy", False), ("roc_auc", True), ("log_loss", False)):
        wrong = sum(found[key].better is not None for found in names)
        # Of 20 intervals of 95 % more than 4 miss by chance in three of a thousand such tests.
        assert wrong <= 4, key


def test_a_model_is_no_better_than_itself() -> None:
    scored = models(0, {"a": 0.5})
    found = compare({"a": scored["a"], "b": scored["a"]}, SCHEMA, None, 1)
    assert all(difference.value == 0 and difference.better is None for difference in found.differences)
    assert all(difference.p_value == 1 for difference in found.differences)
    assert (found.mcnemar[0].p_value, found.mcnemar[0].better) == (1.0, None)
    assert "may be chance" in found.verdict


def test_scores_have_uncertainties_and_say_the_same_as_the_differences() -> None:
    found = compare(models(0, {"a": 0.1, "b": 0.9}), SCHEMA, {"b": 1e5, "s": 100.0}, 1)
    for key, difference in by_key(found, "a", "b").items():
        first, second = (
            next(s for s in found.scores[name] if (s.name, s.weighted) == key)
            for name in (difference.first, difference.second)
        )
        assert difference.value == pytest.approx(first.value - second.value)
        assert first.uncertainty > 0
        assert (first.cut is not None) == (key[0] == "ams")


def test_several_classes_are_compared_too() -> None:
    random = np.random.default_rng(0)
    target = random.integers(0, 4, 800).astype(np.uint8)
    raw = random.normal(size=(800, 4)) + 2.0 * (target[:, None] == np.arange(4))
    found = {}
    for name, noise in (("good", 0.0), ("bad", 2.0)):
        shares = np.exp(raw + noise * random.normal(size=raw.shape))
        shares /= shares.sum(axis=1, keepdims=True)
        found[name] = Scored(target, shares, shares.argmax(axis=1).astype(np.uint8), None, probabilities=True)
    compared = compare(found, FOUR, None, 1)
    assert compared.ranking == ("good", "bad")
    difference = by_key(compared, "good", "bad")["roc_auc", False]
    expected = [roc_auc_score(target, found[name].score, multi_class="ovr") for name in ("good", "bad")]
    assert difference.value == pytest.approx(expected[0] - expected[1])


def test_probabilities_and_decision_values_share_what_both_have() -> None:
    scored = models(0, {"a": 0.1, "b": 0.9})
    logit = np.log(scored["b"].score / (1 - scored["b"].score))
    scored["b"] = dataclasses.replace(scored["b"], score=logit, probabilities=False)
    found = compare(scored, SCHEMA, None, 1)
    assert not {"log_loss", "brier"} & {difference.name for difference in found.differences}
    assert "brier" in {score.name for score in found.scores["a"]}


def test_of_many_models_the_best_is_compared_with_each() -> None:
    found = compare(models(0, {f"m{i:02}": 0.1 * i for i in range(12)}, 200), SCHEMA, None, 1)
    assert {test.first for test in found.mcnemar} == {found.ranking[0]}
    assert len(found.mcnemar) == 11
    assert len(compare(models(0, {"a": 0, "b": 1, "c": 2}, 200), SCHEMA, None, 1).mcnemar) == 3


def test_of_too_many_events_some_are_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    scored = models(0, {"a": 0.0, "b": 0.5})
    assert compare(scored, SCHEMA, None, 1).events == 1500
    monkeypatch.setattr("eventsieve.domain.evaluation.comparison.MOST_EVENTS", 500)
    found = compare(scored, SCHEMA, None, 1)
    assert found.events == 500
    assert found == compare(scored, SCHEMA, None, 1)


def test_one_model_has_scores_and_nothing_to_compare_with() -> None:
    found = compare(models(0, {"a": 0.1}), SCHEMA, None, 1)
    assert found.differences == ()
    assert "no other model" in found.verdict


def test_the_same_seed_gives_the_same_comparison() -> None:
    scored = models(0, {"a": 0.1, "b": 0.3}, 300)
    assert compare(scored, SCHEMA, None, 1) == compare(scored, SCHEMA, None, 1)
    assert compare(scored, SCHEMA, None, 1) != compare(scored, SCHEMA, None, 2)


def test_the_verdict_tells_apart_who_is_beaten() -> None:
    found = compare(models(0, {"a": 0.0, "a2": 0.02, "c": 4.0}), SCHEMA, None, 1)
    best, close, far = found.ranking
    assert (far, {best, close}) == ("c", {"a", "a2"})
    assert f"over c is more than chance, that over {close} may be chance" in found.verdict


def decisions(ours: int, theirs: int, both: int = 10) -> tuple[Scored, Scored]:
    """Two models that are right alone about so many events, and both right about others."""
    target = np.ones(ours + theirs + both, dtype=np.uint8)
    target[-1] = 0
    first, second = target.copy(), target.copy()
    second[:ours] = 0
    first[ours : ours + theirs] = 0
    score = np.zeros(len(target))
    return Scored(target, score, first, None, probabilities=True), Scored(
        target, score, second, None, probabilities=True
    )


@pytest.mark.parametrize(("ours", "theirs"), [(8, 2), (2, 8), (30, 31), (700, 200), (0, 1)])
def test_mcnemars_test_is_the_binomial_one(ours: int, theirs: int) -> None:
    found = mcnemar("a", "b", *decisions(ours, theirs))
    assert (found.only_first, found.only_second) == (ours, theirs)
    assert found.p_value == pytest.approx(stats.binomtest(ours, ours + theirs).pvalue)


@pytest.mark.parametrize(("ours", "theirs"), [(560, 480), (520, 520), (900, 700)])
def test_mcnemars_test_of_many_events_is_the_corrected_chi_squared(ours: int, theirs: int) -> None:
    found = mcnemar("a", "b", *decisions(ours, theirs))
    assert found.p_value == pytest.approx(stats.binomtest(ours, ours + theirs).pvalue, abs=0.03)
    assert found.p_value == pytest.approx(stats.chi2.sf(max(0, abs(ours - theirs) - 1) ** 2 / (ours + theirs), 1))
    assert found.better == ("a" if found.p_value < 0.05 else None)


def test_refusals() -> None:
    scored = models(0, {"a": 0.1, "b": 0.3}, 100)
    with pytest.raises(ValueError, match="same events"):
        compare({"a": scored["a"], "b": models(1, {"b": 0.3}, 100)["b"]}, SCHEMA, None, 1)
    with pytest.raises(BadTable, match="one class"):
        compare({"a": scored["a"].take(scored["a"].target == 1)}, SCHEMA, None, 1)


def test_accuracies_are_those_of_scikit_learn() -> None:
    scored = models(3, {"a": 0.1})
    (score, *_) = compare(scored, SCHEMA, None, 1).scores["a"]
    assert score.value == pytest.approx(accuracy_score(scored["a"].target, scored["a"].predicted))
