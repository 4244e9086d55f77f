"""Nodes and constants of an ONNX graph."""

from __future__ import annotations

from typing import Any

import numpy as np
from onnx import AttributeProto, NodeProto, TensorProto, helper, numpy_helper

__all__ = ["Graph", "NotExpressible", "add_probabilities"]


class NotExpressible(ValueError):
    """Raised when a model has no form in ONNX; the message says why."""


class Graph:
    """The nodes and constants of a graph, in the order in which they were added."""

    def __init__(self) -> None:
        self.nodes: list[NodeProto] = []
        self.constants: list[TensorProto] = []

    def constant(self, values: object, dtype: type = np.float64) -> str:
        """The name of a new constant."""
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(values, dtype=dtype, order="C"), name))
        return name

    def add(self, operator: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        """The name of the result of a new node."""
        name = f"v{len(self.nodes)}"
        node = helper.make_node(operator, inputs, [name], domain=domain)
        node.attribute.extend(_attribute(key, value) for key, value in attributes.items())
        self.nodes.append(node)
        return name


def add_probabilities(graph: Graph, decision: str, classes: int) -> str:
    """Add probabilities, from the logarithm of the odds: of one column for two classes, else of one column for each."""
    if classes > 2:
        return graph.add("Softmax", decision, axis=1)
    signal = graph.add("Sigmoid", decision)
    return graph.add("Concat", graph.add("Sub", graph.constant(1.0), signal), signal, axis=1)


def _attribute(name: str, value: Any) -> AttributeProto:
    """As `onnx.helper.make_attribute` does, which looks at every number of a million by itself."""
    if not isinstance(value, np.ndarray):
        return helper.make_attribute(name, value)
    if value.dtype == np.float64:
        return helper.make_attribute(name, numpy_helper.from_array(value, name))
    attribute = AttributeProto(name=name)
    if value.dtype.kind == "S":
        attribute.type = AttributeProto.STRINGS
        attribute.strings.extend(value.tolist())
    else:
        attribute.type = AttributeProto.INTS
        attribute.ints.extend(value.tolist())
    return attribute
