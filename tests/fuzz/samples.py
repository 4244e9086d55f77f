"""Good inputs of every kind, small: what the fuzzers begin from."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import tempfile
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq

TEXT = b"id,x,n,w,label\n" + b"".join(b"%d,%d.5,%d,1.25,%s\n" % (n, n, n % 3, b"sb"[n % 2 :][:1]) for n in range(8))
TABLE = {
    "id": [1, 2, 2**53 + 1],
    "x": [0.5, -999.0, None],
    "n": pa.array([1, 2, 3], pa.uint8()),
    "w": pa.array([1.0, 2.0, 0.5], pa.float32()),
    "label": ["s", "b", None],
}


def texts() -> list[bytes]:
    """CSV in all its spellings."""
    return [
        TEXT,
        b"id,x,label\n",
        b"x\n1\n2\n",
        TEXT.replace(b",", b";").replace(b".", b","),
        TEXT.replace(b",", b"\t").replace(b"\n", b"\r\n"),
        TEXT.replace(b",", b"  ").replace(b"\n", b"\r"),
        b"\xef\xbb\xbf\n" + TEXT.replace(b"x", b'"a ""name"""') + b"\n\n",
        b"# " + TEXT.replace(b",", b" "),
        b"1,0.5,s\n2,-999,b\n9007199254740993,nan,s\n",
        b'a,b\n"1,2",x\n"3\n4",\xd0\xb6\n,NA\n+1,99999999999999999999\n',
        b"x,ok,none\n1e400,true,\n-inf,False,\n" + b"7,TRUE,\n" * 20,
    ]


def packages() -> list[bytes]:
    """CSV in all its packages, and what is no table in them."""
    return [
        gzip.compress(TEXT, mtime=0),
        gzip.compress(TEXT[:40], mtime=0) + gzip.compress(TEXT[40:], mtime=0),
        bz2.compress(TEXT),
        lzma.compress(TEXT) + bytes(8) + lzma.compress(TEXT[40:]),
        pa.compress(TEXT, "zstd", asbytes=True),
        gzip.compress(gzip.compress(TEXT, mtime=0), mtime=0),
        zipped(("data.csv", TEXT)),
        zipped(("data.csv", TEXT), packing=zipfile.ZIP_STORED),
        zipped(("__MACOSX/x", b""), ("folder/", b""), ("data.csv", TEXT)),
        zipped(("a.csv", TEXT), ("b.csv", TEXT)),
    ]


