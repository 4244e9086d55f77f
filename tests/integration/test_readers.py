from __future__ import annotations

import csv
import gzip
import io
import math
import random
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eventsieve.domain.events import Events, Labels
from eventsieve.domain.schema import load_schema
from eventsieve.errors import BadTable, TooLarge
from eventsieve.records import Column, Schema
from eventsieve.storage import delimited
from eventsieve.storage import lines as lines_of_text
from eventsieve.storage.delimited import bounded
from eventsieve.storage.lines import BLOCK
from eventsieve.storage.readers import read_events

SCHEMA = Schema(
    name="toy",
    undefined=-999.0,
    columns=(
        Column(name="id", dtype="int64", role="index"),
        Column(name="x", dtype="float64"),
        Column(name="n", dtype="int64"),
        Column(name="w", dtype="float64", role="weight"),
        Column(name="label", dtype="object", role="label"),
    ),
)
CSV = b"id,x,n,w,label\n1,0.5,2,1.5,s\n2,-999.0,0,-0.5,b\n9007199254740993,3,1,2,b\n"

Read = Callable[..., Events]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Reads bytes as a file of no telling name."""

    def read(content: bytes, *, labels: Labels = "both classes", schema: Schema = SCHEMA, **limits: int) -> Events:
        path = tmp_path / "upload"
        path.write_bytes(content)
        return read_events(path, schema, labels=labels, **limits)

    return read


@pytest.fixture
def refused(read: Read) -> Callable[..., str]:
    def refused(content: bytes, **options: object) -> str:
        with pytest.raises(BadTable) as caught:
            read(content, **options)
        assert caught.value.faults
        return str(caught.value)

    return refused


def same(events: Events) -> None:
    """It is the table in `CSV`."""
    np.testing.assert_array_equal(events.features, [[0.5, 2], [np.nan, 0], [3, 1]])
    assert events.features.flags.c_contiguous
    assert events.index.tolist() == [1, 2, 2**53 + 1]
    assert events.weight is not None
    assert events.label is not None
    assert events.weight.tolist() == [1.5, -0.5, 2]
    assert events.label.tolist() == [True, False, False]


def zipped(*members: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return buffer.getvalue()


def parquet(table: pa.Table, **options: object) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(table, buffer, **options)
    return buffer.getvalue()


TABLE = pa.table({
    "label": ["s", "b", "b"], "x": [0.5, -999.0, 3.0], "id": [1, 2, 2**53 + 1], "n": [2, 0, 1], "w": [1.5, -0.5, 2.0],
})  # fmt: skip

SPELLINGS = {
    "as it is": CSV,
    "no end of line at the end": CSV.rstrip(),
    "byte-order mark": b"\xef\xbb\xbf" + CSV,
    "CRLF": CSV.replace(b"\n", b"\r\n"),
    "lone CR": CSV.replace(b"\n", b"\r"),
    "CRLF and byte-order mark": b"\xef\xbb\xbf" + CSV.replace(b"\n", b"\r\n"),
    "semicolons": CSV.replace(b",", b";"),
    "tabs": CSV.replace(b",", b"\t"),
    "blanks around commas": CSV.replace(b",", b" ,  "),
    "quotes": b'"id","x","n","w","label"\n"1","0.5","2","1.5","s"\n'
    b'"2","-999","0","-0.5","b"\n9007199254740993,3,1,2,b\n',
    "blanks around quotes": b' "id" , "x" ,"n", "w" , "label" \n "1" , "0.5" ,"2", "1.5" , "s" \n2,-999,0,-.5,b\n'
    b'9007199254740993,3 , "1" , 2, "b"',
    "blank lines": b"\n \r\n" + CSV.replace(b"\n", b"\n\n  \n"),
    "whole numbers as floats": CSV.replace(b"1,0.5,2,", b"1.0,0.5,2.0,").replace(b",0,-0.5", b",0.00,-0.5"),
    "other order": b"label,w,x,id,n\ns,1.5,0.5,1,2\nb,-0.5,-999,2,0\nb,2,3,9007199254740993,1\n",
    "exponents and signs": CSV.replace(b"1,0.5,2,", b"+1,+5e-1,2e0,"),
    "gzip": gzip.compress(CSV),
    "gzip in two parts": gzip.compress(CSV[:30]) + gzip.compress(CSV[30:]),
    "zip": zipped(("training.csv", CSV)),
    "stored zip": zipped(("x", CSV), method=zipfile.ZIP_STORED),
    "zip from a Mac": zipped(("d/", b""), ("d/a.csv", CSV), ("__MACOSX/d/._a.csv", b"\0"), (".DS_Store", b"\0")),
    "Parquet": parquet(TABLE),
    "Parquet in small row groups": parquet(TABLE, row_group_size=1, compression="zstd"),
    "Parquet of text": parquet(TABLE.cast(pa.schema([(name, pa.string()) for name in TABLE.column_names]))),
}  # fmt: skip


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_the_same_table_in_many_spellings(read: Read, spelling: str) -> None:
    events = read(SPELLINGS[spelling])
    same(events)
    assert events.remarks == ()


def test_extra_columns_are_ignored_and_reported(read: Read) -> None:
    lines = CSV.decode().splitlines()
    extra = ["note", '"tau, lep"', '"a\nb"', ' "plain, "']
    events = read("\n".join(f"{line},{more}" for line, more in zip(lines, extra, strict=True)).encode())
    same(events)
    assert events.remarks == ("Columns that toy does not have were ignored: note.",)
    events = read(parquet(TABLE.append_column("list", pa.array([[1], [2], [3]]))))
    same(events)
    assert events.remarks == ("Columns that toy does not have were ignored: list.",)


def test_only_the_needed_columns_are_read(read: Read) -> None:
    events = read(CSV.replace(b"1.5,s", b"heavy,?"), labels="ignored")
    assert (len(events), events.weight, events.label) == (3, None, None)
    assert len(read(b"id,x,n\n1,2,3\n", labels="ignored")) == 1


ADVICE = "Send a table of events as CSV, gzip'd CSV, a zip that holds one CSV, or Parquet."
ENCRYPTED = bytearray(zipped(("a.csv", CSV), method=zipfile.ZIP_STORED))
ENCRYPTED[6] |= 1
ENCRYPTED[ENCRYPTED.rindex(b"PK\x01\x02") + 8] |= 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "The file is empty (0 bytes)."),
        (b" \n\r\n ", "nothing but blanks"),
        (gzip.compress(b""), "The file in the archive is empty."),
        (b"id,x,n,w,label", "a header but no events"),
        (b"id,x,n,w,label\n\n", "a header but no events"),
        (b"%PDF-1.7 ...", f"is a PDF document. {ADVICE}"),
        (b"\x89PNG\r\n\x1a\n", "is a PNG image"),
        (b"\xff\xd8\xff\xe0", "is a JPEG image"),
        (b"root\0\0\xed\x84", "is a ROOT file"),
        (b" <!DOCTYPE html><p>Not found", "is an HTML page"),
        (b"<?xml version='1.0'?>", "is an XML document"),
        (b'[{"id": 1}]', "is JSON"),
        (b'{"id": [1]}', "is JSON"),
        (b"\x80\x04\x95", "is a Python pickle"),
        (CSV.decode().encode("utf-16"), "is UTF-16 text; save it as UTF-8"),
        (CSV.decode().encode("utf-16-le"), "is binary, not text"),
        (random.Random(1).randbytes(5000), "is binary, not text"),
        (b"id,x,n,w,label\n1,1,1,1,s\n2,\xe9,1,1,b\n", "Line 3 is not UTF-8 text (byte 0xe9); save the file as UTF-8."),
        (b"\xff" + CSV, "Line 1 is not UTF-8 text (byte 0xff)"),
        (gzip.compress(CSV)[:-9], "The gzip file is damaged or cut short"),
        (gzip.compress(CSV) + b"rubbish", "The gzip file is damaged or cut short"),
        (b"\x1f\x8b", "The gzip file is damaged or cut short"),
        (gzip.compress(parquet(TABLE)), "is a Parquet file inside an archive; send it unpacked"),
        (gzip.compress(gzip.compress(CSV)), "is a gzip file inside another archive"),
        (zipped(("a.csv", CSV))[:-30], "The zip file is damaged or cut short"),
        (zipped(("a.csv", CSV)).replace(CSV[:4], b"di,x"), ""),
        (zipped(("a.csv", CSV), ("b.csv", CSV)), "The zip archive holds 2 files, not one: a.csv, b.csv."),
        (zipped(("d/", b"")), "The zip archive holds 0 files, not one."),
        (zipped(), "is a zip archive that holds no file"),
        (zipped(("a.zip", zipped(("a.csv", CSV)))), "is a zip archive inside another archive"),
        (zipped(("a.csv", CSV), method=zipfile.ZIP_LZMA), "packed in a way that is not read here"),
        (zipped(("[Content_Types].xml", b""), ("xl/workbook.xml", b"")), "is an Office document"),
        (bytes(ENCRYPTED), "is encrypted"),
        (parquet(TABLE)[:-20], "The Parquet file is damaged or cut short"),
        (parquet(TABLE).replace(b"label", b"\xffabel"), "The Parquet file is damaged or cut short"),
        (b"PAR1", "The Parquet file is damaged or cut short"),
        (parquet(TABLE.slice(0, 0)), "a header but no events"),
        (b"id,x,n,w,label\n" + b"1" * (2 * BLOCK), f"Line 2 is longer than {BLOCK} bytes"),
        (b"id" * BLOCK, f"Line 1 is longer than {BLOCK} bytes"),
        (b"x" * 200_000 + b"\n1\n", "The names of the columns cannot be read"),
        (b"1\t0.5\n0\t0.7\n", "The first line holds numbers"),
    ],
)  # fmt: skip
def test_what_is_no_table_is_called_by_its_name(
    read: Read, refused: Callable[..., str], content: bytes, message: str
) -> None:
    if not message:
        same(read(content))  # the damage was in nothing that is read
        return
    assert message in refused(content)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_fault_is_named_with_its_line(refused: Callable[..., str], end: str) -> None:
    lines = [
        "",
        "id,x,n,w,label",
        "1,1,1,1,s",
        "",
        "2,2",
        "3,zzz,1,1,b",
        "4,1,1,1,1,1,b",
        '"5,1,1,1,s',
        "1,nan,1.5,1,q",
    ]
    assert refused(end.join(lines).encode()).split(". ") == [
        "A quotation mark must close on the line where it opens; it does not on line 8",
        "Each line must have 5 values, as the header has; line 5 has 2, line 7 has 7",
        "Column id: 1 event number is used more than once; the first is 1 in row 1 (line 3), row 3 (line 9)",
        "Column x: the value in row 2 (line 6), 'zzz', is not a number",
        "Column x: the value in row 3 (line 9), 'nan', is empty, NaN or infinite (write -999 where it is not defined)",
        "Column n: the value in row 3 (line 9), '1.5', is not whole",
        "Column label: 1 label is neither signal ('s') nor background ('b'); the first is 'q' in row 3 (line 9).",
    ]


def test_many_lines_of_the_wrong_length_are_counted(refused: Callable[..., str]) -> None:
    message = refused(b"id,x,n,w,label\n" + b"1,2,3\n" * 100)
    assert "line 2 has 3, line 3 has 3, line 4 has 3 and 97 more." in message


def test_a_table_whose_only_fault_is_a_line_of_the_wrong_length_is_refused(refused: Callable[..., str]) -> None:
    assert refused(CSV + b"4,1\n") == "Each line must have 5 values, as the header has; line 5 has 2."


def test_where_too_many_lines_are_no_rows_it_is_read_no_further(
    refused: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lines_of_text, "MOST_NOTED", 4)
    message = refused(CSV + b"1,2,3\n" * 10)
    assert message == (
        "Each line must have 5 values, as the header has; line 5 has 3, line 6 has 3, line 7 has 3. "
        "4 lines are blank or no rows of the table; it was read no further."
    )


def test_a_quotation_mark_is_told_of_whose_line_has_an_even_number_of_them(refused: Callable[..., str]) -> None:
    message = refused(CSV + b'4,1,1,a"b,"s\n' + b"5,1,1,1,b\n" * 20)
    assert message.startswith("A quotation mark must close on the line where it opens; it does not on line 5.")


def test_what_the_parser_cannot_make_out_is_told_in_its_words(
    refused: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise pa.ArrowInvalid("what Arrow says")

    monkeypatch.setattr(delimited, "parsed", fail)
    assert refused(CSV) == "The file cannot be read as CSV: what Arrow says"


def test_quotation_marks_are_told_of_where_no_column_is_known(refused: Callable[..., str]) -> None:
    message = refused(b'a,b\n1,2\n"x,3\n')
    assert "it does not on line 3." in message
    assert "4 columns are missing" in message


def test_missing_and_double_columns_are_named_with_the_faults_of_the_others(refused: Callable[..., str]) -> None:
    message = refused(b"id,x,x,lable\n1,a,1,s\n1,2,2,b\n")
    assert "3 columns" not in message
    assert "2 columns are missing: n, label. The table has columns that are not in the schema: lable." in message
    assert "Column x appears 2 times." in message
    assert "Column id: 1 event number is used more than once" in message


def test_lines_are_counted_across_blocks(refused: Callable[..., str]) -> None:
    rows = [f"{i},0.25,1,1,{'sb'[i % 2]}" for i in range(200_000)]
    rows[150_001] = "150001,,1,1,s"
    rows[60_000] = ""
    for end in ("\n", "\r\n", "\r"):
        text = end.join(["id,x,n,w,label", *rows]).encode()
        assert len(text) > 3 * BLOCK
        assert "Column x: the value in row 150001 (line 150003), ''," in refused(text)


def test_a_large_table_is_read_whole_in_every_spelling(read: Read) -> None:
    rows = [f'{i}, {i / 8} ,"{i % 4}", "1" ,{"sb"[i % 2]}' for i in range(100_000)]
    for end in ("\n", "\r\n", "\r"):
        events = read(end.join(["id,x,n,w,label", *rows]).encode())
        np.testing.assert_array_equal(events.index, np.arange(100_000))
        np.testing.assert_array_equal(events.features[:, 0], np.arange(100_000) / 8)
        assert events.signal_count == 50_000


def test_more_bytes_than_the_limit_are_refused(read: Read) -> None:
    same(read(gzip.compress(CSV), max_bytes=10_000))
    for content in (CSV, gzip.compress(CSV), zipped(("a", CSV)), parquet(TABLE)):
        with pytest.raises(TooLarge, match="60 bytes"):
            read(content, max_bytes=60)
    # Three commas are four numbers: the columns count, not only the text.
    with pytest.raises(TooLarge, match="memory"):
        read(b"id,x,n,w,label\n" + b",,,,\n" * 10_000, max_bytes=100_000)


def test_as_much_memory_as_allowed_is_not_too_much() -> None:
    batches = pa.table({"x": [1, 2, 3]}).to_batches() * 2
    size = 2 * batches[0].nbytes
    assert list(bounded(batches, size)) == batches
    with pytest.raises(TooLarge, match=f"more than {size - 1} bytes"):
        list(bounded(batches, size - 1))


BOMBS = {
    "gzip": lambda: gzip.compress(bytes(1 << 20) * 300, 1),
    "gzip of lines": lambda: gzip.compress(b"id,x,n,w,label\n" + b"1,1,1,1,s\n" * 30_000_000, 1),
    "zip": lambda: zipped(("a.csv", b"id,x,n,w,label\n" + b"1,1,1,1,s\n" * 30_000_000)),
    "Parquet": lambda: parquet(pa.table({n: pa.repeat(1, 5_000_000) for n in ("id", "x", "n", "w", "label")})),
}


@pytest.mark.slow
@pytest.mark.parametrize("bomb", BOMBS)
def test_a_bomb_is_refused_before_it_has_gone_off(tmp_path: Path, bomb: str) -> None:
    path = tmp_path / "bomb"
    path.write_bytes(BOMBS[bomb]())
    added = _peak_memory_added(path, "ignored", 20_000_000)
    assert added.startswith("TooLarge") or (bomb == "gzip" and added.startswith("BadTable"))
    assert int(added.split()[-1]) < 150


def test_a_folder_or_nothing_is_the_callers_mistake(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="nothing"):
        read_events(tmp_path / "nothing", SCHEMA, labels="ignored")
    with pytest.raises(OSError, match=tmp_path.name):
        read_events(tmp_path, SCHEMA, labels="ignored")


def _peak_memory_added(path: Path, labels: str, max_bytes: int) -> str:
    """What became of reading a file in a process of its own, and by how many MB its memory rose at the most."""
    code = """
