"""Which operations share a kernel: a chain of element-wise ones, and the product before it."""

from __future__ import annotations

from attn_cuda.kernels.elementwise import MAPS, read_in_place
from attn_cuda.kernels.product import PRODUCTS
from attn_cuda.source.blas import joins_blas
from attn_dsl.ir import Graph, Statement
from attn_dsl.ir.ops import Scale
from attn_dsl.tile import together

Group = tuple[Statement, ...]


def groups_of(graph: Graph, *, blas: bool = False) -> list[Group]:
    """The statements in the order of their kernels, those of one kernel together.

    The last one of a chain gives its value; no other value of it is stored. So each of them has
    one user, which reads it element by element, and is no output. A kernel has one product at
    most, and one factor of a scale. With `blas` a product has what cuBLASLt can do with it.
    """
    groups: dict[str, Group] = {}
    for statement, *beside in together(graph):
        chain: Group = (statement, *beside)
        if isinstance(statement.op, MAPS):
            for operand in _stored_for_nobody_else(graph, statement):
                if _fit(before := groups[operand], chain, blas=blas):
                    del groups[operand]
                    chain = _joined(before, chain)
        groups[statement.name] = chain
    return list(groups.values())


def _stored_for_nobody_else(graph: Graph, statement: Statement) -> list[str]:
    """The operands that nothing else uses, and of which it reads the element in its own place."""
    return [
        value
        for value in read_in_place(graph, statement)
        if len(graph.users(value)) == 1 and not graph.is_output(value)
    ]


def _fit(before: Group, chain: Group, *, blas: bool) -> bool:
    """Whether one kernel can compute both."""
    both = (*before, *chain)
    products = sum(isinstance(s.op, PRODUCTS) for s in both)
    scales = sum(isinstance(s.op, Scale) for s in both)
    if blas and products:
        return products == 1 and joins_blas(before, chain)
    others = [s for s in both if not isinstance(s.op, (*MAPS, *PRODUCTS))]
    return products <= 1 and scales <= 1 and not others


def _joined(before: Group, chain: Group) -> Group:
    """Both in one order, a product first."""
    if isinstance(before[0].op, PRODUCTS):
        return (*before, *chain)
    return (*chain[:-1], *before, chain[-1])
