"""What all kernels have in common: parameters, the place in the grid, the call."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from attn_cuda.cxx.expressions import CudaPrinter
from attn_cuda.cxx.helpers import mentions
from attn_cuda.cxx.layouts import Strides
from attn_cuda.cxx.names import comment
from attn_cuda.cxx.unit import Unit
from attn_cuda.cxx.views import c_type
from attn_dsl.expr import Expr
from attn_dsl.ir import Dim
from attn_dsl.ir.dims import ONE
from attn_dsl.textbuilder import TextBuilder

LINE = 100
COMMENT = 84
KERNEL = "__global__ void __launch_bounds__(THREADS)"


Axes = tuple[int, int, int, int]


@dataclass(frozen=True)
class Operand:
    """A tensor that a kernel is given: which one, whether it is written, in which axis order.

    `memory` is the C pointer to it, where it is a copy in other memory. Where only a part is
    meant, `begin` says at which index of which axis it begins; `strides` are how far apart
    neighbours are, where it is seen with other dims than it has.
    """

    value: str
    written: bool = False
    axes: Axes = (0, 1, 2, 3)
    memory: str = ""
    begin: tuple[Dim, int] = (Dim.of(0), 0)
    strides: Strides = ()


@dataclass(frozen=True)
class Launch:
    """A call of a kernel. `text` defines it; calls with equal texts share one definition.

    `blocks`, `numbers` (the arguments after the tensors) and `shared_bytes` are C expressions of
    the launcher. `title` says in a line what is computed, `notes` say more in the file's header;
    `requires` are conditions on the sizes without which it may not be called.
    """

    title: str
    kernel: str
    text: str
    blocks: str
    tensors: Sequence[Operand]
    numbers: Sequence[str]
    shared_bytes: str = "0"
    notes: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()


def remark(out: TextBuilder, text: str) -> None:
    """Add a comment, on as many lines as it takes."""
    out.lines(f"// {line}" for line in textwrap.wrap(comment(text), COMMENT))


def define(
    unit: Unit,
    name: str,
    tensors: Sequence[Operand],
    scale: Expr | None,
    body: str,
    given: Mapping[str, str] = MappingProxyType({}),
) -> tuple[str, list[str]]:
    """The kernel with this body, and what the launcher hands it after the tensors.

    `given` are further parameters, as they are declared, and what the launcher hands for them.
    """
    sizes = [unit.symbols[s] for s in unit.runtime if mentions(body, unit.symbols[s])]
    parameters = [parameter(unit, tensor) for tensor in tensors]
    if scale is not None:
        given = {"float scale": f"float({CudaPrinter(unit).print(scale)})", **given}
    parameters += [*given, *(f"long long {size}" for size in sizes)]
    numbers = [*given.values(), *sizes]
    out = TextBuilder()
    with out.block(signature(f"{KERNEL}\n{name}", parameters, " {"), "}"):
        out.lines(body.splitlines())
    return out.text, numbers


def parameter(unit: Unit, tensor: Operand) -> str:
    """A tensor as a kernel declares it."""
    const = "" if tensor.written else "const "
    return f"View<{const}{c_type(unit, tensor.value)}> {tensor.value}"


def signature(head: str, parts: Sequence[str], end: str) -> str:
    """`head(parts)end`, on as many lines as it takes, each below the first part."""
    *before, last = head.split("\n")
    margin = " " * (len(last) + 1)
    lines = [f"{last}("]
    for index, part in enumerate(parts):
        text = part + (f"){end}" if index == len(parts) - 1 else ",")
        gap = "" if lines[-1].endswith("(") else " "
        if len(lines[-1] + gap + text) > LINE and gap:
            lines.append(margin + text)
        else:
            lines[-1] += gap + text
    return "\n".join([*before, *lines])


def place(out: TextBuilder, index: str, axes: Iterable[tuple[str, str]]) -> None:
    """Split `index` into coordinates, the fastest first; axes of size 1 have none."""
    present = [(name, size) for name, size in axes if size != "1"]
    rest = index
    for position, (name, size) in enumerate(present):
        last = position == len(present) - 1
        out.line(f"const long long {name} = {rest if last else f'{rest} % {size}'};")
        rest += f" / {size}"


def factor(unit: Unit, dim: Dim) -> str:
    """A size as a factor of a product."""
    text, binding = CudaPrinter(unit).dim(dim)
    return text if binding >= 7 else f"({text})"


def index_names(shape: Sequence[Dim]) -> dict[str, str]:
    """What `b h q k` are called where a tensor of `shape` is walked: 0 along a dim of size 1."""
    return {name: "0" if dim == ONE else name for name, dim in zip("bhqk", shape, strict=True)}


def divides(unit: Unit, groups: tuple[Dim, Dim]) -> tuple[str, ...]:
    """The condition that the first number of heads is a multiple of the second."""
    if all(dim.constant is not None for dim in groups):
        return ()  # the types would not fit
    many, few = (factor(unit, dim) for dim in groups)
    return (f"{few} != 0 && {many} % {few} == 0",)
