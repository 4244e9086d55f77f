"""Comparison: whether one model is better than another on the same events, or only luckier."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import special

from eventsieve.domain.evaluation.bootstrap import bootstrap, scores
from eventsieve.domain.evaluation.figures import LOWER_IS_BETTER, NAMES, Figures, Key, rankings, selection
from eventsieve.domain.evaluation.scored import Scored, check_classes, without_useless_weights
from eventsieve.records import Difference, McNemar, Schema, Score

__all__ = ["Compared", "compare", "mcnemar"]

Floats = npt.NDArray[np.float64]
Pair = tuple[str, str]

REPLICAS_OF_SUMS: Final = 1000
REPLICAS_OF_RANKS: Final = 250
"""Of ROC AUC and average precision, for which each replica is some passes over the events."""

MOST_PAIRED: Final = 10
"""Models of which all pairs are compared; of more, the best is compared with each other one."""

MOST_EVENTS: Final = 200_000
"""Events that are compared on; of more, so many are chosen at random."""

EXACT_BELOW: Final = 1000
"""Discordant events below which McNemar's test is exact."""


class Compared(NamedTuple):
    """What a comparison has found; the fields are those of `eventsieve.records.Comparison`."""

    events: int
    scores: dict[str, tuple[Score, ...]]
    differences: tuple[Difference, ...]
    mcnemar: tuple[McNemar, ...]
    ranking: tuple[str, ...]
    verdict: str


def compare(scored: Mapping[str, Scored], schema: Schema, sums: Mapping[str, float] | None, seed: int) -> Compared:
    """Compare models on the same events, none of which any of them was trained on.

    All models are computed on the same bootstrap replicas, so that what is hard about an event is hard for all of them
    and cancels in the difference. The AMS of each model is that at its own best cut, which is kept.

    Args:
        scored: by name of the model the same events in the same order; one model or more. Of more than `MOST_EVENTS`
            so many are chosen at random.
        schema: names the classes and the signal.
        sums: by class what the weights (without weights: the counts) of the data set add up to, for the AMS where the
            schema does not know the experiment's full sample.
        seed: of the bootstrap.

    Raises:
        BadTable: all events are of one class.
        ValueError: the models were not scored on the same events.
    """
    models = _same_events(scored, schema, seed)
    figures = {name: _figures(model, schema, sums) for name, model in models.items()}
    tables = bootstrap(list(figures.values()), seed=seed, sums=REPLICAS_OF_SUMS, ranks=REPLICAS_OF_RANKS)
    columns = {
        name: dict(zip(one.keys, zip(one.values().tolist(), table.T, strict=True), strict=True))
        for (name, one), table in zip(figures.items(), tables, strict=True)
    }
    by_model = {name: scores(one, table)[0] for (name, one), table in zip(figures.items(), tables, strict=True)}
    key = Key("roc_auc", weighted=next(iter(models.values())).weight is not None)
    ranking = tuple(sorted(figures, key=lambda name: -columns[name][key][0]))
    pairs = list(combinations(ranking, 2)) if len(ranking) <= MOST_PAIRED else [(ranking[0], b) for b in ranking[1:]]
    differences = [
        difference
        for pair in pairs
        for shared in _shared(columns, pair)
        if (difference := _difference(pair, shared, *(columns[name][shared] for name in pair))) is not None
    ]
    tests = tuple(mcnemar(first, second, models[first], models[second]) for first, second in pairs)
    verdict = _verdict(ranking, key, columns[ranking[0]][key][0], differences)
    return Compared(len(next(iter(models.values()))), by_model, tuple(differences), tests, ranking, verdict)


def _same_events(scored: Mapping[str, Scored], schema: Schema, seed: int) -> dict[str, Scored]:
    """The models on as many events as are compared, with the weights of the first if these are of any use."""
    first = next(iter(scored.values()))
    if any(not np.array_equal(model.target, first.target) for model in scored.values()):
        raise ValueError("Models can be compared only on the same events in the same order.")
    rows = np.sort(np.random.default_rng(seed).permutation(len(first))[:MOST_EVENTS])
    first = first.take(rows)
    check_classes(first)
    weight = without_useless_weights(first, schema.class_names)[0].weight
    return {name: replace(model.take(rows), weight=weight) for name, model in scored.items()}


