"""The types of models that the server trains, as forms need them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from eventsieve.client import Client
from eventsieve.client.datasets import Dataset
from eventsieve.records import Limits
from eventsieve.web.forms.schema import Field, fields_of
from eventsieve.web.i18n import _

__all__ = ["ModelType", "model_types"]


@dataclass(frozen=True)
class ModelType:
    """A type of models.

    Attributes:
        name: what the server calls it.
        title: what people call it, in English; a message of the catalogues.
        keepable: whether its training can be stopped and kept.
        limits: what a training may use where nothing else is asked.
        important: the hyperparameters to show first.
        others: the other hyperparameters.
    """

    name: str
    title: str
    keepable: bool
    limits: Limits
    important: tuple[Field, ...]
    others: tuple[Field, ...]

    @property
    def fields(self) -> tuple[Field, ...]:
        """All hyperparameters."""
        return (*self.important, *self.others)

    @property
    def label(self) -> str:
        """Its name for people in the session's language, and the server's."""
        return f"{_(self.title)} ({self.name})"


def model_types(client: Client, dataset: Dataset | None = None) -> dict[str, ModelType]:
    """The types by their names; weights go by the classes of the data set."""
    return {name: _type(name, entry) for name, entry in client.estimators(dataset).items()}


def _type(name: str, entry: Mapping[str, Any]) -> ModelType:
    important, others = fields_of(entry["hyperparameters"])
    return ModelType(
        name=name,
        title=entry["title"],
        keepable=entry["keepable"],
        limits=Limits.model_validate(entry["limits"]),
        important=tuple(important),
        others=tuple(others),
    )
