"""What every scorer does."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt

__all__ = ["Floats", "Scorer"]

Floats = npt.NDArray[np.float64]


class Scorer(Protocol):
    """Scores events as the pipeline does that it was made of."""

    def __call__(self, features: Floats) -> Floats | None:
        """The scores of these events.

        Args:
            features: float64, shape (events, features) as the pipeline was fitted on, NaN where undefined.

        Returns:
            float64, shape (events, classes), or of two classes shape (events,): those of the second, where those of
            the first follow from them to the bit. Probabilities where the classifier has them, decision values
            otherwise, of several classes always one against the rest. ``None`` where a value is infinite, or too
            large for the model: only the pipeline itself can refuse it in its own words.
        """