def _figures(model: Scored, schema: Schema, sums: Mapping[str, float] | None) -> Figures:
    ranked = rankings(model)
    return Figures.of(model, ranked, selection(model, ranked, schema, sums))


def _shared(columns: Mapping[str, Mapping[Key, object]], pair: Pair) -> list[Key]:
    """The figures that both models have, unweighted before weighted."""
    both = set(columns[pair[0]]) & set(columns[pair[1]])
    return sorted(both, key=lambda key: (key.weighted, NAMES.index(key.name)))


def _difference(pair: Pair, key: Key, first: tuple[float, Floats], second: tuple[float, Floats]) -> Difference | None:
    """One figure of two models; ``None`` where it is not defined."""
    value = first[0] - second[0]
    replicas = first[1] - second[1]
    replicas = replicas[np.isfinite(replicas)]
    if not np.isfinite(value) or len(replicas) < 2:
        return None
    low, high = np.quantile(replicas, (0.025, 0.975)).tolist()
    smaller = min(np.count_nonzero(replicas <= 0.0), np.count_nonzero(replicas >= 0.0))
    better = None
    if low > 0.0 or high < 0.0:
        better = pair[0] if (low > 0.0) != (key.name in LOWER_IS_BETTER) else pair[1]
    return Difference(
        first=pair[0],
        second=pair[1],
        name=key.name,
        weighted=key.weighted,
        value=value,
        low=low,
        high=high,
        p_value=min(1.0, 2.0 * (1 + smaller) / (1 + len(replicas))),
        replicas=len(replicas),
        better=better,
    )


def mcnemar(name: str, other: str, first: Scored, second: Scored) -> McNemar:
    """McNemar's test of two models' decisions about the same events, each event counted once.

    Events about which both are right, or both wrong, say nothing; of the others each model should be right about half
    if they are equally good. Two-sided: binomial below `EXACT_BELOW` such events, else chi-squared with one degree of
    freedom of (|n - m| - 1)^2 / (n + m) (Q. McNemar, Psychometrika 12 (1947) 153; A. L. Edwards, ibid. 13 (1948) 185).

    Args:
        name: of the first model.
        other: of the second.
        first: the events as the first model decides.
        second: as the second does.
    """
    right, also = first.predicted == first.target, second.predicted == second.target
    ours, theirs = int(np.count_nonzero(right & ~also)), int(np.count_nonzero(also & ~right))
    discordant = ours + theirs
    if discordant < EXACT_BELOW:
        p_value = min(1.0, 2.0 * float(special.bdtr(min(ours, theirs), discordant, 0.5))) if discordant else 1.0
    else:
        p_value = float(special.chdtrc(1, max(0, abs(ours - theirs) - 1) ** 2 / discordant))
    better = (name if ours > theirs else other) if p_value < 0.05 else None
    return McNemar(first=name, second=other, only_first=ours, only_second=theirs, p_value=p_value, better=better)


def _verdict(ranking: Sequence[str], key: Key, area: float, differences: Sequence[Difference]) -> str:
    best = ranking[0]
    figure = f"{'weighted ' if key.weighted else ''}ROC AUC"
    start = f"{best} has the largest {figure} ({area:.4f})"
    if len(ranking) == 1:
        return f"{start}: there is no other model to compare it with."
    beaten = {d.second for d in differences if d.first == best and Key(d.name, d.weighted) == key and d.better == best}
    equal = [name for name in ranking[1:] if name not in beaten]
    if not equal:
        return f"{start}, and its lead over every other model is more than chance (95 % intervals)."
    if not beaten:
        return f"{start}, but its lead over {_listed(equal)} may be chance (95 % intervals)."
    sure = [name for name in ranking if name in beaten]
    return (
        f"{start}; its lead over {_listed(sure)} is more than chance, that over {_listed(equal)} may be chance "
        f"(95 % intervals)."
    )


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
