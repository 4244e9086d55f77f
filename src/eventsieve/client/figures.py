"""The evaluation of a model, and the figures that are drawn from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eventsieve import records
from eventsieve.client.answers import record
from eventsieve.client.bound import Bound
from eventsieve.client.transport import segment

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Evaluated"]


class Evaluated(Bound, records.Model):
    """What is known of a model from the events that it was validated on.

    Each figure shows itself in a notebook and is saved by ``savefig``. All raise `NotFound` where the model was not
    validated.
    """

    def get_evaluation(self) -> records.Evaluation:
        """Its curves, distributions and tests.

        Raises:
            NotFound: it has none.
        """
        return record(records.Evaluation, self._client.http.json("GET", f"{self._path}/evaluation"))

    @property
    def _path(self) -> str:
        return f"/models/{segment(self.name)}"

    def plot_roc(self) -> Figure:
        """Signal efficiency against background efficiency; of several classes, each against all others."""
        from eventsieve import charts  # noqa: PLC0415 - Matplotlib takes long to load

        return charts.plot_roc({self.name: self.get_evaluation()})

    def plot_scores(self) -> Figure:
        """The scores of each class in training and validation events, with the overtraining test."""
        from eventsieve import charts  # noqa: PLC0415

        return charts.plot_scores(self.get_evaluation(), self.name)

    def plot_significance(self) -> Figure:
        """The AMS against the cut, with its uncertainty and the best cut.

        Raises:
            BadRequest: no class is the signal.
        """
        from eventsieve import charts  # noqa: PLC0415

        return charts.plot_significance(self.get_evaluation(), self.name)

    def plot_precision_recall(self) -> Figure:
        """Purity against efficiency; of several classes, each against all others."""
        from eventsieve import charts  # noqa: PLC0415

        return charts.plot_precision_recall({self.name: self.get_evaluation()})

    def plot_efficiencies(self) -> Figure:
        """Efficiencies and purity against the cut; of several classes, a panel each."""
        from eventsieve import charts  # noqa: PLC0415

        return charts.plot_efficiencies(self.get_evaluation(), self.name)

    def plot_calibration(self) -> Figure:
        """Predicted probability against the observed fraction.

        Raises:
            BadRequest: the model gives no probabilities.
        """
        from eventsieve import charts  # noqa: PLC0415

        return charts.plot_calibration(self.get_evaluation(), self.name)

    def plot_importance(self, features: int = 20) -> Figure:
        """What the ROC AUC loses when a feature is shuffled, for the features that matter most."""
        from eventsieve import charts  # noqa: PLC0415

        return charts.plot_importance(self.get_evaluation(), self.name, features)

    def plot_confusion(self) -> Figure:
        """How much of each class is taken for which class."""
        from eventsieve import charts  # noqa: PLC0415

        return charts.plot_confusion(self.get_evaluation(), self.name)
