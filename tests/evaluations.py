"""An evaluation that was made up, for tests of what is done with evaluations."""

from __future__ import annotations

import numpy as np

from eventsieve.records import (
    AmsCurve,
    ClassCurves,
    CutCurve,
    Distribution,
    Evaluation,
    Importance,
    Overtraining,
    PrecisionRecallCurve,
    RocCurve,
)

__all__ = ["evaluation"]


def evaluation(classes: tuple[str, ...] = ("b", "s"), signal: str | None = "s") -> Evaluation:
    """One of these classes, with a signal or without."""
    against_rest = (signal,) if len(classes) == 2 and signal else classes
    return Evaluation(
        classes=classes,
        signal=signal,
        train_events=4_321,
        validation_events=1_234,
        weighted=True,
        probabilities=True,
        curves=tuple(map(_curves, against_rest)),
        ams=_ams() if signal else None,
        confusion=tuple(tuple(float(i + j) for j in range(len(classes))) for i in range(len(classes))),
        distributions=tuple(_distribution(label, n) for n, label in enumerate(classes)),
        overtraining=(Overtraining(label=classes[0], statistic=0.0213, p_value=0.431, permutations=999),),
        verdict="no sign of overtraining",
        verdict_reason="No p-value is below 0.05.",
        importance=tuple(Importance(feature=f"x{n}", drop=0.2 - n / 100, uncertainty=0.01) for n in range(12)),
        left_out=("Importance is of 1,000 events only.",),
    )


def _curves(label: str) -> ClassCurves:
    x = np.linspace(0.0, 1.0, 50)
    rising, falling = tuple(x.tolist()), tuple((1.0 - x).tolist())
    roc = RocCurve(cut=(None, *falling[1:]), background=tuple((x**3).tolist()), signal=rising, auc=0.8765)
    cuts = CutCurve(
        cut=rising,
        signal_efficiency=falling,
        background_efficiency=falling,
        purity=rising,
        signal_events=(1,) * 50,
        background_events=(1,) * 50,
    )
    curve = PrecisionRecallCurve(recall=rising, precision=falling, average_precision=0.7)
    return ClassCurves(label=label, roc=roc, precision_recall=curve, cuts=cuts)


def _ams() -> AmsCurve:
    x = np.linspace(0.0, 1.0, 50)
    return AmsCurve(
        cut=tuple(x.tolist()),
        ams=tuple((3.0 * x * (1.0 - x)).tolist()),
        uncertainty=(0.1,) * 50,
        best_cut=0.8,
        best=2.345,
        best_uncertainty=0.123,
        signal_sum=691.9,
        background_sum=410_999.8,
        regularisation=10.0,
    )


def _distribution(label: str, place: int) -> Distribution:
    contents = np.exp(-((np.arange(20) - 5 - 8 * place) ** 2) / 20.0)
    contents /= contents.sum()
    return Distribution(
        label=label,
        edges=tuple(np.linspace(0.0, 1.0, 21).tolist()),
        train=tuple(contents.tolist()),
        train_error=tuple((contents / 10).tolist()),
        validation=tuple((1.1 * contents).tolist()),
        validation_error=tuple((contents / 5).tolist()),
    )
