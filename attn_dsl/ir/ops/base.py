"""What every operation is: a frozen dataclass whose fields say what they are."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, dataclass, field, fields, replace
from functools import cached_property
from typing import Any, ClassVar

from attn_dsl.expr import Expr, resolve, tensors_in
from attn_dsl.expr.evaluate import Array
from attn_dsl.ir.types import TensorType


def operand(default: Any = MISSING, *, owned: bool = False) -> Any:
    """Declare a field that names a value; one that is `owned` is a parameter, and never drawn."""
    return field(metadata={"role": "operand", "owned": owned}, **_default(default))


def operands() -> Any:
    """Declare a field that names several values; it takes all that stand last."""
    return field(metadata={"role": "operand", "many": True})


def attribute(default: Any = MISSING) -> Any:
    """Declare a field that is a constant: a number, a string, a bool."""
    return field(metadata={"role": "attribute"}, **_default(default))


def expression(default: Any = MISSING) -> Any:
    """Declare a field that is an expression; the tensors in it are operands too."""
    return field(metadata={"role": "expression"}, **_default(default))


def _default(default: Any) -> dict[str, Any]:
    return {} if default is MISSING else {"default": default}


@dataclass(frozen=True)
class Op(ABC):
    """An operation on named values. Operands are value names; types live in the graph."""

    mnemonic: ClassVar[str]
    """The name in the IR's text."""
    words: ClassVar[tuple[str, ...]] = ()
    """What drawings call it, for the vocabulary."""
    example: ClassVar[str] = ""
    """A line of a diagram that draws it."""

    @abstractmethod
    def infer(self, types: Mapping[str, TensorType]) -> TensorType:
        """The type of the result; raises `TypeMismatch`."""

    @abstractmethod
    def evaluate(self, values: Mapping[str, Array], sizes: Mapping[str, int]) -> Array:
        """The result in NumPy, in the precision of the operands: the meaning of the op."""

    def check(self, types: Mapping[str, TensorType], sizes: Mapping[str, int]) -> None:
        """Raise ValueError if sizes that fit the types have no meaning to the op all the same."""
        return

    def as_score(self, scores: str) -> Expr | None:
        """The op as an expression of one score `s` from `scores`; None if it mixes scores."""
        return None

    def fields_of(self, role: str) -> Iterator[tuple[str, Any]]:
        """The fields declared as `role`, with their values."""
        for f in fields(self):
            if f.metadata.get("role") == role:
                yield f.name, getattr(self, f.name)

    @cached_property
    def operands(self) -> tuple[str, ...]:
        """The values that this uses, in order, each once: operand fields, then captured ones."""
        return tuple(dict.fromkeys([*self.direct, *self.captured]))

    @cached_property
    def direct(self) -> tuple[str, ...]:
        """The values in operand fields, as often as they stand there.

        An operand that may be left out, and is, has the empty name.
        """
        found: list[str] = []
        for _, names in self.fields_of("operand"):
            found += names if isinstance(names, tuple) else [names]
        return tuple(name for name in found if name)

    @cached_property
    def captured(self) -> tuple[str, ...]:
        """The tensors that the expressions mention, in order, each once."""
        names = [n for _, expr in self.fields_of("expression") for n in tensors_in(expr)]
        return tuple(dict.fromkeys(names))

    def rename(self, names: Mapping[str, str]) -> Op:
        """The same operation on values of other names."""
        changes: dict[str, Any] = {}
        for field_name, old in self.fields_of("operand"):
            many = isinstance(old, tuple)
            new = tuple(names.get(name, name) for name in (old if many else (old,)))
            changes[field_name] = new if many else new[0]
        changes |= {n: _rename(e, names) for n, e in self.fields_of("expression")}
        return replace(self, **changes)


def _rename(expr: Expr, names: Mapping[str, str]) -> Expr:
    return resolve(expr, {tensor: names.get(tensor, tensor) for tensor in tensors_in(expr)})
