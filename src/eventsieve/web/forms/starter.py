"""What a form begins with: models that can be trained with one click, as good as the time limit lets them be."""

from __future__ import annotations

from collections.abc import Collection

from eventsieve.client import Client
from eventsieve.client.datasets import Dataset
from eventsieve.records import ModelSpec
from eventsieve.web.forms.draft import free_name
from eventsieve.web.forms.presets import FAST, STANDARD, STARTER, presets_of

__all__ = ["starter"]


def starter(client: Client, dataset: Dataset, types: Collection[str], taken: Collection[str]) -> list[ModelSpec]:
    """The models to begin with, each with the better preset where the server expects it to fit into its limits."""
    names = [name for name in STARTER if name in types] or list(types)[:1]
    fast, better = ([_spec(name, preset, taken) for name in names] for preset in (FAST, STANDARD))
    estimates = client.estimate(dataset, [*fast, *better])
    chosen = [second if estimates[second.name].fits else first for first, second in zip(fast, better, strict=True)]
    return [spec.model_copy(update={"name": spec.type}) for spec in chosen]


def _spec(type_name: str, preset: str, taken: Collection[str]) -> ModelSpec:
    """A model to ask about; its name is only for that."""
    values = dict(presets_of(type_name).get(preset, {}))
    return ModelSpec(name=free_name(f"{type_name} {preset}", taken), type=type_name, hyperparameters=values)
