"""The addresses of the relay, relative to the page's own: what the pages link to, and nothing else is served."""

from __future__ import annotations

from typing import Literal
from urllib.parse import quote, urlencode

__all__ = ["FOLDER", "FORMATS", "KINDS", "UPLOAD", "model_file", "predictions", "report"]

FOLDER = "files"
UPLOAD = f"{FOLDER}/datasets"

Format = Literal["csv", "parquet", "arrow", "json", "root"]
FORMATS: tuple[Format, ...] = ("csv", "parquet", "arrow", "json", "root")
Kind = Literal["card.html", "card.md", "artefact", "onnx"]
KINDS: tuple[Kind, ...] = ("card.html", "card.md", "artefact", "onnx")


def predictions(model: str, dataset: str, format: Format, threshold: float | None = None) -> str:  # noqa: A002 - the API's name
    """The predictions of a data set's events by a model.

    Args:
        model: its name or alias.
        dataset: the data set's id.
        format: of the file.
        threshold: of the score; default: the model's.
    """
    return f"{FOLDER}/predictions/{_segment(model)}.{format}" + _query(dataset=dataset, threshold=threshold)


def report(dataset: str | None = None, against: str | None = None) -> str:
    """The report of a data set, or of two; of none: the report that the server has been given, or its sample."""
    if dataset is None:
        return f"{FOLDER}/report.pdf"
    return f"{FOLDER}/datasets/{_segment(dataset)}/report.pdf" + _query(against=against)


def model_file(model: str, what: Kind) -> str:
    """What can be had of a model: its card, its artefact, its ONNX."""
    return f"{FOLDER}/models/{_segment(model)}/{what}"


def _segment(name: str) -> str:
    return quote(name, safe="")


def _query(**values: str | float | None) -> str:
    given = {name: value for name, value in values.items() if value is not None}
    return "?" + urlencode(given) if given else ""
