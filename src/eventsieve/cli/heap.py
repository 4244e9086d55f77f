"""How the server's process takes memory from the system, and gives it back."""

from __future__ import annotations

import ctypes
import os
from typing import Final

__all__ = ["bound_heap"]

_MMAP_THRESHOLD: Final = (-3, 1 << 20, "MALLOC_MMAP_THRESHOLD_")
_ARENA_MAX: Final = (-8, 2, "MALLOC_ARENA_MAX")
"""Of glibc's ``malloc.h``: the number of an option, its value here, and the variable by which who runs it decides."""


def bound_heap() -> None:
    """Have glibc give back what is not used any more; elsewhere nothing changes.

    As it comes, each thread takes from an arena of its own, and what one table leaves there the next one, on another
    thread, does not find. And the size from which memory is taken from the system by itself, and given back at once,
    grows with what has been given back, to 32 MB. So a server that reads tables on many threads grew for as long as it
    was used (see ``docs/load.md``).

    Must be called before there are threads.
    """
    option = getattr(ctypes.CDLL(None), "mallopt", None)
    for number, value, variable in (_MMAP_THRESHOLD, _ARENA_MAX):
        if option is not None and variable not in os.environ:
            option(number, value)
