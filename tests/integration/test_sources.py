from __future__ import annotations

import bz2
import contextlib
import gzip
import io
import lzma
import math
import zipfile
from collections.abc import Callable
from pathlib import Path

import awkward as ak
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import uproot
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eventsieve.errors import BadRequest, BadTable, EventsieveError, TooLarge
from eventsieve.records import Reading
from eventsieve.storage.sources import Given, Retyped, open_parts, open_source

CSV = b"id,x,kind\n1,0.5,s\n2,-999,b\n9007199254740993,3,b\n"
TABLE = {"id": [1, 2, 2**53 + 1], "x": [0.5, -999.0, 3.0], "kind": ["s", "b", "b"]}

Read = Callable[..., dict[str, list[object]]]


def content(path: Path, reading: Reading | None = None, **limits: int) -> pa.Table:
    """All of a file, begun again as its readers must."""
    source = open_source(path, reading or Reading(), **limits)
    try:
        return pa.Table.from_batches(source.batches(), source.schema)
    except Retyped as again:
        return pa.Table.from_batches(again.source.batches(), again.source.schema)


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Reads bytes as a file of no telling name."""

    def read(data: bytes, *, limits: dict[str, int] | None = None, **reading: object) -> dict[str, list[object]]:
        path = tmp_path / "upload"
        path.write_bytes(data)
        return content(path, Reading(**reading), **limits or {}).to_pydict()

    return read


@pytest.fixture
def refused(read: Read) -> Callable[..., str]:
    def refused(data: bytes, **options: object) -> str:
        with pytest.raises(BadTable) as caught:
            read(data, **options)
        assert caught.value.faults
        return str(caught.value)

    return refused


def zipped(*members: tuple[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return buffer.getvalue()


def zstd(data: bytes) -> bytes:
    return pa.compress(data, "zstd", asbytes=True)


PACKINGS = {
    "plain": lambda data: data,
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "zstd": zstd,
    "zip": lambda data: zipped(("events.csv", data)),
}


def parquet(table: pa.Table, **options: object) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(table, buffer, **options)
    return buffer.getvalue()


def ipc(table: pa.Table, *, stream: bool = False, compression: str | None = None) -> bytes:
    buffer = io.BytesIO()
    new = pa.ipc.new_stream if stream else pa.ipc.new_file
    with new(buffer, table.schema, options=pa.ipc.IpcWriteOptions(compression=compression)) as writer:
        writer.write_table(table, max_chunksize=2)
    return buffer.getvalue()


# text


@pytest.mark.parametrize("packing", PACKINGS)
def test_text_is_read_in_every_packing(read: Read, packing: str):
    assert read(PACKINGS[packing](CSV)) == TABLE


@pytest.mark.parametrize("packing", ["gzip", "bzip2", "xz", "zstd"])
def test_packed_streams_may_follow_each_other(read: Read, packing: str):
    pack = PACKINGS[packing]
    between = bytes(8) if packing == "xz" else b""  # xz files are padded so
    assert read(pack(CSV[:20]) + between + pack(CSV[20:]) + between) == TABLE


@pytest.mark.parametrize("packing", ["gzip", "bzip2", "xz", "zstd", "zip"])
def test_a_packed_file_that_is_cut_short_is_named(refused, packing: str):
    data = PACKINGS[packing](CSV * 20_000)
    assert "damaged or cut short" in refused(data[: len(data) * 2 // 3])


@pytest.mark.parametrize(
    "text",
    [
        CSV.replace(b",", b";"),
        CSV.replace(b",", b"\t"),
        CSV.replace(b",", b" "),
        CSV.replace(b",", b" \t  ").replace(b"\n", b"  \n  "),
        CSV.replace(b",", b" , "),
        CSV.replace(b",", b" ,\t").replace(b"\t", b" "),
        CSV.replace(b"\n", b"\r\n"),
        CSV.replace(b"\n", b"\r"),
        b"\xef\xbb\xbf" + CSV,
        b"\n\r\n" + CSV + b"\n\n",
        CSV.rstrip(b"\n"),
        b"# " + CSV.replace(b",", b" "),
        b"#" + CSV,
        CSV.replace(b"id,x,kind", b'"id","x" , "kind"').replace(b",s", b', "s"'),
        CSV.replace(b"0.5", b"+0.5").replace(b"-999", b"-9.99e2"),
    ],
)
def test_text_is_read_however_it_is_written(read: Read, text: bytes):
    assert read(text) == TABLE


def test_decimal_commas_go_with_semicolons(read: Read):
    assert read(b"x;y\n1,5;2\n-0,25;3\n") == {"x": [1.5, -0.25], "y": [2, 3]}


def test_decimal_commas_go_with_tabs_and_blanks(read: Read):
    assert read(b"x\ty\n1,5\t2\n-0,25\t3\n") == {"x": [1.5, -0.25], "y": [2, 3]}
    assert read(b"x y\n1,5 2\n-0,25 3\n") == {"x": [1.5, -0.25], "y": [2, 3]}
    assert read(b"1\t0,5\n0\t1,5\n") == {"c0": [1, 0], "c1": [0.5, 1.5]}


def test_a_remark_above_the_names_is_refused_by_its_text(refused):
    assert "'# made today'" in refused(b"# made today\nx,y,z,t\n1,2,3,4\n")


def test_text_without_a_header_has_its_columns_named_by_their_places(read: Read, tmp_path: Path):
    assert read(b"1\t0.5\t2\n0\t1.5\t3\n") == {"c0": [1, 0], "c1": [0.5, 1.5], "c2": [2, 3]}
    assert not open_source(tmp_path / "upload").named
    assert read(b"1 nan 2\n0 1.5 3\n")["c0"] == [1, 0]
    # mostly numbers are no names either
    assert read(b"7,138.5,-999,s\n8,12.5,3,b\n") == {
        "c0": [7, 8],
        "c1": [138.5, 12.5],
        "c2": [-999, 3],
        "c3": ["s", "b"],
    }


def test_what_is_said_of_the_header_is_believed(read: Read):
    assert read(b"1,2\n3,4\n", header="yes") == {"1": [3], "2": [4]}
    assert read(b"a,b\nc,d\n", header="no") == {"c0": ["a", "c"], "c1": ["b", "d"]}


def test_the_names_of_a_data_frame_may_count_its_columns(read: Read):
    assert read(b",0,1,2\n0,0.1,0.2,0.3\n") == {"index": [0], "0": [0.1], "1": [0.2], "2": [0.3]}
    assert list(read(b"0,1,2,3,4\n0.5,1.5,2.5,3.5,4.5\n")) == ["0", "1", "2", "3", "4"]


def test_columns_are_numbers_where_all_of_their_cells_are(read: Read):
    text = b"whole,float,gap,truth,text,none\n1,1,1,True,a,\n-2,2.5,NA,false,1,\n3,inf,nan,TRUE,,\n"
    table = read(text)
    assert table["whole"] == [1, -2, 3]
    assert table["float"] == [1, 2.5, math.inf]
    assert table["gap"] == [1, None, None]
    assert table["truth"] == [1, 0, 1]
    assert table["text"] == ["a", "1", None]
    assert np.isnan(table["none"]).all()


@pytest.mark.parametrize(
    ("late", "column"),
    [
        (b"0.5", [7.0, 0.5]),
        (b"many", ["7", "many"]),
        (b"", [7, None]),
        (b"99999999999999999999", ["7", "99999999999999999999"]),
        (b"+8", [7, 8]),
    ],
)
def test_a_column_may_show_its_type_late(read: Read, late: bytes, column: list[object]):
    row = b"7,1.25\n"
    table = read(b"n,x\n" + row * 400_000 + late + b",1.25\n")
    assert len(table["n"]) == 400_001
    assert table["n"][::400_000] == column
    assert table["x"] == [1.25] * 400_001


def test_a_column_that_fills_late_is_what_it_is_filled_with(read: Read):
    table = read(b"n,x\n" + b",1\n" * 600_000 + b"deep,1\n")
    assert table["n"][-1] == "deep"
    assert table["n"][0] is None


def test_event_numbers_are_exact_to_the_last_bit(read: Read):
    numbers = [2**63 - 1, -(2**63), 2**53 + 1]
    text = "id,x\n" + "".join(f"{number},1\n" for number in numbers)
    assert read(text.encode())["id"] == numbers


def test_lines_that_are_no_rows_are_named_wherever_they_are(refused):
    said = refused(b"a,b\n" + b"1,2\n" * 400_000 + b"3\n4,5,6\n")
    assert "line 400002 has 1, line 400003 has 3" in said
    assert "line 2 has 3" in refused(b"a,b\n1,2,3\n")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b"\n \n", "blanks"),
        (b"a,b\n", "no events"),
        (b"a,b\n1,\xff\n", "UTF-8"),
        (b"%PDF-1.7\n", "PDF"),
        (b"\x89HDF\r\n\x1a\n", "HDF5"),
        (b"FEA1" + bytes(20), "version 2"),
        (b'[{"x": 1}]', "JSON"),
        (b"a,b,a\n1,2,3\n", "Column a appears 2 times"),
        (gzip.compress(b"root" + bytes(100)), "ROOT"),
        (zipped(("a.csv", CSV), ("b.csv", CSV)), "2 files"),
        (zipped(("events.root", b"root" + bytes(100))), "ROOT"),
    ],
)
def test_what_is_no_table_is_named(refused, data: bytes, words: str):
    assert words in refused(data)


@pytest.mark.parametrize("packing", ["gzip", "bzip2", "xz", "zstd", "zip"])
def test_a_bomb_is_refused_while_it_unpacks(read: Read, packing: str):
    with pytest.raises(TooLarge):
        read(PACKINGS[packing](b"x\n" + b"0\n" * 4_000_000), limits={"max_bytes": 2_000_000})


def test_an_xz_file_that_wants_too_much_memory_is_refused(refused):
    filters = [{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 30}]
    header = lzma.compress(b"", filters=[{"id": lzma.FILTER_LZMA2, "dict_size": 4096}])
    assert header  # the smallest there is, for comparison with one whose dictionary is a gigabyte
    try:
        data = lzma.compress(CSV, filters=filters)
    except (MemoryError, lzma.LZMAError):
        pytest.skip("this machine cannot write such a file")
    assert "damaged" in refused(data)


# Parquet and Arrow

ARROW = {
    "parquet": parquet,
    "parquet, packed": lambda table: parquet(table, compression="zstd", row_group_size=2),
    "file": ipc,
    "stream": lambda table: ipc(table, stream=True),
    "file, packed": lambda table: ipc(table, compression="zstd"),
    "stream, packed": lambda table: ipc(table, stream=True, compression="lz4"),
}


@pytest.mark.parametrize("form", ARROW)
def test_parquet_and_arrow_are_read(read: Read, form: str):
    assert read(ARROW[form](pa.table(TABLE))) == TABLE


@pytest.mark.parametrize("form", ["parquet", "file"])
def test_every_type_of_number_and_text_is_read(read: Read, form: str):
    table = pa.table(
        {
            "u8": pa.array([1, None], pa.uint8()),
            "u64": pa.array([1, 2**63 - 1], pa.uint64()),
            "bool": pa.array([True, False]),
            "f4": pa.array([0.5, None], pa.float32()),
            "decimal": pa.array([1, 2], pa.decimal128(10, 0)),
            "fraction": pa.array([1.5, 2.5]).cast(pa.decimal128(10, 2)),
            "words": pa.array(["a ", ""]).dictionary_encode(),
            "large": pa.array(["b", None], pa.large_string()),
            "bytes": pa.array([b"c", b"d"]),
            "nothing": pa.nulls(2),
        }
    )
    found = read(ARROW[form](table))
    assert found["u8"] == [1, None]
    assert found["u64"] == [1, 2**63 - 1]
    assert found["bool"] == [1, 0]
    np.testing.assert_array_equal(found["f4"], [0.5, np.nan])
    assert found["decimal"] == [1, 2]
    assert found["fraction"] == [1.5, 2.5]
    assert found["words"] == ["a", None]
    assert found["large"] == ["b", None]
    assert found["bytes"] == ["c", "d"]
    assert np.isnan(found["nothing"]).all()


@pytest.mark.parametrize("form", ["parquet", "file"])
def test_lists_and_times_are_left_out_by_name_or_refused_when_asked_for(tmp_path: Path, refused, form: str):
    table = pa.table({"x": [1.0], "jets": [[1.0, 2.0]], "when": pa.array([0], pa.timestamp("s"))})
    path = tmp_path / "table"
    path.write_bytes(ARROW[form](table))
    source = open_source(path)
    assert source.schema.names == ["x"]
    assert "jets (of type list" in source.warnings[0]
    assert "when (of type timestamp" in source.warnings[0]
    assert "one value an event" in source.warnings[0]
    assert "jets cannot be used" in refused(ARROW[form](table), branches=("jets",))
    assert "no column of plain numbers" in refused(ARROW[form](table.select(["jets"])))


def test_whole_numbers_beyond_64_bits_are_refused_and_not_rounded(refused):
    said = refused(parquet(pa.table({"id": pa.array([2**64 - 1], pa.uint64())})))
    assert "Column id" in said
    assert "branches" in said


@pytest.mark.parametrize("form", ARROW)
def test_a_cut_or_damaged_file_is_refused_by_its_right_name(refused, form: str):
    data = ARROW[form](pa.table({"x": np.arange(10_000.0), "s": ["some text"] * 10_000}))
    name = "Parquet" if form.startswith("parquet") else "Arrow"
    if form.startswith("stream"):
        assert name in refused(data[: len(data) // 2 - 7])
        return
    assert f"The {name} file is damaged or cut short" in refused(data[: len(data) // 2])


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.sampled_from(sorted(ARROW)), st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), max_size=4))
def test_damage_anywhere_is_refused_or_harmless(tmp_path: Path, form: str, changes: list[tuple[int, int]]):
    data = bytearray(ARROW[form](pa.table({"x": [1.0, 2.0, 3.0], "s": ["a", None, "c"], "n": [1, 2, 3]})))
    for place, value in changes:
        data[place % len(data)] = value
    path = tmp_path / "damaged"
    path.write_bytes(data)
    with contextlib.suppress(EventsieveError):
        content(path, max_bytes=10_000_000)


@pytest.mark.parametrize("form", ["parquet, packed", "file, packed", "stream, packed"])
def test_a_packed_table_that_would_be_too_large_is_refused_before_it_unpacks(read: Read, form: str):
    with pytest.raises(TooLarge, match="unpacks to more than"):
        read(ARROW[form](pa.table({"s": ["0" * 10_000] * 1000})), limits={"max_bytes": 1_000_000})


# ROOT


@pytest.fixture
def root(tmp_path: Path) -> Callable[..., bytes]:
    def root(**trees: dict[str, object]) -> bytes:
        path = tmp_path / "made.root"
        with uproot.recreate(path) as file:
            for name, branches in trees.items():
                file.mktree(name, {key: values.dtype for key, values in branches.items()}).extend(branches)
        return path.read_bytes()

    return root


FLAT = {
    "id": np.array([1, 2, 2**53 + 1]),
    "x": np.array([0.5, -999.0, 3.0], dtype=np.float32),
    "ok": np.array([True, False, True]),
    "small": np.array([1, 2, 255], dtype=np.uint8),
}
FLAT_TABLE = {"id": [1, 2, 2**53 + 1], "x": [0.5, -999.0, 3.0], "ok": [1, 0, 1], "small": [1, 2, 255]}


def test_the_only_tree_is_read(read: Read, root, tmp_path: Path):
    assert read(root(events=FLAT)) == FLAT_TABLE
    source = open_source(tmp_path / "upload")
    assert (source.format, source.tree) == ("root", "events")


def test_of_several_trees_one_must_be_named(read: Read, refused, root):
    data = root(signal=FLAT, background={"x": np.zeros(2)})
    assert "signal, background" in refused(data)
    assert read(data, trees=("background",)) == {"x": [0, 0]}
    assert read(data, trees=("signal;1",)) == FLAT_TABLE
    assert "there are: signal, background" in refused(data, trees=("sig",))


def test_of_a_tree_that_was_written_again_the_newest_is_read(read: Read, tmp_path: Path):
    path = tmp_path / "cycles.root"
    with uproot.recreate(path) as file:
        for value in (1.0, 2.0):
            file.mktree("events", {"x": np.dtype("f8")}).extend({"x": np.array([value])})
    with uproot.open(path) as file:
        assert sorted(file.keys()) == ["events;1", "events;2"]
    assert read(path.read_bytes()) == {"x": [2.0]}
    assert read(path.read_bytes(), trees=("events;1",)) == {"x": [1.0]}


def test_a_tree_may_lie_in_a_folder_of_the_file(read: Read, tmp_path: Path):
    path = tmp_path / "folders.root"
    with uproot.recreate(path) as file:
        file.mktree("nominal/events", {"x": np.dtype("f8")}).extend({"x": np.array([4.0])})
    assert read(path.read_bytes(), trees=("nominal/events",)) == read(path.read_bytes()) == {"x": [4.0]}


@pytest.fixture
def uneven(tmp_path: Path) -> bytes:
    path = tmp_path / "uneven.root"
    with uproot.recreate(path) as file:
        jets = ak.Array([[1.0], [2.0, 3.0]])
        branches = {"x": np.array([1.0, 2.0]), "jet": jets, "cov": np.zeros((2, 2, 2))}
        file.mktree("events", {"x": np.dtype("f8"), "jet": jets.type, "cov": np.dtype(("f8", (2, 2)))}).extend(branches)
    return path.read_bytes()


def test_branches_that_are_no_single_numbers_are_left_out_by_name(tmp_path: Path, uneven: bytes):
    path = tmp_path / "uneven.root"
    source = open_source(path)
    assert source.schema.names == ["x", "njet"]
    assert "jet (jagged" in source.warnings[0]
    assert "cov (a vector" in source.warnings[0]
    assert "Define" in source.warnings[0]


def test_branches_that_are_no_single_numbers_are_refused_when_asked_for(refused, uneven: bytes):
    said = refused(uneven, branches=("x", "jet"))
    assert "The branch jet cannot be used: it is jagged" in said
    assert "Define" in said


def test_text_branches_are_left_out(real_data: Path):
    source = open_source(real_data / "cms_zmumu_2304.root")
    assert "Type (text)" in source.warnings[0]
    assert sum(batch.num_rows for batch in source.batches()) == 2304


def test_an_rntuple_is_read(read: Read, tmp_path: Path):
    path = tmp_path / "rntuple.root"
    fields = FLAT | {"jets": ak.Array([[1.0], [], [2.0, 3.0]])}
    with uproot.recreate(path) as file:
        file.mkrntuple("events", fields)
    assert read(path.read_bytes()) == FLAT_TABLE
    assert "jets (no single number" in open_source(path).warnings[0]


def test_a_long_tree_comes_in_order_whatever_its_baskets(read: Read, tmp_path: Path):
    path = tmp_path / "long.root"
    with uproot.recreate(path) as file:
        tree = file.mktree("events", {"n": np.dtype("i8"), "x": np.dtype("f4")})
        for start in range(0, 300_000, 70_000):
            numbers = np.arange(start, min(start + 70_000, 300_000))
            tree.extend({"n": numbers, "x": numbers.astype("f4")})
    table = content(path)
    np.testing.assert_array_equal(table["n"].to_numpy(), np.arange(300_000))
    np.testing.assert_array_equal(table["x"].to_numpy(), np.arange(300_000.0))
    assert max(batch.num_rows for batch in open_source(path).batches()) <= 1 << 20


def test_names_that_look_like_formulas_are_names(read: Read, root):
    odd = {"a-b": np.array([1.0]), "a": np.array([5.0]), "b": np.array([7.0]), "x[0]": np.array([2.0])}
    assert read(root(events=odd)) == {name: values.tolist() for name, values in odd.items()}


@pytest.mark.parametrize("part", [0.02, 0.3, 0.6, 0.95])
def test_a_cut_root_file_is_refused_by_its_right_name(refused, root, part: float):
    data = root(events={"x": np.arange(5000.0), "y": np.arange(5000.0)})
    assert "ROOT" in refused(data[: int(len(data) * part)])


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), min_size=1, max_size=4))
def test_damage_anywhere_in_a_root_file_is_refused_or_harmless(tmp_path: Path, root, changes: list[tuple[int, int]]):
    data = bytearray(root(events=FLAT))
    for place, value in changes:
        data[place % len(data)] = value
    path = tmp_path / "damaged"
    path.write_bytes(data)
    with contextlib.suppress(EventsieveError):
        content(path, max_bytes=10_000_000)


def test_a_root_file_without_trees_or_events_is_refused(refused, root, tmp_path: Path):
    assert "no events" in refused(root(events={"x": np.zeros(0)}))
    path = tmp_path / "empty.root"
    with uproot.recreate(path) as file:
        file["h"] = np.histogram(np.arange(10.0))
    assert "no tree" in refused(path.read_bytes())


# columns that are asked for


@pytest.mark.parametrize("data", [CSV, parquet(pa.table(TABLE))])
def test_columns_are_kept_by_name_and_pattern_in_the_files_order(read: Read, refused, data: bytes):
    assert read(data, branches=("x", "i*")) == {"id": TABLE["id"], "x": TABLE["x"]}
    assert "did you mean kind" in refused(data, branches=("kinds",))


def test_a_reader_may_want_some_columns_in_its_own_order(tmp_path: Path):
    for data in (CSV, parquet(pa.table(TABLE)), ipc(pa.table(TABLE))):
        path = tmp_path / "table"
        path.write_bytes(data)
        batches = list(open_source(path).batches(["kind", "id"]))
        assert pa.Table.from_batches(batches).to_pydict() == {"kind": TABLE["kind"], "id": TABLE["id"]}


def test_a_tree_is_named_in_root_files_only(read: Read):
    with pytest.raises(BadRequest, match="not a ROOT file"):
        read(CSV, trees=("events",))


# parts with a label each


def parts(tmp_path: Path, *files: tuple[bytes, str | None], **reading: object) -> pa.Table:
    given = []
    for place, (data, label) in enumerate(files):
        path = tmp_path / f"part{place}"
        path.write_bytes(data)
        given.append(Given(path, f"part{place}.csv", label))
    parted = open_parts(given, Reading(**reading))
    return pa.Table.from_batches(
        [b for place in range(len(parted.pieces)) for b in parted.batches(place)], parted.schema
    )


def test_files_with_labels_are_one_table(tmp_path: Path):
    table = parts(tmp_path, (b"x,n\n1,2\n3,4\n", "s"), (b"n,x\n5,0.5\n", "b"))
    assert table.to_pydict() == {"x": [1.0, 3.0, 0.5], "n": [2, 4, 5], "class": ["s", "s", "b"]}


def test_the_labels_column_takes_a_name_that_is_free(tmp_path: Path):
    assert "class_" in parts(tmp_path, (b"class,x\n1,2\n", "s"), (b"class,x\n1,2\n", "b")).column_names


def test_trees_with_labels_are_one_table(tmp_path: Path, root):
    data = root(sig={"x": np.array([1.0])}, bkg={"x": np.array([2.0, 3.0])})
    table = parts(tmp_path, (data, None), trees=("sig=signal", "bkg=background"))
    assert table.to_pydict() == {"x": [1.0, 2.0, 3.0], "class": ["signal", "background", "background"]}


def test_parts_without_labels_are_one_table_without_labels(tmp_path: Path):
    assert parts(tmp_path, (b"x\n1\n", None), (b"x\n2\n", None)).to_pydict() == {"x": [1, 2]}


def test_parts_whose_columns_do_not_agree_are_refused_by_name(tmp_path: Path):
    with pytest.raises(BadTable) as caught:
        parts(tmp_path, (b"x,y,z\n1,2,3\n", "s"), (b"x,w\n1,2\n", "b"))
    assert len(caught.value.faults) == 2
    assert "part1.csv lacks columns that part0.csv has: y, z" in caught.value.faults[0]
    assert "part0.csv lacks columns that part1.csv has: w" in caught.value.faults[1]
    assert parts(tmp_path, (b"x,y\n1,2\n", "s"), (b"x,w\n3,4\n", "b"), branches=("x",)).num_columns == 2


def test_a_column_that_is_text_in_one_part_is_refused_by_name(tmp_path: Path):
    with pytest.raises(BadTable, match=r"Column x is text in part1\.csv and a number in part0\.csv"):
        parts(tmp_path, (b"x,y\n1,1\n", "s"), (b"x,y\nfew,1\n", "b"))


def test_labels_are_given_to_all_or_none_and_once(tmp_path: Path, root):
    with pytest.raises(BadRequest, match=r"part1\.csv"):
        parts(tmp_path, (b"x\n1\n", "s"), (b"x\n2\n", None))
    with pytest.raises(BadRequest, match="both have a label"):
        parts(tmp_path, (root(sig={"x": np.array([1.0])}), "s"), trees=("sig=signal",))


def test_a_fault_in_one_of_several_files_bears_its_name(tmp_path: Path):
    with pytest.raises(BadTable, match=r"part1\.csv: .*no events"):
        parts(tmp_path, (b"x\n1\n", "s"), (b"x\n", "b"))
