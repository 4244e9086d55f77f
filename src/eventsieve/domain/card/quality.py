"""What a model card says of a model's quality."""

from __future__ import annotations

from collections.abc import Sequence

from eventsieve.domain.card.text import Section, Table, amount, number
from eventsieve.records import AmsCurve, Evaluation, Importance, Model, Overtraining, Score

__all__ = ["quality"]

MOST_IMPORTANT = 10

_TITLES = {
    "accuracy": "Accuracy",
    "f1": "F1",
    "roc_auc": "Area under the ROC curve",
    "average_precision": "Average precision",
    "log_loss": "Log loss (lower is better)",
    "brier": "Brier score (lower is better)",
    "ams": "Approximate median significance (AMS)",
}


def quality(model: Model, evaluation: Evaluation | None) -> list[Section]:
    """The sections on figures, overtraining and importance, as far as they are known."""
    if not model.scores and evaluation is None:
        return []
    figures = Section("Quality on events that it was not trained on", tables=_scores(model.scores), drawn=True)
    if evaluation is None:
        return [figures]
    counted = (
        f"{evaluation.validation_events:,} validation events; {evaluation.train_events:,} events were trained on. "
        f"Intervals are the central 68.3 % of bootstrap replicas."
    )
    ams = () if evaluation.ams is None else (_ams(evaluation.ams),)
    figures = Section(
        figures.title,
        paragraphs=(counted, *ams),
        tables=(*figures.tables, _confusion(evaluation)),
        drawn=True,
    )
    return [figures, _overtraining(evaluation), *_importance(evaluation.importance)]


def _scores(scores: Sequence[Score]) -> tuple[Table, ...]:
    if not scores:
        return ()
    rows = tuple(
        (
            _TITLES.get(score.name, score.name),
            "weighted" if score.weighted else "each event once",
            number(score.value),
            _interval(score),
            "" if score.cut is None else number(score.cut),
        )
        for score in scores
    )
    return (Table(("Figure of merit", "Events", "Value", "Interval", "Cut"), rows),)


def _interval(score: Score) -> str:
    if score.low is not None and score.high is not None:
        return f"{number(score.low)} to {number(score.high)}"
    return "" if score.uncertainty is None else f"± {number(score.uncertainty)}"


def _ams(ams: AmsCurve) -> str:
    spread = "" if ams.best_uncertainty is None else f" ± {number(ams.best_uncertainty)}"
    return (
        f"The largest AMS is {number(ams.best)}{spread}, at a cut of {number(ams.best_cut)}: weights are scaled to "
        f"sums of {amount(ams.signal_sum)} (signal) and {amount(ams.background_sum)} (background), "
        f"regularisation {number(ams.regularisation)}."
    )


def _confusion(evaluation: Evaluation) -> Table:
    counted = "sums of weights" if evaluation.weighted else "events"
    rows = tuple((name, *map(amount, row)) for name, row in zip(evaluation.classes, evaluation.confusion, strict=True))
    return Table(("True class", *evaluation.classes), rows, f"True class against predicted class, {counted}")


def _overtraining(evaluation: Evaluation) -> Section:
    return Section(
        "Overtraining",
        paragraphs=(f"Verdict: {evaluation.verdict}. {evaluation.verdict_reason}",),
        tables=(_tests(evaluation.overtraining),) if evaluation.overtraining else (),
    )


def _tests(tests: Sequence[Overtraining]) -> Table:
    rows = tuple((test.label, number(test.statistic), number(test.p_value), str(test.permutations)) for test in tests)
    return Table(
        ("Class", "Distance", "p-value", "Permutations"),
        rows,
        "Kolmogorov-Smirnov test of the scores of training against validation events",
    )


def _importance(importance: Sequence[Importance]) -> list[Section]:
    if not importance:
        return []
    rows = tuple((each.feature, number(each.drop), number(each.uncertainty)) for each in importance[:MOST_IMPORTANT])
    what = "How much area under the ROC curve is lost when a feature's values are shuffled among the validation events."
    return [Section("Most important features", (what,), tables=(Table(("Feature", "Loss", "Uncertainty"), rows),))]
