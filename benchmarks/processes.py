"""Work in a process of its own: how long it took and how much memory it came to need.

Run as ``python -m benchmarks.processes module:function PATH``, it prints the cost of that one call as JSON. The
function takes the path and returns the work, after all imports and before any of the cost.
"""

from __future__ import annotations

import importlib
import json
import os
import re
import resource
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

__all__ = ["Cost", "cost_of", "peak_memory"]

MEBIBYTE = 1 << 20


@dataclass(frozen=True)
class Cost:
    """What a piece of work needed: wall-clock seconds, and MB on top of what the process had before it."""

    seconds: float
    megabytes: float


def cost_of(work: str, path: Path) -> Cost:
    """The cost of ``module:function`` on a file, in a fresh process."""
    command = [sys.executable, "-m", "benchmarks.processes", work, str(path)]
    return Cost(**json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))


def peak_memory(pid: int | None = None) -> int:
    """The largest resident memory that a process has had, in bytes; this process by default."""
    status = Path(f"/proc/{pid or 'self'}/status")
    if status.exists():
        # Not getrusage: its peak is inherited from the process that started this one.
        found = re.search(r"^VmHWM:\s+(\d+) kB$", status.read_text(), re.MULTILINE)
        return int(found[1]) << 10 if found else 0
    if pid is not None:
        return int(psutil.Process(pid).memory_info().rss)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _measure(name: str, path: Path) -> Cost:
    module, _, function = name.partition(":")
    work = getattr(importlib.import_module(module), function)(path)
    before = psutil.Process().memory_info().rss
    began = time.perf_counter()
    result = work()
    seconds = time.perf_counter() - began
    del result
    return Cost(seconds, max(0.0, peak_memory() - before) / MEBIBYTE)


if __name__ == "__main__":
    cost = _measure(sys.argv[1], Path(sys.argv[2]))
    sys.stdout.write(json.dumps(cost.__dict__))
    sys.stdout.flush()
    os._exit(0)  # freeing what was read is no part of it
