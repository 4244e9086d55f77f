"""Every target for a while, one after the other, until one breaks a promise: `make fuzz SECONDS=60`.

The input that did is kept under build/fuzz/found/TARGET; what was tried and led somewhere new stays under
build/fuzz/corpus/TARGET, and the next run begins from it. With a file as its argument, it tries that file alone.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

from fuzz.targets import TARGETS

FOUND = Path(__file__).parent / "found"
"""What was found once, and is tried by the tests; the name of a file begins with its target's."""
LONGEST = 1 << 14
"""Bytes of an input."""
HANG_SECONDS = 25
MOST_MEGABYTES = 3000


def main() -> int:
    """Fuzz; the exit status is 1 where something was found."""
    parser = argparse.ArgumentParser(prog="python -m fuzz", description=__doc__)
    parser.add_argument("--seconds", type=int, default=60, help="for each target")
    parser.add_argument("--only", choices=sorted(TARGETS), action="append", help="this target, and no others")
    parser.add_argument("--folder", type=Path, default=Path("build/fuzz"))
    parser.add_argument("--seed", type=int, default=0, help="the same run again; 0: another each time")
    parser.add_argument("--input", type=Path, help="try this file on the targets, and nothing else")
    options = parser.parse_args()
    for name in options.only or TARGETS:
        if options.input is not None:
            TARGETS[name].check(options.input.read_bytes())
            continue
        say(f"fuzz: {name} for {options.seconds} s")
        if status := fuzzed(name, options.folder, options.seconds, options.seed):
            kept = sorted((options.folder / "found" / name).iterdir(), key=lambda path: path.stat().st_mtime)
            say(f"fuzz: {name} broke a promise ({status}); the input is in {kept[-1] if kept else 'none'}")
            return 1
    return 0


def fuzzed(name: str, folder: Path, seconds: int, seed: int) -> int:
    """Fuzz a target in a process of its own; 0 where nothing was found."""
    corpus, seeds, found = (folder / part / name for part in ("corpus", "seeds", "found"))
    for each in (corpus, seeds, found):
        each.mkdir(parents=True, exist_ok=True)
    known = [path.read_bytes() for path in sorted(FOUND.glob(f"{name}-*"))]
    for place, data in enumerate([*TARGETS[name].seeds(), *known]):
        (seeds / f"{place}").write_bytes(data)
    words = folder / f"{name}.dict"
    words.write_text("".join(f'"{spelled(word)}"\n' for word in (*TARGETS[name].words, "\0")))  # it must not be empty
    command = [sys.executable, "-m", "fuzz.one", name, str(found), str(corpus), str(seeds)]
    limits = (f"-max_total_time={seconds}", f"-timeout={HANG_SECONDS}", f"-rss_limit_mb={MOST_MEGABYTES}")
    more = (f"-max_len={LONGEST}", f"-artifact_prefix={found}/", f"-dict={words}", f"-seed={seed}")
    # One thread of Arrow's: an input is to do the same each time.
    quiet = {"OMP_NUM_THREADS": "1", "ARROW_IO_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.run(
        [*command, *limits, *more, "-print_final_stats=1", "-verbosity=0"], env=os.environ | quiet, check=False
    ).returncode


def say(line: str) -> None:
    """Tell who watches."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def spelled(word: str) -> str:
    """A word as libFuzzer's dictionaries spell it."""
    return "".join(f"\\x{byte:02x}" for byte in word.encode("utf-8", "surrogatepass"))


if __name__ == "__main__":
    raise SystemExit(main())
