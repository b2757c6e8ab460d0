"""Which tiles are shown: of which attention of a diagram, at which sizes, on which inputs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from attn_dsl.bound_sizes import bound_sizes
from attn_dsl.cost_text import TILES, sizes_at
from attn_dsl.diagnostics import DiagnosticError, nearest
from attn_dsl.ir import DType, Graph, Sizes, Statement, evaluate
from attn_dsl.ir.ops import Input, TiledAttention, TiledScores
from attn_dsl.passes import Remark
from attn_dsl.pipeline import Compiled, analyse
from attn_dsl.render import Picture
from attn_dsl.render.tiles import TilesView, cannot_show, check_side, of_head, tiles_picture
from attn_dsl.sample import sample_inputs
from attn_dsl.syntax import Block
from attn_dsl.tensors import read_tensors
from attn_dsl.tile import TileProgram, TileSizes, formula, local_names, schedule, together
from attn_dsl.views.asked import Asked

NDArray = np.ndarray[Any, Any]
FEWEST = 4
"""So many tiles there are at least along the longer axis, unless a size is asked for."""


@dataclass(frozen=True)
class TilesAsked:
    """What is asked of a picture of tiles.

    `of` names the value, else it is the first attention; `inputs` are arrays by input name, and
    those that are missing are drawn with `seed`; `head` is the batch and the head, `tile` how
    many queries and keys a tile holds.
    """

    of: str | None = None
    inputs: Mapping[str, NDArray] = field(default_factory=dict)
    seed: int = 0
    head: tuple[int, int] = (0, 0)
    tile: tuple[int, int] | None = None


def tiles_of(block: Block, settings: Mapping[str, Any], asked: Asked) -> Picture:
    """The tiles of one attention. Raises DiagnosticError (E083), ValueError and TypeError."""
    batch, head = asked.head or (0, 0)
    if head is None:
        raise cannot_show("tiles are those of one head", "`--head b,h` chooses one")
    wanted = TilesAsked(
        of=asked.of,
        inputs=read_tensors(asked.inputs) if asked.inputs else {},
        seed=asked.seed or 0,
        head=(batch, head),
        tile=asked.tile_size,
    )
    return tiles_picture(tiles_view(analyse(block, settings), wanted))


def tiles_view(compiled: Compiled, asked: TilesAsked) -> TilesView:
    """The tiles of one attention of `compiled`. Raises DiagnosticError (E083) and ValueError."""
    graph = compiled.fused
    statement, *beside = _chosen(compiled, asked.of)
    op = statement.op
    assert isinstance(op, TiledScores)
    bound = bound_sizes(graph, compiled.settings, asked.inputs)
    plain = schedule(graph, statement, TILES, *beside)
    sizes = Sizes(sizes_at(graph, plain, bound.symbols), bound.batch)
    program = schedule(graph, statement, _tile_sizes(plain, sizes.symbols, asked.tile), *beside)
    _check_side(program, sizes.symbols)
    arrays = {**sample_inputs(graph, sizes, asked.seed), **asked.inputs}
    values = _operands(graph, op, arrays)
    query, key = values[op.query], op.in_one_piece(op.read[0], values)
    _check_head(asked.head, np.broadcast_shapes(query.shape[:-2], key.shape[:-2]))
    captured = {b.name: values[b.name] for b in program.captured}
    return TilesView(
        title=graph.name,
        program=program,
        sizes=sizes.symbols,
        head=asked.head,
        query=of_head(query, asked.head),
        key=of_head(key, asked.head),
        captured=captured,
        absent=frozenset(name for name in captured if _is_absent(graph, name, arrays)),
        symbols=_symbols(statement, program),
        formula=tuple(formula(statement.name, op, "".join(s.name for s in beside))),
        notes=tuple(_notes(graph, program, asked)),
    )


def _chosen(compiled: Compiled, of: str | None) -> tuple[Statement, ...]:
    """The attention, and the log-sum-exp beside it, that `of` names by its value or output."""
    graph = compiled.fused
    groups = [group for group in together(graph) if isinstance(group[0].op, TiledScores)]
    if not groups:
        raise _nothing_fused(compiled.remarks)
    if of is None:
        attentions = [group for group in groups if isinstance(group[0].op, TiledAttention)]
        return (attentions or groups)[0]
    named = {statement.name: group for group in groups for statement in group}
    labels = {label: named[value] for label, value in graph.outputs if value in named}
    if of in named or of in labels:
        return named.get(of) or labels[of]
    guess = nearest(of, named)
    help = f"did you mean `{guess[0]}`? " if guess else ""
    known = ", ".join(f"`{name}`" for name in named)
    raise cannot_show(f"no fused attention gives `{of}`", f"{help}those that fused are {known}")


def _nothing_fused(remarks: tuple[Remark, ...]) -> DiagnosticError:
    message = "there are no tiles to show: no attention of this diagram is fused"
    if not remarks:
        return cannot_show(message, "a softmax of scores Q Kᵀ, times values, would be")
    origins = remarks[0].origins
    span = origins[0].place if origins else None
    return cannot_show(message, f"not fused because {remarks[0].reason}", span)


def _tile_sizes(
    program: TileProgram, sizes: Mapping[str, int], asked: tuple[int, int] | None
) -> TileSizes:
    """What is asked for; else as `explain` has them, but powers of two of which there are a few."""
    if asked is not None:
        return TileSizes(*asked)
    longer = max(program.query_length.value(sizes), program.key_length.value(sizes))
    side = TILES.query
    while side > 1 and longer < FEWEST * side:
        side //= 2
    return TileSizes(side, side)


def _check_side(program: TileProgram, sizes: Mapping[str, int]) -> None:
    queries, keys = program.query_length.value(sizes), program.key_length.value(sizes)
    check_side(-(-queries // program.query_tile), -(-keys // program.key_tile))


def _operands(graph: Graph, op: TiledScores, arrays: Mapping[str, NDArray]) -> dict[str, NDArray]:
    """What the scores are made of, by value, in float64: all that comes before is evaluated."""
    wanted = dict.fromkeys((op.query, op.key, *op.captured))
    before = Graph.ordered(graph.name, graph.statements, [(name, name) for name in wanted])
    names = {s.op.name for s in before.inputs if isinstance(s.op, Input)}
    return evaluate(before, {name: a for name, a in arrays.items() if name in names})


def _check_head(head: tuple[int, int], outer: tuple[int, ...]) -> None:
    """Whether there is such a head among batch dims `[..., b, h]`."""
    batches, heads = (1, 1, *outer)[-2:]
    if not (0 <= head[0] < batches and 0 <= head[1] < heads):
        message = f"there is no head {head[0]},{head[1]}"
        help = f"here `--head b,h` has b from 0 to {batches - 1} and h from 0 to {heads - 1}"
        raise cannot_show(message, help)


def _is_absent(graph: Graph, value: str, arrays: Mapping[str, NDArray]) -> bool:
    """Whether a captured value is an optional input that is not given, or not in this form."""
    statement = graph.table[value]
    op = statement.op
    if not isinstance(op, Input) or not op.optional:
        return False
    given = arrays.get(op.name)
    return given is None or (given.dtype == bool) is not (statement.type.dtype is DType.BOOL)


def _symbols(statement: Statement, program: TileProgram) -> dict[str, str]:
    """What the values are called, by buffer."""
    _, names = local_names(statement.name, statement.op)
    held = {b.name: b.value for b in (*program.operands, *program.results) if b.value}
    return {buffer: names.get(value, value) for buffer, value in held.items()}


def _notes(graph: Graph, program: TileProgram, asked: TilesAsked) -> Iterator[str]:
    """Which inputs of the mask and the scores were drawn, and which optional ones are absent."""
    ops = [graph.table[buffer.name].op for buffer in program.captured]
    inputs = {op.name: op for op in ops if isinstance(op, Input) and op.name not in asked.inputs}
    drawn = [name for name, op in inputs.items() if op.required or not op.optional]
    if drawn:
        yield f"{', '.join(drawn)}: drawn with seed {asked.seed}"
    if absent := [name for name in inputs if name not in drawn]:
        yield f"{', '.join(absent)}: not given"
