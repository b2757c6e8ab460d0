"""Values that come from outside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from attn_dsl.expr.evaluate import Array
from attn_dsl.ir.ops.base import Op, attribute
from attn_dsl.ir.types import TensorType, parse_type


@dataclass(frozen=True)
class Input(Op):
    """An argument of the kernel, `name`, of type `type`.

    An `optional` input that is not given reads as what changes nothing: True where it is
    boolean, 0 where it is a number. One argument may feed a boolean and a floating-point
    input of the same `name`: the array's dtype says which one it is for. An optional input
    may also have size 1 or no dim at all where its type names one, and broadcasts. `required`
    says that the argument must be given all the same, in one of its forms.

    A `parameter` belongs to an operation, and is called by its path (`Encoder.0.ffn.up.weight`).
    """

    mnemonic: ClassVar[str] = "input"

    name: str = attribute()
    type: str = attribute()
    role: str = attribute(default="")
    optional: bool = attribute(default=False)
    required: bool = attribute(default=False)
    parameter: bool = attribute(default=False)

    def infer(self, types: Mapping[str, TensorType]) -> TensorType:
        """The declared type."""
        return parse_type(self.type)

    def evaluate(self, values: Mapping[str, Array], sizes: Mapping[str, int]) -> Array:
        """Arguments are bound before evaluation begins."""
        raise NotImplementedError("an input is bound, not evaluated")
