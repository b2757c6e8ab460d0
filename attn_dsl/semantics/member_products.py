"""Matrix products on families: of vectors they are numbers, of matrices they are matrices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from attn_dsl.ir.ops import MatMul, Multiply, Row, Sum, Transpose, Vector
from attn_dsl.semantics.matmul import side_of
from attn_dsl.semantics.site import Argument, has_operands
from attn_dsl.semantics.stacks import aligned, rows
from attn_dsl.semantics.values import Stack, Value
from attn_dsl.semantics.work import NoRule, Reported, Work, name_of, renamed, stack_of


def build_product(work: Work, arguments: Sequence[Argument]) -> Value:
    """Of two values, one of them or both a family."""
    if not has_operands(work.builder, work.site, arguments, range(2, 3), "two values"):
        raise Reported
    ordered = sorted(arguments, key=lambda argument: side_of(*argument.roles))
    lhs, rhs = (work.resolved(argument) for argument in ordered)
    stack = next(stack_of(a) for a in (lhs, rhs) if a.value.family)
    ranks = [work.rank(a) for a in (lhs, rhs)]
    if 0 in ranks:
        raise NoRule("single numbers weigh by `Multiply`")
    if ranks == [1, 1]:
        return work.given(_dot(work, lhs, rhs), replace(stack, rank=0))
    if 1 not in ranks:
        return _of_matrices(work, lhs, rhs)
    vector, matrix = (lhs, rhs) if ranks[0] == 1 else (rhs, lhs)
    if vector.value.family and matrix.value.family is None:
        return _times_one_matrix(work, vector, matrix, swapped=vector is rhs)
    return _by_rows(work, vector, matrix, swapped=vector is rhs)


def _dot(work: Work, lhs: Argument, rhs: Argument) -> str:
    """One dot product a member: a row of scores."""
    length = work.type(lhs).dims[-1]
    if lhs.value.family and rhs.value.family:
        weighed = work.add(Multiply(name_of(lhs), name_of(rhs)), f"{work.site.wish}_each")
        summed = work.add(Sum(weighed), f"{work.site.wish}_sums")
        scores = work.add(Row(summed))
    else:
        vector, keys = (rhs, lhs) if lhs.value.family else (lhs, rhs)
        row = name_of(rows(work, vector))
        scores = work.add(MatMul(row, work.once(Transpose(name_of(keys)), f"{name_of(keys)}_T")))
    work.builder.contracted[scores] = length
    return scores


def _of_matrices(work: Work, lhs: Argument, rhs: Argument) -> Value:
    """Member by member, as the product of two matrices is read anywhere."""
    families = [stack_of(a) for a in (lhs, rhs) if a.value.family]
    rank = max(stack.rank for stack in families)
    names = aligned(work, (lhs, rhs), rank)
    pair = [renamed(a, name) for a, name in zip((lhs, rhs), names, strict=True)]
    return work.given(work.build(pair), replace(families[0], rank=rank))


def _times_one_matrix(work: Work, vector: Argument, matrix: Argument, *, swapped: bool) -> Value:
    """Vectors times a matrix that is the same for all: they are the rows of one product."""
    if {vector.value.role, matrix.value.role} == {"query", "key"} and matrix.value.role == "query":
        raise NoRule("a query that meets the key of each is a vector, such as f32[..., D]")
    if swapped:
        return work.given(_times_transposed(work, vector, matrix), vector.value.family)
    return work.given(work.build([vector, matrix]), vector.value.family)


def _by_rows(work: Work, vector: Argument, matrix: Argument, *, swapped: bool) -> Value:
    """A vector times the matrix of each member, or the other way round."""
    stack = stack_of(matrix)
    if stack.rank > 2:
        raise NoRule("a member has heads of its own")
    row = rows(work, vector)
    names = aligned(work, (row, matrix), 2)
    pair = [renamed(a, name) for a, name in zip((row, matrix), names, strict=True)]
    inner = replace(work, site=replace(work.site, wish=f"{work.site.wish}_rows"))
    product = _times_transposed(inner, *pair) if swapped else inner.build(pair)
    name = work.add(Vector(product))
    work.builder.contracted[name] = work.builder.contracted[product]
    return work.given(name, Stack(stack.size, 1))


def _times_transposed(work: Work, vector: Argument, matrix: Argument) -> str:
    """matrix · vector, as a row: vectorᵀ · matrixᵀ."""
    name = name_of(matrix)
    product = work.add(MatMul(name_of(vector), work.once(Transpose(name), f"{name}_T")))
    work.builder.contracted[product] = work.type(vector).dims[-1]
    return product
