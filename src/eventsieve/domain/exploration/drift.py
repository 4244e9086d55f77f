"""Drift: whether two tables are samples of the same distribution, feature by feature and all together."""

from __future__ import annotations

import math
from collections.abc import Mapping

from eventsieve.domain.exploration.buckets import Buckets
from eventsieve.domain.exploration.ordered import Ordered
from eventsieve.domain.exploration.statistics import (
    chance_of_distance,
    combined,
    known,
    kolmogorov_smirnov,
    proportions_differ,
)
from eventsieve.multiplicity import holm
from eventsieve.records import ClassifierTest, Drift, FeatureDrift

__all__ = ["LEVEL", "TOLERABLE", "compare_feature", "judge"]

LEVEL = 0.05
"""A corrected chance below it is significant."""
TOLERABLE = 0.05
"""Significant shifts that are no larger are called slight: no cut on the feature selects shares that differ by more."""
CRITICAL = 1.358
"""5 % point of Kolmogorov's distribution."""
_LISTED = 5
"""Features that a sentence names."""


def compare_feature(name: str, ours: Ordered, theirs: Ordered | Buckets) -> FeatureDrift:
    """Test one feature, unweighted; the correction for many features is that of `judge`.

    Args:
        name: of the feature.
        ours: its values in the first table.
        theirs: its values in the second.
    """
    distance, distance_p = _apart(ours, theirs)
    undefined_p = proportions_differ(ours.undefined, ours.events, theirs.undefined, theirs.events)
    shares = [part.undefined / part.events if part.events else 0.0 for part in (ours, theirs)]
    return FeatureDrift(
        feature=name,
        distance=known(distance),
        distance_p=known(distance_p),
        undefined_shift=shares[1] - shares[0],
        undefined_p=known(undefined_p),
        mean_shift=known((theirs.mean - ours.mean) / ours.std) if ours.std else None,
        p_value=known(combined([distance_p, undefined_p])),
        corrected=None,
        drifted=False,
    )


def _apart(ours: Ordered, theirs: Ordered | Buckets) -> tuple[float, float]:
    """As `kolmogorov_smirnov`."""
    if isinstance(theirs, Ordered) or not len(ours):
        return kolmogorov_smirnov(ours.values, theirs.values)
    distance = theirs.distance(ours.values)
    return distance, chance_of_distance(distance, len(ours), len(theirs))


def judge(
    found: Mapping[str, FeatureDrift], classifier: ClassifierTest | None, events: tuple[int, int], left_out: int
) -> Drift:
    """The verdict on all features and on the classifier, corrected together.

    Args:
        found: the features that both tables have.
        classifier: what a classifier made of the two tables.
        events: how many of each table were tested.
        left_out: events of the second table that were not, because they are in the first too.
    """
    p_values = [math.nan if f.p_value is None else f.p_value for f in found.values()]
    *corrected, overall = holm([*p_values, math.nan if classifier is None else classifier.p_value])
    features = tuple(
        f.model_copy(update={"corrected": known(p), "drifted": p < LEVEL})
        for f, p in zip(found.values(), corrected, strict=True)
    )
    if classifier is not None:
        classifier = classifier.model_copy(update={"corrected": overall, "drifted": overall < LEVEL})
    n, m = events
    drift = Drift(
        verdict="not tested",
        reason="",
        features=features,
        classifier=classifier,
        first_events=n,
        second_events=m,
        left_out=left_out,
        sensitivity=min(1.0, CRITICAL * math.sqrt((n + m) / (n * m))) if n and m else None,
        level=LEVEL,
        tolerable=TOLERABLE,
    )
    return _with_verdict(drift)


def _with_verdict(drift: Drift) -> Drift:
    significant = [f for f in drift.ranked() if f.drifted]
    told = drift.classifier if drift.classifier is not None and drift.classifier.drifted else None
    if not (drift.first_events and drift.second_events):
        reason = "Every event of the second table is in the first too; compare with other events."
        if not drift.left_out:
            reason = "A table has no events; there is nothing to compare."
        return drift.model_copy(update={"reason": reason})
    if not (significant or told):
        return drift.model_copy(update={"verdict": "no drift", "reason": _no_drift(drift)})
    large = [f for f in significant if max(f.distance or 0.0, abs(f.undefined_shift)) > TOLERABLE]
    if large or (told and told.auc > 0.5 + TOLERABLE):
        return drift.model_copy(update={"verdict": "drift", "reason": _drifts(large or significant, told, "Drift in")})
    reason = _drifts(significant, told, "Slight drift in")
    return drift.model_copy(
        update={"verdict": "slight drift", "reason": f"{reason} It is significant with so many events, and small."}
    )


def _no_drift(drift: Drift) -> str:
    sentence = "No drift seen"
    strongest = next((f for f in drift.ranked() if f.distance is not None and f.corrected is not None), None)
    if strongest is not None and strongest.corrected is not None:
        sentence += f": the strongest sign is {describe(strongest)}, corrected p {strongest.corrected:.2g}"
    sentence += "."
    if drift.classifier is not None:
        sentence += f" A classifier cannot tell the tables apart (AUC {drift.classifier.auc:.3f})."
    if drift.sensitivity is not None:
        sentence += f" With so many events, distances below {drift.sensitivity:.2g} would hardly be noticed."
    return sentence


def _drifts(features: list[FeatureDrift], told: ClassifierTest | None, beginning: str) -> str:
    if not features:
        auc = "" if told is None else f" (AUC {told.auc:.3f})"
        return f"No single feature drifts, but a classifier tells the tables apart{auc}: correlations differ."
    shown = ", ".join(describe(f) for f in features[:_LISTED])
    rest = f" and {len(features) - _LISTED} more" if len(features) > _LISTED else ""
    auc = f" A classifier tells the tables apart (AUC {told.auc:.3f})." if told else ""
    return f"{beginning} {shown}{rest}.{auc}"


def describe(found: FeatureDrift) -> str:
    """A feature and how far it has drifted, in a few words."""
    words = [] if found.distance is None else [f"KS distance {found.distance:.3f}"]
    if found.mean_shift is not None and abs(found.mean_shift) >= 0.005:  # what is less reads as 0.00
        words.append(f"mean {found.mean_shift:+.2f} \N{GREEK SMALL LETTER SIGMA}")
    if abs(found.undefined_shift) >= 0.0005:
        words.append(f"undefined {100 * found.undefined_shift:+.1f} %")
    return f"{found.feature} ({', '.join(words)})" if words else found.feature
