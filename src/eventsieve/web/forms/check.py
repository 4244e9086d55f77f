"""What the server says of a form before anything is trained: faults at their fields, estimates of the rest."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from eventsieve.client import Client
from eventsieve.client.datasets import Dataset
from eventsieve.client.estimates import Estimates
from eventsieve.errors import BadModels, EventsieveError
from eventsieve.records import Estimate, ModelSpec
from eventsieve.web.i18n import _

__all__ = ["Checked", "Faults", "check"]

PLACE = re.compile(r"/models/(\d+)(?:/(name)|/hyperparameters/(.+)|/.*)?")


@dataclass
class Faults:
    """What is wrong with one model.

    Attributes:
        name: with its name.
        values: with its hyperparameters, by their names.
        others: all else.
    """

    name: str = ""
    values: dict[str, str] = field(default_factory=dict)
    others: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.name or self.values or self.others)


@dataclass(frozen=True)
class Checked:
    """What the server says.

    Attributes:
        faults: of the models, in their order.
        estimates: of the models, in their order; ``None`` where there are faults.
        refusal: why it cannot say anything.
    """

    faults: Sequence[Faults]
    estimates: Sequence[Estimate | None]
    refusal: EventsieveError | None = None

    @property
    def good(self) -> bool:
        """Whether the models can be trained."""
        return self.refusal is None and not any(self.faults)


def check(client: Client, dataset: Dataset, specs: Sequence[ModelSpec], options: Mapping[str, Any]) -> Checked:
    """Ask the server about models; nothing is trained.

    Args:
        client: the server.
        dataset: to train on.
        specs: the models, as far as they are entered.
        options: further arguments of `Client.train`.
    """
    faults = [Faults() if spec.name else Faults(name=_("Enter an ID.")) for spec in specs]
    nothing: list[Estimate | None] = [None] * len(specs)
    if not specs:
        return Checked(faults, nothing)
    try:
        try:
            found = client.estimate(dataset, specs, **options)
        except BadModels as error:
            _sort(error.faults, faults)
            good = [spec for spec, wrong in zip(specs, faults, strict=True) if not wrong]
            found = client.estimate(dataset, good, **options) if good else Estimates()
    except EventsieveError as error:
        return Checked(faults, nothing, error)
    return Checked(faults, [None if wrong else found[spec.name] for spec, wrong in zip(specs, faults, strict=True)])


def _sort(told: Mapping[str, str], faults: Sequence[Faults]) -> None:
    """Put the sentences to the models and fields that their places name."""
    for place, sentence in told.items():
        match = PLACE.fullmatch(place)
        wrong = faults[int(match[1])] if match else faults[0]
        if match and match[2]:
            wrong.name = wrong.name or sentence
        elif match and match[3]:
            wrong.values[match[3].replace("~1", "/").replace("~0", "~")] = sentence
        else:
            wrong.others.append(sentence)
