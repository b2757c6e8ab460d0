"""Random attention: two products, a softmax or none, and any steps on single scores between."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn
from strategies import conditions
from support import build

from attn_dsl.expr import Name, parse, resolve, tensors_in
from attn_dsl.ir import Graph
from attn_dsl.ir.ops import (
    Add,
    Divide,
    Identity,
    Input,
    LogSumExp,
    Mask,
    MatMul,
    Multiply,
    Op,
    Pointwise,
    Relu,
    RepeatHeads,
    Scale,
    Score,
    Sigmoid,
    Softmax,
    Subtract,
    Tanh,
    Transpose,
)

FORMS = (
    ("", "", ""),
    ("B, H, ", "B, H, ", "B, H, "),
    ("..., ", "..., ", "..., "),
    ("H, ", "", ""),
    ("B, J, ", "B, G, ", "B, G, "),
    ("..., J, ", "..., G, ", "..., J, "),
    ("B, J, ", "B, J, ", "G, "),
)
"""Batch dims of query, key and value; each of G heads serves several of J."""
FACTORS = ("0.5", "1 / √D", "-1", "2 * M / N")
SCORES = (
    "30 * tanh(s / 30)",
    "s - abs(q - k) * 0.1",
    "where(k <= q, s, s / 2)",
    "where(k % 3 == 0, s, -inf)",
    "where(s > 0, s, -inf)",
    "min(s, 1) + h",
    "s * (k < q) - (s > 0)",
    "s + bias[q, k] * 2 ** (k - q)",
)
ELEMENTS = (
    "min(x, t) + x",
    "where(k <= q, x, -inf)",
    "where(t > 1, -inf, x)",
    "where(x > t, x, x - 1)",
    "50 * tanh((x + t) / 50)",
    "where(h == 1 or k < 2, t, -1) * x",
)
OWN_MASKS = ("i == 0", "i <= k", "q < 3 or i > 0 and k < q", "i // 2 == 0 and h < 2")
OWN_BIASES = ("t * i", "where(m, t, -1)", "t + k - q", "(i + 3.0) / 2 + t", "max(t, h)")
SINKS = ("-inf", "0", "sinks[q]", "sinks[h] - 1", "sinks[q + h] * 2 - N")
WEIGHTS: tuple[Callable[[str], Op], ...] = (
    Sigmoid,
    Relu,
    Tanh,
    Identity,
    lambda s: Score(s, parse("exp(s)")),
    lambda s: Score(s, parse("max(s, 0) ** 2")),
    lambda s: Score(s, parse("where(k <= q, s, 0)")),
    lambda s: Score(s, parse("where(k > q + 1, 0, s * 0.5 ** (q - k))")),
)
"""What makes weights of scores where there is no softmax."""
CAPTURED = ("N, M", "M", "N, 1", "1, M")


of_captured = st.sampled_from(CAPTURED)


@st.composite
def chains(draw: DrawFn, dtype: str = "f64", softmax: bool = True, rows: bool = False) -> Graph:
    """softmax(steps(Q Kᵀ)) V, with up to five steps; or weights that nothing normalizes.

    With `rows` the log-sum-exp of the scores is a second output.
    """
    ops: list[tuple[str, Op]] = []

    def add(name: str, op: Op) -> str:
        ops.append((name, op))
        return name

    def tensor(name: str, dims: str, of: str = dtype) -> str:
        return add(name, Input(name, f"{of}[{dims}]"))

    def served(name: str, dims: str) -> str:
        """The heads of the query, by copies where there are fewer."""
        return add(f"{name}_heads", RepeatHeads(name, Name("J"))) if "G" in dims else name

    query, key, value = draw(st.sampled_from(FORMS))
    tensor("Q", f"{query}N, D")
    form = draw(st.integers(0 if softmax else 1, 2))
    tensor("K", f"{key}D, M" if form == 0 else f"{key}M, D")
    if form == 0:
        keys = served("K", key)
    elif form == 1:
        keys = served(add("Kt", Transpose("K")), key)
    else:
        keys = add("Kt", Transpose(served("K", key)))
    values = served(tensor("V", f"{value}M, E"), value)
    x = add("S", MatMul("Q", keys))
    for i in range(draw(st.integers(0, 5))):
        if draw(st.integers(0, 4)) == 0:
            x = add(f"f{i}", draw(st.sampled_from(WEIGHTS))(x))
        kind, dims = draw(st.integers(0, 6)), draw(st.sampled_from(CAPTURED))
        if kind == 0:
            x = add(f"s{i}", Scale(x, parse(draw(st.sampled_from(FACTORS)))))
        elif kind == 1:
            x = add(f"s{i}", Mask(x, draw(conditions(("q", "k", "h", "N", "M")))))
        elif kind == 2:
            keep = tensor(f"m{i}", dims, "bool")
            condition = draw(st.sampled_from((keep, f"not {keep}", f"{keep} or k < q")))
            x = add(f"s{i}", Mask(x, resolve(parse(condition), {keep: keep})))
        elif kind == 3:
            bias = tensor(f"bias{i}", "N, M")
            score = parse(draw(st.sampled_from(SCORES)))
            x = add(f"s{i}", Score(x, resolve(score, {"bias": bias})))
        elif kind == 4:
            names = {"x": x, "t": tensor(f"t{i}", dims)}
            value = parse(draw(st.sampled_from(ELEMENTS)))
            x = add(f"s{i}", Pointwise(resolve(value, names), dtype))
        elif kind == 5:  # a mask and a bias that are values of their own
            names = {"i": tensor(f"i{i}", dims, "i32"), "t": tensor(f"t{i}", draw(of_captured))}
            condition, bias = (parse(draw(st.sampled_from(own))) for own in (OWN_MASKS, OWN_BIASES))
            keep = add(f"m{i}", Pointwise(resolve(condition, names), dtype))
            names["m"] = keep
            added = add(f"a{i}", Pointwise(resolve(bias, names), dtype))
            x = add(f"b{i}", Add(x, added))
            x = add(f"s{i}", Mask(x, resolve(parse("m"), names)))
        else:
            other = tensor(f"other{i}", dims)
            pair = (x, other) if draw(st.booleans()) else (other, x)
            x = add(f"s{i}", draw(st.sampled_from((Add, Subtract, Multiply, Divide)))(*pair))
    if softmax:
        sink = parse(draw(st.sampled_from(SINKS)))
        if tensors_in(sink):
            tensor("sinks", "N")
        add("P", Softmax(x, sink=sink))
        if rows:
            add("L", LogSumExp(x, sink=sink))
    else:
        add("W", Score(x, parse("s + k / 9")))
        add("P", draw(st.sampled_from(WEIGHTS))("W"))
    add("O", MatMul("P", values))
    return build(ops, "O", *["L"] * rows)
