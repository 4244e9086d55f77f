"""Files, names, cuts and documents with random changes: read, or refused in words; the short form of `make fuzz`."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fuzz.__main__ import FOUND, spelled
from fuzz.targets import TARGETS
from fuzzing import few

MEGABYTE = 1 << 20
SEEDED = [(name, place) for name, target in TARGETS.items() for place in range(len(target.seeds()))]
ONCE = sorted(path.name for path in FOUND.iterdir())
FEW = few(60)
CHANGES = st.lists(
    st.tuples(
        st.floats(0, 1, exclude_max=True),
        st.integers(0, 12),
        st.binary(max_size=8) | st.sampled_from([b"\n", b",", b'"', b"\0" * 8, b"\xff" * 8, b"\xff\xff\xff\x7f"]),
    ),
    max_size=4,
)


@pytest.mark.parametrize(("name", "place"), SEEDED)
def test_what_the_fuzzers_begin_from_keeps_the_promises(name: str, place: int) -> None:
    TARGETS[name].check(TARGETS[name].seeds()[place])


@pytest.mark.parametrize("file", ONCE)
def test_what_was_found_once_is_not_found_again(file: str) -> None:
    TARGETS[file.partition("-")[0]].check((FOUND / file).read_bytes())


@pytest.mark.parametrize("name", TARGETS)
def test_any_change_keeps_the_promises(name: str) -> None:
    target = TARGETS[name]
    # Modules that are loaded late do not count.
    target.check(target.seeds()[0])
    before = psutil.Process().memory_info().rss

    @FEW
    @given(seed=st.sampled_from(target.seeds()), changes=CHANGES)
    def changed(seed: bytes, changes: list[tuple[float, int, bytes]]) -> None:
        for where, length, new in changes:
            start = int(where * len(seed))
            seed = seed[:start] + new + seed[start + length :]
        target.check(seed)

    changed()
    assert psutil.Process().memory_info().rss - before < 300 * MEGABYTE


@pytest.mark.parametrize("name", ["text", "packages", "events", "names", "cuts", "documents"])
def test_any_bytes_keep_the_promises(name: str) -> None:
    FEW(given(st.binary(max_size=200) | st.text(max_size=60).map(str.encode))(TARGETS[name].check))()


def test_a_target_that_breaks_a_promise_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from eventsieve.storage.sources import opening

    def broken(*_: object) -> None:
        raise KeyError("a fault of ours")

    monkeypatch.setattr(opening, "open_text", broken)
    with pytest.raises(KeyError, match="a fault of ours"):
        TARGETS["text"].check(b"x\n1\n")


def test_words_are_spelled_as_dictionaries_want_them() -> None:
    assert spelled('a"\0é') == r"\x61\x22\x00\xc3\xa9"
