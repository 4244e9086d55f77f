"""What a model's evaluation on events that it never saw has found: curves, distributions, tests."""

from __future__ import annotations

from typing import Literal

from eventsieve.records.base import Record

__all__ = [
    "AmsCurve",
    "Calibration",
    "ClassCurves",
    "CutCurve",
    "Distribution",
    "Evaluation",
    "Importance",
    "Overtraining",
    "PrecisionRecallCurve",
    "RocCurve",
]

Numbers = tuple[float, ...]


class RocCurve(Record):
    """Efficiencies as the cut falls, from (0, 0) to (1, 1); thinned to some hundred points."""

    cut: tuple[float | None, ...]
    """Events with a score above it are selected; ``None`` where no finite cut does (the first point)."""
    background: Numbers
    """Fraction of the background that is selected (false-positive rate)."""
    signal: Numbers
    """Fraction of the signal that is selected (true-positive rate)."""
    """Rounded to nine decimals, like all fractions here."""
    auc: float


class PrecisionRecallCurve(Record):
    """Purity against efficiency as the cut falls."""

    recall: Numbers
    precision: Numbers
    average_precision: float


class CutCurve(Record):
    """What is selected by each cut, on a grid of cuts."""

    cut: Numbers
    signal_efficiency: Numbers
    background_efficiency: Numbers
    purity: tuple[float | None, ...]
    """Signal among what is selected, by weight; ``None`` where nothing is, or its weights add up to nothing."""
    signal_events: tuple[int, ...]
    """Number of validation events of the signal that are selected."""
    background_events: tuple[int, ...]


class AmsCurve(Record):
    """The approximate median significance against the cut, where a cut leaves enough background to count."""

    cut: Numbers
    ams: Numbers
    uncertainty: Numbers
    """Standard deviation over bootstrap replicas at each cut; empty where there was no time for them."""
    best_cut: float
    best: float
    best_uncertainty: float | None
    signal_sum: float
    """What the weights of the signal are scaled to: the sum in the full sample."""
    background_sum: float
    regularisation: float


class Calibration(Record):
    """Predicted probability against what is observed, in bins of equal population."""

    predicted: Numbers
    """Mean predicted probability in each bin."""
    observed: Numbers
    """Fraction of signal in each bin."""
    uncertainty: Numbers
    events: tuple[int, ...]


class Distribution(Record):
    """The score's distribution of one class, in training and in validation events, on common edges.

    Contents are sums of weights divided by their total, so that they add up to one; errors are those of weighted
    counts, the root of the sum of squared weights. What lies beyond the edges is in the outermost bins. Where the
    training events were not scored, ``train`` and ``train_error`` are empty.
    """

    label: str
    """The class of the events."""
    edges: Numbers
    train: Numbers
    train_error: Numbers
    validation: Numbers
    validation_error: Numbers


class Overtraining(Record):
    """Whether a class's scores are distributed alike in training and in validation events."""

    label: str
    statistic: float
    """Largest distance of the two weighted cumulative distributions (Kolmogorov-Smirnov)."""
    p_value: float
    """Fraction of random relabellings of training and validation events with at least this distance."""
    permutations: int


class Importance(Record):
    """How much a feature matters: the loss of ROC AUC when its values are shuffled among the validation events."""

    feature: str
    drop: float
    uncertainty: float


class ClassCurves(Record):
    """The curves of one class against all others; of signal against background there is one."""

    label: str
    """The class that counts as signal here."""
    roc: RocCurve
    precision_recall: PrecisionRecallCurve
    cuts: CutCurve
    calibration: Calibration | None = None
    """``None`` where the model gives decision values, not probabilities."""


class Evaluation(Record):
    """Everything that is known of a model's quality, on events that it was not trained on."""

    classes: tuple[str, ...]
    """In the order of their codes: background, signal; or several."""
    signal: str | None
    train_events: int
    validation_events: int
    weighted: bool
    """Whether the events have weights; curves, distributions and tests use them then."""
    probabilities: bool
    """Whether scores are probabilities."""
    curves: tuple[ClassCurves, ...]
    ams: AmsCurve | None = None
    """``None`` where no class is the signal."""
    confusion: tuple[Numbers, ...]
    """Sums of weights by true class (rows) and predicted class (columns)."""
    distributions: tuple[Distribution, ...]
    """By class; of the score for signal, or of each class's own probability."""
    overtraining: tuple[Overtraining, ...]
    verdict: Literal["no sign of overtraining", "overtrained", "not tested"]
    verdict_reason: str
    """A sentence."""
    train_auc: float | None = None
    """ROC AUC on the training events, weighted where they have weights; ``None`` where they were not scored."""
    importance: tuple[Importance, ...]
    """Falling."""
    left_out: tuple[str, ...] = ()
    """Sentences on what was not evaluated, and why."""
