"""Scorers: fitted pipelines made ready to score events fast, with the answers of scikit-learn's own code."""

from eventsieve.domain.scorers.compiling import scorer_of
from eventsieve.domain.scorers.scorer import Scorer

__all__ = ["Scorer", "scorer_of"]
