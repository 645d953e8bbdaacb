"""A graph of operators of ONNX, which grows as its values are computed; without the package onnx."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from charlm.stepping.base import Arrays

_LAYER_NORM_EPSILON = 1e-5  # torch's LayerNorm


@dataclass(frozen=True)
class Node:
    """One operator, of the default domain of ONNX."""

    operator: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any]


@dataclass
class Graph:
    """Operators in their order, and the constants that they take.

    Attributes:
        weights: what constants are taken from; those that no operator takes are left out.
    """

    weights: Arrays
    nodes: list[Node] = field(default_factory=list)
    constants: dict[str, NDArray[Any]] = field(default_factory=dict)

    def constant(self, name: str, array: NDArray[Any]) -> "Value":
        """Returns a value that is always the same."""
        self.constants[name] = array
        return Value(self, name)

    def weight(self, name: str) -> "Value":
        """Returns one of the weights."""
        return self.constant(name, self.weights[name])

    def apply(self, operator: str, *inputs: "Value", name: str | None = None, **attributes: Any) -> "Value":
        """Returns what an operator of one output computes.

        Args:
            name: of the output.  [default: the operator's, and a number]
        """
        (output,) = self._add(operator, inputs, [f"{operator}_{len(self.nodes)}" if name is None else name], attributes)
        return output

    def split(self, value: "Value", num_parts: int, *, axis: int = 1) -> list["Value"]:
        """Returns the equal parts of a value along an axis."""
        names = [f"Split_{len(self.nodes)}_{part}" for part in range(num_parts)]
        return self._add("Split", (value,), names, {"axis": axis})

    def linear(self, inputs: "Value", weight: str, bias: str = "") -> "Value":
        """Returns inputs `[batch, inputs]` times a matrix `[outputs, inputs]`, plus a bias if there is one."""
        added = (self.weight(bias),) if bias in self.weights else ()
        return self.apply("Gemm", inputs, self.weight(weight), *added, transB=1)

    def row(self, matrix: "Value", index: "Value | int") -> "Value":
        """Returns what lies at an index, or several, along the first axis."""
        if isinstance(index, int):
            index = self.constant(f"index_{index}", np.array(index, dtype=np.int64))
        return self.apply("Gather", matrix, index, axis=0)

    def stack(self, values: list["Value"], *, name: str) -> "Value":
        """Returns values along a new first axis."""
        axes = self.constant("first_axis", np.array([0], dtype=np.int64))
        return self.apply("Concat", *(self.apply("Unsqueeze", each, axes) for each in values), axis=0, name=name)

    def normalize(self, value: "Value", layer: int) -> "Value":
        """Returns a value `[batch, hidden]` after the layer norm above a layer, if the weights have one."""
        if f"norms.{layer}.weight" not in self.weights:
            return value
        gain, offset = self.weight(f"norms.{layer}.weight"), self.weight(f"norms.{layer}.bias")
        return self.apply("LayerNormalization", value, gain, offset, axis=-1, epsilon=_LAYER_NORM_EPSILON)

    def _add(
        self, operator: str, inputs: tuple["Value", ...], outputs: list[str], attributes: Mapping[str, Any]
    ) -> list["Value"]:
        self.nodes.append(Node(operator, tuple(each.name for each in inputs), tuple(outputs), attributes))
        return [Value(self, name) for name in outputs]


@dataclass(frozen=True)
class Value:
    """A value of a graph, by its name; arithmetic adds operators to the graph."""

    graph: Graph
    name: str

    def __add__(self, other: Self) -> "Value":
        return self.graph.apply("Add", self, other)

    def __sub__(self, other: Self) -> "Value":
        return self.graph.apply("Sub", self, other)

    def __mul__(self, other: Self) -> "Value":
        return self.graph.apply("Mul", self, other)

    def sigmoid(self) -> "Value":
        """Returns the logistic function."""
        return self.graph.apply("Sigmoid", self)

    def tanh(self) -> "Value":
        """Returns the hyperbolic tangent."""
        return self.graph.apply("Tanh", self)

    def relu(self) -> "Value":
        """Returns the value where it is positive, else 0."""
        return self.graph.apply("Relu", self)
