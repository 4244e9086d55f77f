"""The models of a form that is being filled in: they stay in the session until they are trained."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import count
from typing import Any

import streamlit as st

from eventsieve.records import ModelSpec
from eventsieve.web.forms import inputs
from eventsieve.web.forms.types import ModelType

__all__ = ["Draft", "free_name"]

PREFIX = "train:model"
NUMBERS = "train:models"
"""Of the session's state: the numbers of the models, in their order."""


class Draft:
    """The models to train, numbered; a number is used once in a session.

    Args:
        types: the types of models that there are.
    """

    def __init__(self, types: Mapping[str, ModelType]) -> None:
        self.types = types

    @property
    def numbers(self) -> list[int]:
        """The numbers of the models, in their order."""
        return list(st.session_state.get(NUMBERS, ()))

    @property
    def begun(self) -> bool:
        """Whether there is one, be it without models."""
        return NUMBERS in st.session_state

    def key(self, number: int, what: str) -> str:
        """Where something of a model stands in the session's state."""
        return f"{PREFIX}:{number}:{what}"

    def name(self, number: int) -> str:
        """A model's name, as far as it was entered."""
        return str(st.session_state.get(self.key(number, "name")) or "").strip()

    def type(self, number: int) -> ModelType:
        """A model's type."""
        name = st.session_state.get(self.key(number, "type"))
        return self.types.get(str(name), next(iter(self.types.values())))

    def inputs_key(self, number: int) -> str:
        """With what the keys of a model's hyperparameters begin; each type has its own."""
        return self.key(number, self.type(number).name)

    def values(self, number: int) -> dict[str, Any]:
        """A model's hyperparameters that are not the defaults."""
        return inputs.changed(self.inputs_key(number), self.type(number).fields)

    def spec(self, number: int) -> ModelSpec:
        """What is asked for."""
        return ModelSpec(name=self.name(number), type=self.type(number).name, hyperparameters=self.values(number))

    def fill(self, number: int, values: Mapping[str, Any]) -> None:
        """Give a model these hyperparameters, and the defaults for the others."""
        inputs.put_all(self.inputs_key(number), self.type(number).fields, values)

    def add(self, spec: ModelSpec) -> int:
        """Add a model; returns its number."""
        number = int(st.session_state.get(f"{PREFIX}:last", 0)) + 1
        st.session_state[f"{PREFIX}:last"] = number
        st.session_state[self.key(number, "name")] = st.session_state[self.key(number, "proposed")] = spec.name
        st.session_state[self.key(number, "type")] = spec.type
        for type_ in self.types.values():
            values = spec.hyperparameters if type_.name == spec.type else {}
            inputs.put_all(self.key(number, type_.name), type_.fields, values)
        st.session_state[NUMBERS] = [*self.numbers, number]
        return number

    def remove(self, number: int) -> None:
        """Take a model out."""
        st.session_state[NUMBERS] = [each for each in self.numbers if each != number]
        _forget(f"{PREFIX}:{number}:")

    def rename(self, number: int, taken: Collection[str]) -> None:
        """Propose a name for the type that was chosen now, unless the reader has entered one."""
        proposed = st.session_state.get(self.key(number, "proposed"))
        if self.name(number) in ("", proposed):
            others = {self.name(each) for each in self.numbers if each != number}
            name = free_name(self.type(number).name, {*taken, *others})
            st.session_state[self.key(number, "name")] = st.session_state[self.key(number, "proposed")] = name

    def begin(self, specs: Sequence[ModelSpec], taken: Collection[str]) -> None:
        """Put these models in the place of those that there are, under free names."""
        self.end()
        st.session_state[NUMBERS] = []
        used = set(taken)
        for spec in specs:
            name = free_name(spec.name or spec.type, used)
            used.add(name)
            self.add(spec.model_copy(update={"name": name}))

    def end(self) -> None:
        """Forget all of it."""
        for number in self.numbers:
            self.remove(number)
        st.session_state.pop(NUMBERS, None)


def free_name(wish: str, taken: Collection[str]) -> str:
    """The name itself, or with the first number behind it that makes it new: forest, forest-2, forest-3."""
    stem, _, number = wish.rpartition("-")
    if wish in taken and number.isdecimal() and stem in taken:
        wish = stem
    return next(name for name in (wish if n == 1 else f"{wish}-{n}" for n in count(1)) if name not in taken)


def _forget(prefix: str) -> None:
    for key in [key for key in st.session_state if str(key).startswith(prefix)]:
        del st.session_state[key]
