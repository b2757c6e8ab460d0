"""Modules that count what they execute: `Options(count=True)`.

Beside its functions such a module has `counts`: the tiles that it computed, the conditions of
the mask that it asked of them, the FLOPs of its products, and the bytes that tiles loaded and
stored. They are what `attn_dsl.tile.cost` says.
"""

from __future__ import annotations

from attn_dsl.textbuilder import TextBuilder
from attn_dsl.tile import Contract, Load, Step, Store, TileProgram

COUNTING = '''
counts = Counter()  # what was executed, by all threads
counting = Lock()


def count(what, number):
    """Add to what is counted."""
    with counting:
        counts[what] += number


def heads_in(tile):
    """How many heads a tile [..., rows, columns] has."""
    return math.prod(tile.shape[:-2])


def loaded(part, tensor, tile):
    """part, which was read from tensor for each head of a tile."""
    heads = 1 if np.ndim(part) > 2 else heads_in(tile)
    count("loaded", heads * np.size(part) * tensor.itemsize)
    return part
'''


def count_read(text: str, name: str) -> str:
    """`text`, which a tile reads of the tensor `name`, counted."""
    return f"loaded({text}, {name}, query_tile)"


def count_step(out: TextBuilder, program: TileProgram, step: Step) -> None:
    """Count a step that was printed, from the arrays that it worked on."""
    match step:
        case Load(into, source):
            tensor = program.buffer(source).value
            elements = f"{into}.shape[-2] * {into}.shape[-1]"
            out.line(f'count("loaded", heads_in(query_tile) * {elements} * {tensor}.itemsize)')
        case Contract(into, lhs, rhs, transposed):
            product = f"{into}.size * {lhs}" if transposed else f"{lhs}.size * {rhs}"
            out.line(f'count("flops", 2 * {product}.shape[-1])')
        case Store(into, buffer):
            result = program.buffer(into).value
            out.line(f'count("stored", {buffer}.size * {result}.itemsize)')
