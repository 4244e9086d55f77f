"""Watching: who follows a fit, and how it ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

__all__ = ["TOO_EARLY", "Fitted", "Nobody", "NothingToKeep", "Watch", "ended"]

TOO_EARLY: Final = "Stopped before anything was done that could be kept; give it more time or fewer events."
"""What is said where nothing can be kept."""


class NothingToKeep(ValueError):
    """Raised when a fit was stopped before its first iteration, tree or stage was done."""


class Watch(Protocol):
    """Somebody who follows a fit, and may end it. Both are called from the thread that fits."""

    def progress(self, done: int, total: int | None, unit: str) -> None:
        """So many are done of at most so many; called first with 0 and then after each step."""

    def stop(self) -> bool:
        """Whether to end the fit with what there is; asked between steps."""


@dataclass(frozen=True)
class Fitted:
    """How a fit ended.

    Attributes:
        remarks: what scikit-learn had to remark (a fit that did not converge), each sentence once.
        kept_early: whether it was stopped before it was finished.
        done: trees, stages or iterations; ``None`` where the classifier does not count.
        total: the most that there could have been; stages and iterations may end before by themselves.
        libraries: distributions, beside scikit-learn, that the fit used.
    """

    remarks: tuple[str, ...] = ()
    kept_early: bool = False
    done: int | None = None
    total: int | None = None
    libraries: tuple[str, ...] = ()


class Nobody:
    """Watches nothing."""

    def progress(self, done: int, total: int | None, unit: str) -> None:
        """Not interested."""

    def stop(self) -> bool:
        """Never."""
        return False


def ended(done: int, total: int, unit: str, *, stopped: bool) -> Fitted:
    """How a fit ended after so many steps.

    Raises:
        NothingToKeep: it was stopped before the first one was done.
    """
    if not stopped:
        return Fitted(done=done, total=total)
    if not done:
        raise NothingToKeep(TOO_EARLY)
    return Fitted((f"Stopped after {done} of {total} {unit} and kept as it was.",), True, done, total)
