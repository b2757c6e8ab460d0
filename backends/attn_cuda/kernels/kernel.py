"""What all kernels have in common: parameters, the place in the grid, the call."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from attn_cuda.cxx.expressions import CudaPrinter
from attn_cuda.cxx.helpers import mentions
from attn_cuda.cxx.names import comment
from attn_cuda.cxx.sizes import count
from attn_cuda.cxx.unit import Unit
from attn_cuda.cxx.views import c_type
from attn_dsl.expr import Expr, Name
from attn_dsl.ir import Dim, TensorType
from attn_dsl.ir.dims import ONE
from attn_dsl.textbuilder import TextBuilder

LINE = 100
THREADS = 256
COMMENT = 84
KERNEL = "__global__ void __launch_bounds__({bounds})"


Axes = tuple[int, int, int, int]


@dataclass(frozen=True)
class Operand:
    """A tensor that a kernel is given: which one, whether it is written, in which axis order.

    `memory` is the C pointer to it, where it is a copy in other memory. `offset` is how many
    elements after the first the part begins that is meant, and `strides` are how far apart
    neighbours are, where it is written with other dims than it has. `rows`: whether it is read 16
    bytes at a time, so that its rows have to lie in one piece, each at a multiple of 16.
    """

    value: str
    written: bool = False
    axes: Axes = (0, 1, 2, 3)
    memory: str = ""
    offset: Expr | None = None
    strides: tuple[Expr, ...] = ()
    rows: bool = False


@dataclass(frozen=True)
class Launch:
    """A call of a kernel. `text` defines it; calls with equal texts share one definition.

    It is data, of which the launcher's C is printed, and by which Python starts the kernel too.
    Its arguments are the `tensors`, the `scale` as a float if there is one, and `numbers` in 64
    bits. `blocks`, `numbers` and `requires`, conditions without which it may not be called, are
    expressions of sizes; so is `scale`, of real numbers. A block has `threads` threads and the
    struct `shared` of `shared_bytes` bytes in dynamic shared memory. `architecture` is the least
    that has its instructions. Tensors that are no values of the graph have their types in
    `between`. `title` says in a line what is computed, `notes` say more in the
    file's header; `values` are those of the graph that it computes, or that are needed for it.
    """

    title: str
    kernel: str
    text: str
    blocks: Expr
    tensors: Sequence[Operand]
    numbers: Sequence[Expr]
    scale: Expr | None = None
    threads: int = THREADS
    shared: str = ""
    shared_bytes: int = 0
    architecture: int = 75
    notes: tuple[str, ...] = ()
    requires: tuple[Expr, ...] = ()
    between: Mapping[str, TensorType] = field(default_factory=dict)
    values: tuple[str, ...] = ()


def remark(out: TextBuilder, text: str) -> None:
    """Add a comment, on as many lines as it takes."""
    out.lines(f"// {line}" for line in textwrap.wrap(comment(text), COMMENT))


def define(
    unit: Unit,
    name: str,
    tensors: Sequence[Operand],
    scale: Expr | None,
    body: str,
    *,
    given: Sequence[str] = (),
    threads: int = THREADS,
    blocks: int = 0,
) -> tuple[str, list[Expr]]:
    """The kernel with this body, and the sizes that the launcher hands it last.

    Before these come the numbers `given`, which are the caller's own. `blocks` are how many a
    multiprocessor is to have registers for, at least.
    """
    bounds = "THREADS" if threads == THREADS else str(threads)
    kernel = KERNEL.format(bounds=f"{bounds}, {blocks}" if blocks else bounds)
    sizes = sizes_in(unit, body)
    parameters = [parameter(unit, tensor) for tensor in tensors]
    if scale is not None:
        parameters.append("float scale")
    parameters += [f"long long {number}" for number in given]
    parameters += [f"long long {unit.symbols[size]}" for size in sizes]
    out = TextBuilder()
    with out.block(signature(f"{kernel}\n{name}", parameters, " {"), "}"):
        out.lines(body.splitlines())
    return out.text, [Name(size) for size in sizes]


def sizes_in(unit: Unit, body: str) -> list[str]:
    """The sizes that code mentions, of those that are not compiled in."""
    return [s for s in unit.runtime if mentions(body, unit.symbols[s])]


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


def rows_there(length: str, first: str, tile: str) -> str:
    """How many rows of a tile are there: all, but in the last one."""
    return f"{length} - {first} < {tile} ? int({length} - {first}) : {tile}"


def factor(unit: Unit, dim: Dim) -> str:
    """A size as a factor of a product."""
    text, binding = CudaPrinter(unit).dim(dim)
    return text if binding >= 7 else f"({text})"


def elements(dims: tuple[Dim, ...]) -> tuple[Expr, ...]:
    """What a kernel with a thread for each element is told: their count, and all dims but one."""
    return count(dims), *(dim.to_expr() for dim in dims[1:])


def index_names(shape: Sequence[Dim]) -> dict[str, str]:
    """What `b h q k` are called where a tensor of `shape` is walked: 0 along a dim of size 1."""
    return {name: "0" if dim == ONE else name for name, dim in zip("bhqk", shape, strict=True)}
