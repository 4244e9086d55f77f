"""Cuts: conditions on events as physicists write them, ``PRI_jet_num >= 2 and 100 < DER_mass_MMC < 150``.

A comparison with an undefined value is false, whichever it is; what cannot be computed (1 / 0) is undefined. So the
opposite of ``x > 5`` is not ``x <= 5``: ``not x > 5`` selects the events for which x is undefined as well, and
``defined(x)`` those for which it is not.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from eventsieve.domain.cuts.checking import names_of
from eventsieve.domain.cuts.parsing import parse
from eventsieve.domain.cuts.tree import Node, written
from eventsieve.domain.cuts.values import evaluate
from eventsieve.domain.events import Events
from eventsieve.records import Schema

__all__ = ["Cut"]


@dataclass(frozen=True)
class Cut:
    """A condition that fits a schema, made by `Cut.parse`.

    Attributes:
        text: the cut as it is always written, whatever blanks, brackets and signs it came with.
        names: the columns that it asks for.
    """

    text: str
    names: tuple[str, ...]
    _tree: Node
    _schema: Schema

    @classmethod
    def parse(cls, text: str, schema: Schema) -> Cut:
        """The cut that a text says.

        Args:
            text: see the grammar in `eventsieve.domain.cuts.parsing`.
            schema: which columns there are.

        Raises:
            BadRequest: it is no condition on these columns; the sentence names the culprit and the cure.
        """
        tree = parse(text)
        return cls(written(tree), names_of(tree, schema), tree, schema)

    def mask(self, events: Events) -> npt.NDArray[np.bool_]:
        """Which events pass, shape (events,); they must be of the schema that the cut was made for.

        Raises:
            BadRequest: the events have no labels or no weights, and the cut asks for them.
        """
        found = evaluate(self._tree, self.names, self._schema, events)
        # A cut that names no column has one answer for all.
        return np.array(np.broadcast_to(found, len(events)), dtype=np.bool_)
