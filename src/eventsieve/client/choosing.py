"""The verbs about models: find, compare, choose."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from eventsieve import records
from eventsieve.client import sources
from eventsieve.client.answers import record
from eventsieve.client.bound import Listing
from eventsieve.client.comparisons import Comparison
from eventsieve.client.datasets import Dataset
from eventsieve.client.grids import Grid
from eventsieve.client.models import Model, models_grid
from eventsieve.client.storing import Storing
from eventsieve.client.transport import segment

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Choosing", "ref_of"]


class Choosing(Storing):
    """Models: list, get, compare; which one is current, and aliases."""

    def model(self, ref: str) -> Model:
        """A model by its name or alias."""
        return self._bind(Model, self.http.json("GET", f"/models/{segment(ref)}"))

    def models(
        self,
        *,
        tag: str | None = None,
        type: str | None = None,  # noqa: A002 - the name of the field
        dataset: Dataset | str | None = None,
    ) -> Listing[Model]:
        """The trained models, or those with a tag, of a type, or of a data set."""
        data = dataset.id if isinstance(dataset, Dataset) else dataset
        return self._listing("/models", Model, models_grid, tag=tag, type=type, dataset=data)

    def plot_roc(self, models: Sequence[Model | str]) -> Figure:
        """Draw the ROC curves of several models, each on its own validation events."""
        from eventsieve.charts import plot_roc  # noqa: PLC0415 - Matplotlib takes long to load

        found = [model if isinstance(model, Model) else self.model(model) for model in models]
        return plot_roc({model.name: model.get_evaluation() for model in found})

    def compare(self, models: Sequence[Model | str], data: sources.Source) -> Comparison:
        """All figures of merit of models on the events of a data set that none of them was trained on.

        Args:
            models: models, their names or aliases.
            data: a data set, its id, or anything that `upload` takes.
        """
        body = {"dataset": self._stored(data), "models": [ref_of(model) for model in models]}
        return record(Comparison, self.http.json("POST", "/comparisons", body=body))

    def current(self) -> Model:
        """The current model.

        Raises:
            NoCurrentModel: none is.
        """
        return self._bind(Model, self.http.json("GET", "/current"))

    def use(self, model: Model | str, *, by: str = "") -> records.Choice:
        """Make a model the current one; ``by`` is kept beside it."""
        body = {"model": ref_of(model), "by": by}
        return record(records.Choice, self.http.json("PUT", "/current", body=body))

    def unset(self, *, by: str = "") -> records.Choice:
        """Make no model the current one."""
        return record(records.Choice, self.http.json("DELETE", "/current", query={"by": by}))

    def rollback(self, *, by: str = "") -> records.Choice:
        """Make that model current again which was so before."""
        return record(records.Choice, self.http.json("POST", "/current/rollback", body={"by": by}))

    def history(self) -> Listing[records.Choice]:
        """Which model was made current when, and who said so."""
        return self._listing("/current/history", records.Choice, _choices)

    def aliases(self) -> dict[str, str]:
        """The aliases, and the model that each means."""
        found = self._listing("/aliases", records.Alias, lambda _: Grid((), ()))
        return {alias.name: alias.model for alias in found}

    def set_alias(self, alias: str, model: Model | str) -> records.Alias:
        """Let an alias mean a model."""
        body = {"model": ref_of(model)}
        return record(records.Alias, self.http.json("PUT", f"/aliases/{segment(alias)}", body=body))

    def drop_alias(self, alias: str) -> None:
        """Remove an alias; the model stays."""
        self.http.send("DELETE", f"/aliases/{segment(alias)}")


def ref_of(model: Model | str) -> str:
    """The name or alias by which a model is asked for."""
    return model.name if isinstance(model, Model) else model


def _choices(choices: list[records.Choice]) -> Grid:
    rows = [(c.number, c.model or "none", c.by, f"{c.created.astimezone():%Y-%m-%d %H:%M}") for c in choices]
    return Grid(("number", "model", "by", "since"), rows)
