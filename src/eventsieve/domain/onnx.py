"""Models in ONNX, for those who apply them without Python; only such that give the same scores."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
from sklearn.pipeline import Pipeline

from eventsieve.domain.estimators import class_scores, has_probabilities, predict_codes
from eventsieve.records import OnnxCheck

__all__ = ["export"]

Array = npt.NDArray[np.float64]

_NEAR: Final = 1e-4
"""The largest difference of a score that still reproduces it."""
_DIFFERENT: Final = 1e-4
"""The fraction of events that may be decided differently: such as lie on the cut but for rounding."""
_BATCH: Final = 1024
"""Events at once: a kernel of as many support vectors is a matrix."""
_OPERATORS: Final = (("", 17), ("ai.onnx.ml", 3))
"""Versions of the operators, of 2022: every runtime has them, and they have all that is needed."""
_FORMAT: Final = 8
"""Version of the file's format that goes with these operators."""


def export(
    pipeline: Pipeline, sample: Array, cut: float | None, *, features: Sequence[str], classes: Sequence[str]
) -> tuple[bytes | None, OnnxCheck]:
    """A fitted pipeline as an ONNX file, and whether it gives the same scores.

    The file takes ``events``, double, shape (events, features), NaN where a feature is undefined, and gives ``label``,
    int64, shape (events,), the class codes, and ``scores``, double, shape (events, classes), as
    `eventsieve.domain.estimators.class_scores`. Its metadata name the features, the classes and the threshold.

    Args:
        pipeline: fitted.
        sample: float64, shape (events, features): the events on which both are compared.
        cut: the score above which an event is signal, for two classes; ``None`` to take the class with the largest
            score.
        features: names of the features in their order.
        classes: names of the classes in the order of their codes.

    Returns:
        The file, or ``None`` where it does not reproduce the scores within 1e-4 and 99.99 % of the decisions, or
        cannot be made; and the result of the comparison with the reason.
    """
    try:
        from eventsieve.domain.onnxnodes import NotExpressible  # noqa: PLC0415 - an extra that may not be there
    except ImportError as exc:
        return None, _refused(f"ONNX needs packages that are not installed ({exc.name}): install eventsieve[onnx].")
    try:
        data = _file(pipeline, cut, _about(pipeline, cut, features, classes), len(features))
    except NotExpressible as exc:
        return None, _refused(str(exc))
    try:
        check = _compare(data, pipeline, sample, cut)
    except ImportError as exc:
        return None, _refused(f"ONNX needs packages that are not installed ({exc.name}): install eventsieve[onnx].")
    return (data if check.reproduces else None), check


def _refused(reason: str) -> OnnxCheck:
    return OnnxCheck(reproduces=False, events=0, reason=reason)


def _about(pipeline: Pipeline, cut: float | None, features: Sequence[str], classes: Sequence[str]) -> dict[str, str]:
    return {
        "features": json.dumps(list(features)),
        "classes": json.dumps(list(classes)),
        "scores": "probabilities" if has_probabilities(pipeline) else "decision values",
        "threshold": "largest score" if cut is None else repr(float(cut)),
    }


def _file(pipeline: Pipeline, cut: float | None, about: dict[str, str], features: int) -> bytes:
    from onnx import TensorProto, checker, helper  # noqa: PLC0415 - an extra

    from eventsieve.domain.onnxgraph import add_decision, add_scores  # noqa: PLC0415 - likewise
    from eventsieve.domain.onnxnodes import Graph  # noqa: PLC0415 - likewise

    graph = Graph()
    scores = add_scores(graph, pipeline, "events")
    label = add_decision(graph, scores, cut)
    for name, value in (("scores", scores), ("label", label)):
        graph.nodes.append(helper.make_node("Identity", [value], [name]))
    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "eventsieve",
            [helper.make_tensor_value_info("events", TensorProto.DOUBLE, ["events", features])],
            [
                helper.make_tensor_value_info("label", TensorProto.INT64, ["events"]),
                helper.make_tensor_value_info("scores", TensorProto.DOUBLE, ["events", len(pipeline.classes_)]),
            ],
            graph.constants,
        ),
        producer_name="eventsieve",
        opset_imports=[helper.make_opsetid(domain, number) for domain, number in _OPERATORS],
        ir_version=_FORMAT,
    )
    helper.set_model_props(model, about)
    checker.check_model(model)
    return bytes(model.SerializeToString(deterministic=True))


def _compare(data: bytes, pipeline: Pipeline, sample: Array, cut: float | None) -> OnnxCheck:
    scores, labels = _run(data, sample, len(pipeline.classes_))
    expected = class_scores(pipeline, sample)
    decided = predict_codes(expected) if cut is None else expected[:, 1] > cut
    difference = float(np.abs(scores - expected).max(initial=0.0))
    differ = int((labels != decided).sum())
    reasons = []
    if not difference <= _NEAR:
        reasons.append(f"its scores differ by up to {difference:.2g}, more than {_NEAR:g}")
    if differ > _DIFFERENT * len(sample):
        reasons.append(f"it decides {differ} of {len(sample)} events differently")
    return OnnxCheck(
        reproduces=not reasons,
        events=len(sample),
        largest_difference=difference,
        labels_differ=differ,
        reason=f"The ONNX file is not handed out: {' and '.join(reasons)}." if reasons else "",
        size=len(data),
    )


def _run(data: bytes, sample: Array, classes: int) -> tuple[Array, npt.NDArray[np.int64]]:
    import onnxruntime  # noqa: PLC0415 - an extra

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors are raised
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    scores, labels = np.empty((len(sample), classes)), np.empty(len(sample), dtype=np.int64)
    for start in range(0, len(sample), _BATCH):
        part = slice(start, start + _BATCH)
        scores[part], labels[part] = session.run(["scores", "label"], {"events": sample[part]})
    return scores, labels
