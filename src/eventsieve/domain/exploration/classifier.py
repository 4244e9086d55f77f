"""The classifier two-sample test: two tables are alike if no classifier can tell their events apart.

After D. Lopez-Paz and M. Oquab, "Revisiting classifier two-sample tests" (arXiv:1610.06545), with the ROC AUC in
place of the accuracy, since the tables need not have the same size.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from scipy import special, stats
from sklearn.ensemble import HistGradientBoostingClassifier
from threadpoolctl import threadpool_limits

from eventsieve.records import ClassifierTest

__all__ = ["tell_apart"]

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Prints = npt.NDArray[np.uint64]

LARGEST = 20_000
"""Events of each table that are used."""
SMALLEST = 100
"""Tables of fewer events teach a classifier nothing."""
FOLDS = 3
FARTHEST = 1e150


def tell_apart(first: Floats, second: Floats, prints: tuple[Prints, Prints], *, seed: int = 0) -> ClassifierTest | None:
    """Train gradient-boosted trees to tell the rows of two tables apart, and see how well they do on others.

    Equal rows are in the same fold: a classifier that remembers a copy has not told the tables apart. Under the
    hypothesis that the tables are alike, each fold's Mann-Whitney statistic has a known mean and variance whatever was
    trained. The folds are not independent, since every pair of events is used both ways round; for a
    classifier that is linear in its training events this doubles the variance of their sum, which is assumed here.

    Args:
        first: shape (rows, features), NaN where undefined.
        second: likewise.
        prints: a hash of each row of both.
        seed: of the choice among more than 20,000 rows, and of the classifier.

    Returns:
        The test, its p-value uncorrected; ``None`` where a table has fewer than 100 rows.
    """
    if min(len(first), len(second)) < SMALLEST:
        return None
    rng = np.random.default_rng(seed)
    rows = [rng.permutation(len(table))[:LARGEST] for table in (first, second)]
    features = np.concatenate([first[rows[0]], second[rows[1]]])
    hashes = np.concatenate([prints[0][rows[0]], prints[1][rows[1]]])
    origin = np.repeat([0, 1], [len(part) for part in rows])
    fold = (hashes % np.uint64(FOLDS)).astype(np.int64)
    # Threads of OpenMP spin while they wait: on a machine that has other work, several are slower than one.
    with threadpool_limits(1, "openmp"):
        folds = _folds(features, origin, fold, seed)
    return _summed(folds, [len(part) for part in rows])


def _folds(
    features: Floats, origin: npt.NDArray[np.int64], fold: npt.NDArray[np.int64], seed: int
) -> list[tuple[float, float, float]]:
    """Of each fold: pairs of events in right order, pairs in all, and the variance of the former."""
    found = []
    for held_out in range(FOLDS):
        test = fold == held_out
        if len(np.unique(origin[test])) < 2 or len(np.unique(origin[~test])) < 2:
            continue  # nearly all rows of a table are equal
        columns = _varying(features, ~test)
        if not columns.shape[1]:
            continue
        trees = HistGradientBoostingClassifier(
            max_iter=50, max_leaf_nodes=15, learning_rate=0.15, early_stopping=False, random_state=seed
        )
        trees.fit(columns[~test], origin[~test])
        score = trees.decision_function(columns[test])
        found.append(_mann_whitney(score, origin[test] == 1))
    return found


def _varying(features: Floats, train: Flags) -> Floats:
    """The columns that vary in training, shape (rows, columns); of one that is constant, whether it is defined."""
    columns = []
    for values in features.T:
        defined = values[train & ~np.isnan(values)]
        constant = not len(defined) or defined.min() == defined.max()
        # What is far beyond any measurement would overflow in the trees' bins.
        column = np.isnan(values).astype(np.float64) if constant else np.clip(values, -FARTHEST, FARTHEST)
        if not constant or len(np.unique(column[train])) > 1:
            columns.append(column)
    return np.column_stack(columns) if columns else np.empty((len(features), 0))


def _mann_whitney(score: Floats, second: npt.NDArray[np.bool_]) -> tuple[float, float, float]:
    m = int(np.count_nonzero(second))
    n = len(score) - m
    ranks = stats.rankdata(score)
    _, ties = np.unique(score, return_counts=True)
    total = n + m
    variance = n * m / 12 * (total + 1 - float((ties.astype(float) ** 3 - ties).sum()) / (total * (total - 1)))
    return float(ranks[second].sum() - m * (m + 1) / 2), float(n * m), variance


def _summed(folds: list[tuple[float, float, float]], events: list[int]) -> ClassifierTest | None:
    if not folds:
        return None
    right, pairs, variance = (math.fsum(column) for column in zip(*folds, strict=True))
    auc, uncertainty = right / pairs, math.sqrt(2 * variance) / pairs
    p_value = float(special.ndtr(-(auc - 0.5) / uncertainty)) if uncertainty else 1.0
    return ClassifierTest(
        classifier="gradient-boosted trees",
        auc=auc,
        uncertainty=uncertainty,
        p_value=p_value,
        corrected=p_value,
        drifted=False,
        folds=len(folds),
        first_events=events[0],
        second_events=events[1],
    )
