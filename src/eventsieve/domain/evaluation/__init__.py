"""How good a model is on events that it was not trained on, and whether it is better than another."""

from eventsieve.domain.evaluation.comparison import Compared, compare
from eventsieve.domain.evaluation.evaluate import evaluate_model, evaluation_cost
from eventsieve.domain.evaluation.figures import LOWER_IS_BETTER, NAMES
from eventsieve.domain.evaluation.headline import score_model
from eventsieve.domain.evaluation.importance import ImportanceInput
from eventsieve.domain.evaluation.scored import Scored, decide

__all__ = [
    "LOWER_IS_BETTER",
    "NAMES",
    "Compared",
    "ImportanceInput",
    "Scored",
    "compare",
    "decide",
    "evaluate_model",
    "evaluation_cost",
    "score_model",
]