import resource, sys
from pathlib import Path
import pyarrow.csv, pyarrow.parquet
from eventsieve.domain.schema import load_schema
from eventsieve.errors import EventsieveError
from eventsieve.storage.readers import read_events
schema = load_schema("atlas-higgs-2014")
if sys.argv[2] == "ignored":
    schema = schema.adapted(columns=dict(id="int64", x="float64", n="int64", w="float64", label="object"),
                            target="label", index="id")
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // (2**20 if sys.platform == "darwin" else 2**10)
before = peak()
try:
    print(len(read_events(Path(sys.argv[1]), schema, labels=sys.argv[2], max_bytes=int(sys.argv[3]))))
except EventsieveError as error:
    print(type(error).__name__)
print(peak() - before)
"""
    command = [sys.executable, "-W", "error", "-c", code, str(path), labels, str(max_bytes)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


# The real events.


@pytest.mark.real
def test_the_real_events_are_read_as_the_standard_library_reads_them(real_data: Path) -> None:
    path = real_data / "higgsml_training_17889.csv.gz"
    schema = load_schema("atlas-higgs-2014")
    events = read_events(path, schema, labels="both classes")
    with gzip.open(path, "rt") as file:
        rows = list(csv.DictReader(file))
    assert events.index.tolist() == [int(row["EventId"]) for row in rows]
    features = [[math.nan if row[n] == "-999.0" else float(row[n]) for n in schema.feature_names] for row in rows]
    np.testing.assert_array_equal(events.features, features)
    assert events.weight is not None
    assert events.label is not None
    assert events.weight.tolist() == [float(row["Weight"]) for row in rows]
    assert events.label.tolist() == [row["Label"] == "s" for row in rows]
    assert events.remarks == ()


@pytest.mark.real
def test_the_real_test_table_has_no_labels(real_data: Path) -> None:
    path = real_data / "higgsml_test_99.csv"
    schema = load_schema("atlas-higgs-2014")
    assert len(read_events(path, schema, labels="ignored")) == 99
    with pytest.raises(BadTable) as caught:
        read_events(path, schema, labels="both classes")
    assert caught.value.faults == ("Column Label is missing.",)


@pytest.mark.real
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("uci_higgs_lightgbm_train_7000.tsv.gz", "The first line holds numbers"),
        ("uci_higgs_lightgbm_test_500.tsv", "The first line holds numbers"),
        ("mlhep2016_higgs_10000.root", "is a ROOT file"),
        ("mlhep2016_higgs_10000_spaced.csv.gz", "does not look like atlas-higgs-2014"),
        ("fair_universe_labelled_1000.parquet", "9 columns are missing: EventId, DER_mass_MMC, DER_deltar_tau_lep"),
        ("README.md", "does not look like atlas-higgs-2014"),
    ],
)
def test_real_tables_of_other_experiments_are_refused(real_data: Path, name: str, message: str) -> None:
    with pytest.raises(BadTable) as caught:
        read_events(real_data / name, load_schema("atlas-higgs-2014"), labels="ignored")
    assert message in str(caught.value)


@pytest.mark.real
def test_blanks_around_commas_in_a_real_table(real_data: Path) -> None:
    path = real_data / "mlhep2016_higgs_10000_spaced.csv.gz"
    with gzip.open(path, "rt") as file:
        rows = list(csv.DictReader(file))
    names = list(rows[0])
    schema = load_schema("atlas-higgs-2014").adapted(
        columns=dict.fromkeys(names, "float64"), target="target", index="event_id", signal="1"
    )
    events = read_events(path, schema, labels="both classes")
    np.testing.assert_array_equal(events.features[:, 5], [float(row["jet1_pt"]) for row in rows])
    assert events.signal_count == sum(float(row["target"]) for row in rows)


@pytest.mark.real
@pytest.mark.slow
def test_a_quarter_of_a_million_events_stay_small(real_data: Path, tmp_path: Path) -> None:
    with gzip.open(real_data / "higgsml_training_17889.csv.gz", "rt") as file:
        header, *rows = file.read().splitlines()
    rest = [row.partition(",")[2] for row in rows]
    path = tmp_path / "large.csv"
    path.write_text("\n".join([header, *(f"{i},{rest[i % len(rest)]}" for i in range(250_000))]))
    count, added = _peak_memory_added(path, "both classes", 2**31).split()
    assert count == "250000"
    assert int(added) < 400


# Damage.


@pytest.mark.parametrize("spelling", ["as it is", "quotes", "gzip", "zip", "Parquet", "Parquet of text"])
def test_damaged_bytes_are_refused_and_nothing_else(tmp_path: Path, spelling: str) -> None:
    whole = SPELLINGS[spelling]

    @settings(max_examples=150, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
    @given(st.lists(st.tuples(st.floats(0, 1), st.integers(0, 3), st.binary(max_size=8)), min_size=1, max_size=4))
    def damage(cuts: list[tuple[float, int, bytes]]) -> None:
        content = whole
        for place, removed, inserted in cuts:
            at = int(place * len(content))
            content = content[:at] + inserted + content[at + removed :]
        _only_events_or_a_refusal(tmp_path, content)

    damage()
    for end in range(len(whole)):
        _only_events_or_a_refusal(tmp_path, whole[:end])


@settings(max_examples=300, deadline=None, database=None)
@given(
    st.sampled_from(["", "id,x,n,w,label\n"]),
    st.text(" ,;\t\r\n\"'ids xnwlabel.019-eE\0\u00e9\ufeff", max_size=80),
)
def test_any_text_is_refused_and_nothing_else(tmp_path_factory: pytest.TempPathFactory, header: str, text: str) -> None:
    content = (header + text).encode()
    _only_events_or_a_refusal(tmp_path_factory.getbasetemp(), content)


def _only_events_or_a_refusal(folder: Path, content: bytes) -> None:
    path = folder / "damaged"
    path.write_bytes(content)
    for labels in ("both classes", "ignored"):
        try:
            events = read_events(path, SCHEMA, labels=labels, max_bytes=10_000_000)
        except (BadTable, TooLarge) as error:
            message = str(error)
            assert message.endswith(".")
        else:
            assert len(events) > 0
            assert np.isfinite(events.features[~np.isnan(events.features)]).all()
            assert len(set(events.index.tolist())) == len(events)


ABOVE = b"id,x,n,w,label,n1,n2\n1,1,1,1,s,a,b\n2,1,1,1,b,a,b\n"

OPEN = {
    "and lines below": '3,1,1,1,b,ab,"c\n4,1,1,1,b,a,c\n5,1,1,1,s,a,c\n',
    "and lines with quotes": '3,1,1,1,b,ab,"c\n4,1,1,1,b,a,c""\n',
    "at the very end": '3,1,1,1,b,ab,"c',
    "behind a quotation mark inside of a value": '3,1,1,1,b,a"b,"c\n4,1,1,1,b,a,c\n',
    "and blank lines": '3,1,1,1,b,ab,"c\n\n\n',
    "without the last line end": '3,1,1,1,b,ab,"c\n4,1,1,1,b,a,c',
}


@pytest.mark.parametrize("below", OPEN.values(), ids=list(OPEN))
def test_a_quotation_mark_that_never_closes_swallows_no_events(refused: Callable[..., str], below: str) -> None:
    message = refused(ABOVE + below.encode())
    assert "A quotation mark must close on the line where it opens; it does not on line 4." in message


CLOSED = {
    "a line end in the last value": '3,1,1,1,b,a,"c\nd"\n',
    "a line end at the end of it": '3,1,1,1,b,a,"c\n"\n\n',
    "and no line end behind it": '3,1,1,1,b,a,"c\r\n"',
    "quotation marks in it": '3,1,1,1,b,"a""b","""c"""\n',
    "quotation marks inside of values": '3,1,1,1,b,a"b,c"d\n',
}


@pytest.mark.parametrize("below", CLOSED.values(), ids=list(CLOSED))
def test_quotation_marks_that_close_are_taken(read: Read, below: str) -> None:
    assert read(ABOVE + below.encode()).index.tolist() == [1, 2, 3]
