"""Fitted pipelines as bytes and back: the skops format made canonical, read through a fixed list of types.

A file is a zip archive as skops writes it, with what depends on the moment taken out: objects and arrays are numbered
in the order in which they appear (skops numbers them by memory address), times are fixed, unused bytes are zero.
So the same model is the same bytes, and a file that `dumps` would not have written is not read at all.

    schema.json     the objects, with a header of our own: protocol and scikit-learn's version
    0.npy, 1.npy …  the arrays, never pickled
"""

from __future__ import annotations

import io
import json
import struct
import tokenize
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import sklearn
from sklearn.pipeline import Pipeline

from eventsieve.domain.bounds import check_bounds
from eventsieve.domain.estimators.scoring import class_scores
from eventsieve.errors import DamagedArtefact

__all__ = ["PROTOCOL", "TRUSTED", "dumps", "loads"]

# When you change the format, so that files written before are no longer what `dumps` would write:
# 1. raise PROTOCOL by one and say in the changelog why;
# 2. keep the reader of the old number (`loads` chooses by the header's protocol), never less strict than the new one;
# 3. store a small file of the old protocol with the tests, and a test that it still loads and scores the same;
# 4. skops counts its own protocol: a file of a newer one is refused until it stands in `_SKOPS_PROTOCOLS`.
PROTOCOL: Final = 1
"""Number of the format that `dumps` writes."""

_SKOPS_PROTOCOLS: Final = frozenset({2})
_HEADER: Final = "_eventsieve"
_SCHEMA: Final = "schema.json"
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
_MAX_BYTES: Final = 8 << 30

# When an estimator joins the catalogue: dump one, add the types that the TypeError names, each after reading what its
# `__setstate__` does, and add to `bounds.check_bounds` what its compiled code follows without looking.
TRUSTED: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        "DictNode": frozenset({"builtins.dict"}),
        "ListNode": frozenset({"builtins.list"}),
        "TupleNode": frozenset({"builtins.tuple"}),
        "JsonNode": frozenset({"builtins.str"}),
        "TypeNode": frozenset({"builtins.int", "builtins.str"}),
        "DTypeNode": frozenset({"numpy.dtype"}),
        "NdArrayNode": frozenset({"numpy.ndarray", "numpy.float64", "numpy.int64", "numpy.uint64"}),
        "RandomStateNode": frozenset({"numpy.random.mtrand.RandomState"}),
        "TreeNode": frozenset({"sklearn.tree._tree.Tree"}),
        "LossNode": frozenset(
            {
                "sklearn._loss._loss.CyExponentialLoss",
                "sklearn._loss._loss.CyHalfBinomialLoss",
                "sklearn._loss._loss.CyHalfMultinomialLoss",
            }
        ),
        "ObjectNode": frozenset(
            {
                "sklearn._loss.link.HalfLogitLink",
                "sklearn._loss.link.Interval",
                "sklearn._loss.link.LogitLink",
                "sklearn._loss.link.MultinomialLogit",
                "sklearn._loss.loss.ExponentialLoss",
                "sklearn._loss.loss.HalfBinomialLoss",
                "sklearn._loss.loss.HalfMultinomialLoss",
                "sklearn.dummy.DummyClassifier",
                "sklearn.ensemble._forest.RandomForestClassifier",
                "sklearn.ensemble._gb.GradientBoostingClassifier",
                "sklearn.ensemble._hist_gradient_boosting.binning._BinMapper",
                "sklearn.ensemble._hist_gradient_boosting.gradient_boosting.HistGradientBoostingClassifier",
                "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
                "sklearn.impute._base.MissingIndicator",
                "sklearn.impute._base.SimpleImputer",
                "sklearn.linear_model._logistic.LogisticRegression",
                "sklearn.pipeline.Pipeline",
                "sklearn.preprocessing._data.StandardScaler",
                "sklearn.preprocessing._label.LabelEncoder",
                "sklearn.svm._classes.SVC",
                "sklearn.tree._classes.DecisionTreeClassifier",
                "sklearn.tree._classes.DecisionTreeRegressor",
            }
        ),
    }
)
"""The types that a file may hold, by the skops node that builds them. Nothing in a file can add to it."""

# What zipfile, json, NumPy, skops and scikit-learn are known to raise on bytes that are not what they wrote.
_BROKEN: Final = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    ImportError,
    LookupError,
    MemoryError,
    NameError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
    tokenize.TokenError,
    zipfile.BadZipFile,
    zlib.error,
)


def dumps(pipeline: Pipeline) -> bytes:
    """A fitted pipeline as bytes; the same pipeline gives the same bytes in every process.

    Raises:
        TypeError: the pipeline holds a type that is not in `TRUSTED`, and could not be loaded.
    """
    import skops.io  # noqa: PLC0415 - a tenth of a server's start, and it opens before it needs a model

    with zipfile.ZipFile(io.BytesIO(skops.io.dumps(pipeline))) as raw:
        schema = json.loads(raw.read(_SCHEMA))
        if strangers := _strangers(schema):
            raise TypeError(f"These types are not in persist.TRUSTED: {', '.join(strangers)}.")
        files = _renumber(schema)
        schema[_HEADER] = {"protocol": PROTOCOL, "scikit-learn": sklearn.__version__}
        members = {_SCHEMA: json.dumps(schema, separators=(",", ":")).encode()}
        members |= {new: _without_padding(raw.read(old)) for old, new in files.items()}
    return _zip(members)


