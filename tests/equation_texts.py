"""Random equations over tensors of all kinds and shapes, as text."""

from __future__ import annotations

from collections.abc import Mapping

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

SHAPES = ("N, M", "M", "N, 1", "1, M", "H, N, M", "M, N", "N, N", "..., N, M", "1, H, 1, M", "")
LEAVES = ("2", "0.5", "3", "-1", "0", "True", "-inf", "N", "M", "b", "h", "q", "k")
FUNCTIONS = ("abs", "exp", "log", "sqrt", "tanh", "sigmoid", "floor", "softmax", "√")
BINARY = ("+", "-", "*", "/", "//", "%", "**", "@", "and", "or", "&", "|", "min", "max")
COMPARISONS = ("<", "<=", "==", "!=", ">=", "≥")


@st.composite
def drawings(draw: DrawFn) -> str:
    """A drawing of one equation over up to three tensors; most are f64."""
    names = ("x", "y", "z")[: draw(st.integers(1, 3))]
    kinds = st.sampled_from(("f64", "f64", "f64", "i32", "i64", "bool"))
    shapes = draw(st.sampled_from((SHAPES, SHAPES[:4])))
    types = {name: (draw(kinds), draw(st.sampled_from(shapes))) for name in names}
    ranks = {name: len(dims.split(", ")) if dims else 0 for name, (_, dims) in types.items()}
    name = st.sampled_from(names)
    leaf = name | name | name | st.sampled_from(LEAVES)
    text = draw(st.recursive(leaf, lambda inner: _wider(inner, ranks), max_leaves=6))
    boxes = [f'{name}(["{name} : {kind}[{dims}]"])' for name, (kind, dims) in types.items()]
    return "\n".join(["flowchart TD", *boxes, f'{" & ".join(names)} --> O["O = {text}"]\n'])


def _wider(inner: SearchStrategy[str], ranks: Mapping[str, int]) -> SearchStrategy[str]:
    pair, three = st.tuples(inner, inner), st.tuples(inner, inner, inner)
    return st.one_of(
        st.builds(_binary, st.sampled_from(BINARY), pair),
        st.builds(_binary, st.sampled_from(("+", "-", "*", "min")), pair),
        st.builds("({0[0]} {1} {0[1]})".format, pair, st.sampled_from(COMPARISONS)),
        st.builds("({0[0]} < {0[1]} {1} {0[2]})".format, three, st.sampled_from(COMPARISONS)),
        st.builds("where({0[0]}, {0[1]}, {0[2]})".format, three),
        st.builds("{}({})".format, st.sampled_from(FUNCTIONS), inner),
        st.builds("({} {})".format, st.sampled_from(("-", "not", "~")), inner),
        st.builds("({})ᵀ".format, inner),
        _gather(ranks, inner),
    )


def _binary(op: str, sides: tuple[str, str]) -> str:
    return f"{op}({', '.join(sides)})" if op in ("min", "max") else f"({sides[0]} {op} {sides[1]})"


def _gather(ranks: Mapping[str, int], inner: SearchStrategy[str]) -> SearchStrategy[str]:
    """`name[i, j]`; a tensor without dims gets an index all the same."""
    index = st.sampled_from(("b", "h", "q", "k", "k - q", "q % 2", "-1")) | inner

    def of(name: str) -> SearchStrategy[str]:
        count = max(ranks[name], 1)
        indices = st.lists(index, min_size=count, max_size=count)
        return indices.map(lambda given: f"{name}[{', '.join(given)}]")

    return st.sampled_from(sorted(ranks)).flatmap(of)


WHOLE = {"i": "i32[N, 1]", "j": "i64[1, M]", "g": "i32[N, M]", "m": "bool[N, M]", "c": "bool[M]"}
"""Tensors of whole numbers and conditions; the first ones are used without indices."""


@st.composite
def whole_numbers(draw: DrawFn) -> str:
    """An equation over `WHOLE`, without its name: all its bits are the same everywhere."""
    leaf = st.sampled_from((*WHOLE, "i", "j", "g", "2", "-3", "5", "q", "k", "N", "True"))
    return f"{draw(st.recursive(leaf, _whole, max_leaves=8))} + 0 * g"


def _whole(inner: SearchStrategy[str]) -> SearchStrategy[str]:
    pair, three = st.tuples(inner, inner), st.tuples(inner, inner, inner)
    operators = ("+", "-", "*", "//", "%", "//", "%", "and", "or", "min", "max", "<", "==", ">=")
    return st.one_of(
        st.builds(_binary, st.sampled_from(operators), pair),
        st.builds("({0[0]} <= {0[1]} < {0[2]})".format, three),
        st.builds("where({0[0]}, {0[1]}, {0[2]})".format, three),
        st.builds("({}({}))".format, st.sampled_from(("abs", "-", "~", "floor")), inner),
        st.builds("({})**2".format, inner),
        st.builds("g[{0[0]}, {0[1]}]".format, pair),
        st.builds("c[{}]".format, inner),
    )
