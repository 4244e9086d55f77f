"""What fits are tried on, and who watches them."""

from __future__ import annotations

import numpy as np

__all__ = ["Diary", "events"]


def events(n: int = 3000, classes: int = 2) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(5)
    features = random.normal(size=(n, 4))
    mass = features[:, 0] + features[:, 1] ** 2 + random.normal(size=n)
    features[random.random(features.shape) < 0.1] = np.nan
    return features, np.digitize(mass, np.quantile(mass, np.arange(1, classes) / classes)).astype(np.uint8)


class Diary:
    """Writes down what a fit says, and stops it after so many steps."""

    def __init__(self, most: int | None = None) -> None:
        self.most = most
        self.said: list[tuple[int, int | None, str]] = []

    def progress(self, done: int, total: int | None, unit: str) -> None:
        self.said.append((done, total, unit))

    def stop(self) -> bool:
        return self.most is not None and len(self.said) > self.most
