from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

LOOK = """
import ctypes, sys, threading
from eventsieve.cli.heap import bound_heap

libc = ctypes.CDLL(None)
if not hasattr(libc, "malloc_info"):
    sys.exit(77)
libc.malloc.restype = libc.fopen.restype = ctypes.c_void_p
libc.fopen.argtypes = [ctypes.c_char_p, ctypes.c_char_p]
libc.malloc_info.argtypes = [ctypes.c_int, ctypes.c_void_p]
libc.fclose.argtypes = [ctypes.c_void_p]
bound_heap()
together = threading.Barrier(6)

def take():
    together.wait()
    for _ in range(50):
        libc.malloc(5_000)
    together.wait()

threads = [threading.Thread(target=take) for _ in range(6)]
for each in threads:
    each.start()
for each in threads:
    each.join()
file = libc.fopen(sys.argv[1].encode(), b"w")
libc.malloc_info(0, file)
libc.fclose(file)
"""


def arenas(folder: Path, **variables: str) -> int:
    """How many the six threads of a process have taken memory from."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")} | variables
    told = folder / "heap.xml"
    done = subprocess.run([sys.executable, "-c", LOOK, str(told)], env=environment, check=False)
    if done.returncode == 77:
        pytest.skip("This C library has no arenas; run on Linux with glibc to test how they are bound.")
    assert done.returncode == 0
    return told.read_text().count("<heap nr=")


def test_threads_share_two_arenas_unless_who_runs_it_says_otherwise(tmp_path: Path) -> None:
    assert arenas(tmp_path) <= 2 < arenas(tmp_path, MALLOC_ARENA_MAX="16")