def loads(data: bytes) -> Pipeline:
    """The fitted pipeline in bytes that `dumps` wrote.

    Raises:
        DamagedArtefact: the bytes are anything else: cut short, altered, of a type that is not in `TRUSTED`, of a
            newer protocol, or of a scikit-learn whose models this one does not read.
    """
    import skops.io  # noqa: PLC0415 - likewise

    try:
        _check(data)
        pipeline = skops.io.loads(data, trusted=sorted(frozenset().union(*TRUSTED.values())))
        check_bounds(pipeline)
        # One event has every feature, the other none.
        events = np.array([[0.0], [np.nan]]).repeat(pipeline.n_features_in_, axis=1)
        pipeline.predict(events)
        class_scores(pipeline, events)
    except _BROKEN as exc:
        raise DamagedArtefact(f"The stored model is damaged ({type(exc).__name__}: {str(exc)[:200]}).") from exc
    return pipeline


def _check(data: bytes) -> None:
    """Refuse everything that `dumps` did not write, before a single object of it is built."""
    if len(data) > _MAX_BYTES:
        raise DamagedArtefact(f"The stored model has {len(data)} bytes; at most {_MAX_BYTES} are read.")
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        # Stored members cannot unpack to more than the file holds; this is what stops a zip bomb.
        if packed := [info.filename for info in archive.infolist() if info.compress_type != zipfile.ZIP_STORED]:
            raise DamagedArtefact(f"The stored model has compressed members ({packed[0]!r}); it never has any.")
        members = {name: archive.read(name) for name in archive.namelist()}
    schema = json.loads(members[_SCHEMA])
    _check_header(schema)
    if strangers := _strangers(schema):
        raise DamagedArtefact(f"The stored model holds types that are not trusted: {', '.join(strangers)}.")
    _check_references(schema, len(members) - 1)
    if _zip(members) != data:
        raise DamagedArtefact("The stored model is not laid out as it was written.")


def _check_header(schema: dict[str, Any]) -> None:
    header = schema[_HEADER]
    if header["protocol"] != PROTOCOL or schema["protocol"] not in _SKOPS_PROTOCOLS:
        raise DamagedArtefact(
            f"The stored model has format {header['protocol']!r}; this version reads format {PROTOCOL}. "
            "Update Eventsieve or train the model again."
        )
    written, running = header["scikit-learn"].split(".")[:2], sklearn.__version__.split(".")[:2]
    if written != running:
        # Between minor releases attributes are renamed, and a model would fail, or answer wrongly, when it is used.
        raise DamagedArtefact(
            f"The stored model was written with scikit-learn {header['scikit-learn']}, and this is "
            f"{sklearn.__version__}. Train it again, or install scikit-learn {'.'.join(written)}."
        )


def _nodes(tree: object) -> Iterator[dict[str, Any]]:
    """Every object of a schema that skops could build something from, in the order of the text."""
    if isinstance(tree, dict):
        if "__loader__" in tree:
            yield tree
        for value in tree.values():
            yield from _nodes(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from _nodes(value)


def _strangers(schema: dict[str, Any]) -> list[str]:
    found = {(node["__loader__"], f"{node['__module__']}.{node['__class__']}") for node in _nodes(schema)}
    return sorted({name for loader, name in found if name not in TRUSTED.get(loader, ())})


def _renumber(schema: dict[str, Any]) -> dict[str, str]:
    """Number objects and arrays in place, in the order of appearance; the old file names with their new ones.

    Only objects that stand in several places keep a number: it is there to make them one object again.
    """
    nodes = list(_nodes(schema))
    # Whether two equal texts or types are one object depends on the interpreter and means nothing.
    shared = Counter(node["__id__"] for node in nodes if node["__loader__"] not in ("JsonNode", "TypeNode"))
    numbers: dict[int, int] = {}
    files: dict[str, str] = {}
    for node in nodes:
        number = node.pop("__id__")
        if shared[number] > 1 and node["__loader__"] not in ("JsonNode", "TypeNode"):
            node["__id__"] = numbers.setdefault(number, len(numbers) + 1)
        if "file" in node:
            node["file"] = files.setdefault(node["file"], f"{len(files)}.npy")
    return files


def _check_references(schema: dict[str, Any], arrays: int) -> None:
    """Each array is there, and is read once, however often its object appears."""
    owners: dict[str, int | None] = {}
    for node in _nodes(schema):
        if "file" not in node:
            continue
        file, owner = node["file"], node.get("__id__")
        if file in owners and (owner is None or owners[file] != owner):
            raise DamagedArtefact(f"The stored model reads its array {file} twice.")
        owners[file] = owner
    if list(owners) != [f"{number}.npy" for number in range(arrays)]:
        raise DamagedArtefact("The stored model lacks arrays, or has arrays that nothing refers to.")


def _without_padding(npy: bytes) -> bytes:
    """An array in NumPy's format with the bytes between its fields set to zero.

    The nodes of a tree have such bytes, and they hold whatever was in memory.
    """
    array = np.load(io.BytesIO(npy), allow_pickle=False)
    if array.dtype.fields is None:
        return npy
    padding = np.ones(array.dtype.itemsize, dtype=bool)
    for dtype, offset, *_ in array.dtype.fields.values():
        padding[offset : offset + dtype.itemsize] = False
    clean = np.frombuffer(bytearray(npy), dtype=np.uint8)
    clean[clean.size - array.nbytes :].reshape(-1, array.dtype.itemsize)[:, padding] = 0
    return clean.tobytes()


def _zip(members: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, content in members.items():
            info = zipfile.ZipInfo(name, date_time=_EPOCH)
            info.create_system = 3  # what zipfile writes on Unix; it writes something else on Windows
            info.external_attr = 0o600 << 16
            archive.writestr(info, content)
    return buffer.getvalue()