def zipped(*members: tuple[str, bytes], packing: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip archive, the same each time."""
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", packing) as archive:
        for name, data in members:
            archive.writestr(zipfile.ZipInfo(name), data, packing)
    return sink.getvalue()


def parquets() -> list[bytes]:
    """Parquet files: packed and not, with a dictionary, with columns that cannot be used."""
    odd = pa.table({"jets": [[1.0, 2.0]] * 3, "when": pa.array([0] * 3, pa.timestamp("s"))} | TABLE)
    return [
        parquet(pa.table(TABLE), compression="none"),
        parquet(pa.table(TABLE), compression="zstd", row_group_size=2),
        parquet(odd, compression="snappy", data_page_version="2.0"),
        parquet(pa.table({"s": pa.array(["x" * 50] * 9).dictionary_encode(), "d": range(9)})),
    ]


def parquet(table: pa.Table, **options: object) -> bytes:
    """A Parquet file."""
    sink = io.BytesIO()
    pq.write_table(table, sink, **options)
    return sink.getvalue()


def arrows() -> list[bytes]:
    """Arrow files and streams: packed and not, with a dictionary."""
    words = pa.table({"s": pa.array(["a", "b", "a"]).dictionary_encode(), "v": pa.array(["x"] * 3, pa.string_view())})
    return [
        arrow(pa.table(TABLE)),
        arrow(pa.table(TABLE), compression="zstd"),
        arrow(pa.table(TABLE), stream=True),
        arrow(pa.table(TABLE), stream=True, compression="lz4"),
        arrow(words),
        arrow(words, stream=True),
    ]


def arrow(table: pa.Table, *, stream: bool = False, compression: str | None = None) -> bytes:
    """An Arrow file or stream."""
    sink = io.BytesIO()
    new = pa.ipc.new_stream if stream else pa.ipc.new_file
    with new(sink, table.schema, options=pa.ipc.IpcWriteOptions(compression=compression)) as writer:
        writer.write_table(table, max_chunksize=2)
    return sink.getvalue()


@cache
def roots() -> list[bytes]:
    """ROOT files: of a flat tree, of two, of one with vectors, of an RNTuple."""
    import uproot

    flat = {"id": np.arange(5), "x": np.linspace(0, 1, 5, dtype=np.float32), "ok": np.ones(5, bool)}
    vector = {"v": np.zeros((5, 3)), "x": np.zeros(5)}

    def made(fill: Callable[[object], None], **options: object) -> bytes:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "made.root"
            with uproot.recreate(path, **options) as file:
                fill(file)
            return path.read_bytes()

    def trees(**tables: dict[str, np.ndarray]) -> Callable[[object], None]:
        def fill(file: object) -> None:
            for name, table in tables.items():
                file.mktree(name, {key: (values.dtype, values.shape[1:]) for key, values in table.items()})
                file[name].extend(table)

        return fill

    return [
        made(trees(events=flat), compression=None),
        made(trees(events=flat)),
        made(trees(signal=flat, background=flat)),
        made(trees(events=vector)),
        made(lambda file: file.mkrntuple("events", flat)),
    ]


def names() -> list[bytes]:
    """Names that something could take for an order."""
    return [
        name.encode("utf-8", "surrogatepass")
        for name in (
            *(
                "model",
                "a/b",
                "../x",
                "100%",
                "%2F",
                "?x#y&z=1",
                "line\nfeed\r",
                "модель №1 🧪",
                "=1+1",
                " a ",
                "a,b;c\td",
            ),
            *(
                '"q"',
                "<b>&amp;",
                "`tick`",
                "|*_[l](u)",
                "\u202eltr",
                "e\u0301",
                "ﬁ",
                "\x1b[2J",
                "\x00",
                "\ud800",
                "\ufeff",
                "\x85",
            ),
            *("nan", "None", "{{7*7}}", "score", "label", "p_s", "x" * 128, "@current", "true", "\\", "a\u2028b"),
        )
    ]


def cuts() -> list[bytes]:
    """Conditions."""
    return [
        text.encode()
        for text in (
            "jets >= 2 and 100 < mass < 150",
            "not (defined(mass) or `odd name` > -.5e3)",
            "label == 's' && abs(mass) / jets != 1 | weight ≤ 2",
            "((((mass)))) > 1 + 2 * -3 - − 4",
            "max(mass, 2) > sqrt(jets) and log(mass) < exp(1)",
            "1 / 0 > 0",
            "٣ < jets",
        )
    ]


def documents() -> list[bytes]:
    """JSON as it is sent: edits of a schema, hyperparameters, rows, thresholds, plans."""
    return [
        json.dumps(document).encode()
        for document in (
            {"label": "label", "signal": "s", "index": "id", "weight": "w", "undefined": -999, "leave_out": ["n"]},
            {"classes": ["s", "b"], "units": {"x": "GeV"}, "name": "atlas-higgs-2014"},
            {"C": "0,5", "penalty": None, "max_iter": 100, "class_weight": {"s": 1, "b": 2.5}},
            {"n_estimators": 10, "max_depth": "None", "max_features": "sqrt", "ccp_alpha": 1e-3},
            {"C": "1e400", "tol": "-inf", "class_weight": '{"s": 1}', "solver": "lbfgs"},
            [{"x": 1.5, "n": 2, "id": 7}, {"x": None, "n": -999.0}],
            {"kind": "value", "value": 0.5},
            {"fraction": 0.3, "folds": 5, "seconds": 1e9, "memory": 1},
        )
    ]
