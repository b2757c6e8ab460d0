"""The expression tree: frozen nodes, and the few functions that walk them.

Names in scope of a mask or a score: `b h q k` (batch, head, query and key index), `s` (the
score), and sizes by their symbol. A `Tensor` without indices stands for the element that
belongs to the score at hand, as in NumPy's broadcasting; with indices it is a gather.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

INDICES = ("b", "h", "q", "k")
FUNCTIONS = {
    "where": 3,
    "min": 2,
    "max": 2,
    "abs": 1,
    "exp": 1,
    "log": 1,
    "sqrt": 1,
    "tanh": 1,
    "sigmoid": 1,
    "floor": 1,
}
"""The functions of the language and how many arguments each takes."""


@dataclass(frozen=True)
class Number:
    """A constant; `True` and `False` are the numbers of the boolean expressions."""

    value: int | float | bool


@dataclass(frozen=True)
class Name:
    """An index, the score, or a size."""

    id: str


@dataclass(frozen=True)
class Tensor:
    """An element of a captured tensor; `indices` is None for the one at this score."""

    name: str
    indices: tuple[Expr, ...] | None = None


@dataclass(frozen=True)
class Unary:
    """`-x` or `not x`."""

    op: str
    x: Expr


@dataclass(frozen=True)
class Binary:
    """One of `+ - * / // % ** and or`, with Python's meaning."""

    op: str
    lhs: Expr
    rhs: Expr


@dataclass(frozen=True)
class Compare:
    """One of `< <= > >= == !=`."""

    op: str
    lhs: Expr
    rhs: Expr


@dataclass(frozen=True)
class Call:
    """One of `FUNCTIONS`, applied."""

    function: str
    arguments: tuple[Expr, ...]


Expr = Number | Name | Tensor | Unary | Binary | Compare | Call

TRUE = Number(True)
FALSE = Number(False)
MINUS_INF = Number(-math.inf)
SCORE = Name("s")
OPPOSITE = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "==": "!=", "!=": "=="}


def where(condition: Expr, yes: Expr, no: Expr) -> Call:
    """`where(condition, yes, no)`."""
    return Call("where", (condition, yes, no))


def conjunction(lhs: Expr, rhs: Expr) -> Expr:
    """`lhs and rhs`, without the constants that change nothing."""
    if lhs == TRUE or rhs == FALSE:
        return rhs
    if rhs == TRUE or lhs == FALSE:
        return lhs
    return Binary("and", lhs, rhs)


def disjunction(lhs: Expr, rhs: Expr) -> Expr:
    """`lhs or rhs`, without the constants that change nothing."""
    if TRUE in (lhs, rhs):
        return TRUE
    return rhs if lhs == FALSE else lhs if rhs == FALSE else Binary("or", lhs, rhs)


def negation(condition: Expr) -> Expr:
    """`not condition`, turned inwards: comparisons are reversed, De Morgan's laws applied.

    For conditions on indices and sizes alone; a NaN would make both `<` and `>=` false.
    """
    match condition:
        case Number(value):
            return FALSE if value else TRUE
        case Compare(op, lhs, rhs):
            return Compare(OPPOSITE[op], lhs, rhs)
        case Binary("and", lhs, rhs):
            return disjunction(negation(lhs), negation(rhs))
        case Binary("or", lhs, rhs):
            return conjunction(negation(lhs), negation(rhs))
        case Unary("not", x):
            return x
    return Unary("not", condition)


def children(expr: Expr) -> tuple[Expr, ...]:
    """The direct subexpressions of `expr`."""
    match expr:
        case Unary(_, x):
            return (x,)
        case Binary(_, lhs, rhs) | Compare(_, lhs, rhs):
            return (lhs, rhs)
        case Call(_, arguments):
            return arguments
        case Tensor(_, indices):
            return indices or ()
        case _:
            return ()


def with_children(expr: Expr, change: Callable[[Expr], Expr]) -> Expr:
    """`expr` with its direct subexpressions passed through `change`."""
    match expr:
        case Unary(_, x):
            return replace(expr, x=change(x))
        case Binary(_, lhs, rhs) | Compare(_, lhs, rhs):
            return replace(expr, lhs=change(lhs), rhs=change(rhs))
        case Call(_, arguments):
            return replace(expr, arguments=tuple(map(change, arguments)))
        case Tensor(_, indices) if indices is not None:
            return replace(expr, indices=tuple(map(change, indices)))
    return expr


def transform(expr: Expr, change: Callable[[Expr], Expr]) -> Expr:
    """Rebuild `expr` bottom-up, every node passed through `change`."""
    return change(with_children(expr, lambda child: transform(child, change)))


def walk(expr: Expr) -> Iterator[Expr]:
    """Every node of `expr`, parents first, left to right."""
    yield expr
    for child in children(expr):
        yield from walk(child)


def depth(expr: Expr) -> int:
    """How many nodes stand one in another, at most. Finds it without recursion."""
    level, count = [expr], 0
    while level:
        level = [child for node in level for child in children(node)]
        count += 1
    return count


def has_more_nodes(expr: Expr, most: int) -> bool:
    """Whether `expr` has more than `most` nodes, and no longer than it takes to see that.

    One object may stand at many places, as the middle of a chain `a < x < b` does, so the text
    says little about it.
    """
    left, count = [expr], 0
    while left and count <= most:
        left += children(left.pop())
        count += 1
    return bool(left)


def names_in(expr: Expr) -> frozenset[str]:
    """The names that `expr` mentions: indices, `s` and sizes, not tensors."""
    return frozenset(node.id for node in walk(expr) if isinstance(node, Name))


def tensors_in(expr: Expr, gathered: bool = True) -> tuple[str, ...]:
    """The captured tensors that `expr` mentions, each once, in order of mention.

    Without `gathered`, only those that are read at the score itself, with no indices.
    """
    tensors = [node for node in walk(expr) if isinstance(node, Tensor)]
    return tuple(dict.fromkeys(t.name for t in tensors if gathered or t.indices is None))


def substitute(expr: Expr, values: Mapping[str, Expr]) -> Expr:
    """Replace each name in `values` by its expression."""
    return transform(expr, lambda e: values.get(e.id, e) if isinstance(e, Name) else e)


def resolve(expr: Expr, tensors: Mapping[str, str]) -> Expr:
    """Let the names in `tensors` mean those tensors. Index names win over tensor names."""

    def change(node: Expr) -> Expr:
        if isinstance(node, Name) and node.id in tensors and node.id not in (*INDICES, "s"):
            return Tensor(tensors[node.id])
        if isinstance(node, Tensor):
            return replace(node, name=tensors.get(node.name, node.name))
        return node

    return transform(expr, change)
