"""A family to the outside: one tensor with an axis of its own, or all members in one operation."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from drawn import NDArray, attention, codes, compiled, inputs, normal, operations, problems
from members import (
    OPEN,
    QUERY,
    SIZES,
    TOKENS,
    check,
    in_full,
    is_fused,
    members,
    softmax,
    wide,
)

B, D, E, T = 3, 8, 4, 6
SCORES = "Q & K{i} --> S{i}[Dot Product]\n"


def tokens(n: int) -> dict[str, NDArray]:
    return {"Q": normal(0, B, D), "K": normal(1, B, n, D), "V": normal(2, B, n, E)}


def scores(arrays: dict[str, NDArray]) -> NDArray:
    return np.einsum("bd,bnd->bn", *wide(arrays["Q"], arrays["K"]))


@SIZES
def test_outputs_are_stacked(n: int) -> None:
    """Numbers along the last axis, vectors along the one before; nobody sees the row."""
    arrays = tokens(n)
    text = QUERY + members(
        TOKENS + SCORES + "S{i} --> W{i}[Softmax]\nW{i} & V{i} --> P{i}[Multiply]"
    )
    text += members("S{i} --> Raw(Scores)\nW{i} --> Weights")
    weights = softmax(scores(arrays))
    expected = {"Raw": scores(arrays), "Weights": weights, "P": weights[..., None] * arrays["V"]}
    check(text, arrays, expected)


@SIZES
@pytest.mark.parametrize("label", ["Weighted Sum", "MatMul"])
def test_one_box_for_all_weights_and_values(label: str, n: int) -> None:
    """Also one box for all scores: the numbers stay one for each."""
    arrays = tokens(n)
    text = QUERY + members(TOKENS + SCORES + "S{i} --> A\nV{i} --> O")
    text += f'A[Scale] --> M["Mask: k != 1 or q > 0"] --> W[Softmax] --> O[{label}]'
    weights = softmax(np.where(np.arange(n) != 1, scores(arrays) / D**0.5, -np.inf))
    expected = np.einsum("bn,bne->be", weights, arrays["V"])
    if label == "Weighted Sum":  # the arrow of the weights comes first, as it is drawn
        text = text.replace("V1 --> O", "W --> O\nV1 --> O").replace(
            "W[Softmax] -->", "W[Softmax]\n%%"
        )
    assert is_fused(check(text.replace("%% O[", "O["), arrays, expected))


@SIZES
def test_one_softmax_deals_its_weights_out(n: int) -> None:
    arrays = tokens(n)
    text = QUERY + members(
        TOKENS + SCORES + "S{i} --> W[Softmax]\nW --> w{i}(Weight {i})\n"
        "w{i} & V{i} --> P{i}[Multiply]\nP{i} --> O[Sum]"
    )
    expected = np.einsum("bn,bne->be", softmax(scores(arrays)), arrays["V"])
    assert is_fused(check(text, arrays, expected))


@SIZES
def test_vectors_are_the_rows_of_a_matrix(n: int) -> None:
    """Keys and values one by one, and a product, or an attention, that takes all of them."""
    q, k, v = normal(0, B, T, D), normal(1, B, n, D), normal(2, B, n, E)
    expected = attention(*wide(q, k, v), D**-0.5)
    gathered = members("K{i}(Key {i}) --> A\nV{i}(Value {i}) --> A", OPEN) + QUERY
    text = QUERY + gathered.replace(QUERY, "") + "A[Attention]\nQ -- Query --> A\n"
    for i in OPEN:
        text = text.replace(f"(Key {i}) -->", f"(Key {i}) -- Key -->")
        text = text.replace(f"(Value {i}) -->", f"(Value {i}) -- Value -->")
    assert is_fused(check(text, {"Q": q, "K": k, "V": v}, expected))
    text = "Q(Query) --> S[MatMul]\n" + members("K{i}(Key {i}) --> S\nV{i}(Value {i}) --> O")
    text += "S --> Scale --> W[Softmax]\n" + "W -- lhs --> O[MatMul]"
    assert is_fused(check(text, {"Q": q, "K": k, "V": v}, expected))


WHOLE = """K{i}(Key {i})
V{i}(Value {i})
Q{i}(Query {i})
"""


def all_for_each(indices: tuple[str, ...] | list[str], boxes: bool) -> str:
    """Self-attention token by token: each query meets all keys and all values."""
    text = members(WHOLE, indices)
    for i in indices:
        keys = " & ".join(f"K{j}" for j in indices)
        values = " & ".join(f"V{j}" for j in indices)
        if boxes:
            text += f"Q{i} & {keys} --> S{i}[MatMul {i}] --> Scale{i}[Scale {i}]\n"
            text += f"Scale{i} --> W{i}[Softmax] --> O{i}[MatMul]\n{values} --> O{i}\n"
        else:
            text += f"Q{i} -- Query --> O{i}[Attention {i}]\n{keys} -- Key --> O{i}\n"
            text += f"{values} -- Value --> O{i}\n"
    return text


@SIZES
@pytest.mark.parametrize("boxes", [True, False])
def test_all_keys_for_each_query(boxes: bool, n: int) -> None:
    """All members of one family into each of another: to each they are one tensor."""
    q, k, v = normal(0, B, n, D), normal(1, B, n, D), normal(2, B, n, E)
    expected = attention(*wide(q, k, v), D**-0.5)
    assert is_fused(check(all_for_each(OPEN, boxes), {"Q": q, "K": k, "V": v}, expected))
    if n > 1:
        text = all_for_each(in_full(n), boxes)
        assert is_fused(check(text, {"Q": q, "K": k, "V": v}, expected))


def test_all_members_and_their_own() -> None:
    """The same family comes one by one as the query, and as a whole as keys and values."""
    indices = in_full(3)
    text = members('x{i}(["x{i} : f32[..., D]"])', indices)
    for i in indices:
        text += f"x{i} -- Query --> O{i}[Attention {i}]\n"
        text += "\n".join(f'x{j} -- "Key & Value" --> O{i}' for j in indices) + "\n"
    x = normal(0, B, 3, D)
    expected = attention(*wide(x, x, x), D**-0.5)
    assert is_fused(check(text, {"x": x}, expected))


REDUCED: dict[str, Callable[[NDArray], NDArray]] = {
    "Sum": lambda x: x.sum(axis=1),
    "Add": lambda x: x.sum(axis=1),
    "Mean": lambda x: x.mean(axis=1),
}


@SIZES
@pytest.mark.parametrize("dims", ["", "D", "T, D"])
@pytest.mark.parametrize("word", REDUCED)
def test_all_members_in_one_operation(word: str, dims: str, n: int) -> None:
    shape = [{"D": D, "T": T}[dim] for dim in filter(None, dims.split(", "))]
    x = normal(0, B, n, *shape)
    text = members(
        f'x{{i}}(["x{{i}} : f32[{", ".join(filter(None, ("...", dims)))}]"]) --> O[{word}]'
    )
    check(text, {"x": x}, REDUCED[word](x.astype(float)))


@SIZES
@pytest.mark.parametrize("dims", ["", "D", "T, D"])
def test_members_side_by_side(dims: str, n: int) -> None:
    shape = [{"D": D, "T": T}[dim] for dim in filter(None, dims.split(", "))]
    x = normal(0, B, n, *shape)
    text = members(
        f'x{{i}}(["x{{i}} : f32[{", ".join(filter(None, ("...", dims)))}]"]) --> O[Concatenate]'
    )
    parts = [x[:, i] if shape else x[:, i : i + 1] for i in range(n)]
    check(text, {"x": x}, np.concatenate(parts, axis=-1).astype(float))


def test_members_and_something_else_side_by_side() -> None:
    text = members('x{i}(["x{i} : f32[..., D]"]) --> O[Concatenate]', in_full(3))
    text += 'u(["u : f32[..., E]"]) --> O\n'
    x, u = normal(0, B, 3, D), normal(1, B, E)
    check(text, {"x": x, "u": u}, np.concatenate([x.reshape(B, 3 * D), u], axis=-1))


def test_two_families_in_one_sum() -> None:
    text = members('x{i}(["x{i} : f32[..., D]"]) --> O[Add]\ny{i}(["y{i} : f32[..., D]"]) --> O')
    x, y = normal(0, B, 3, D), normal(1, B, 3, D)
    check(text, {"x": x, "y": y}, (x.astype(float) + y).sum(axis=1))


def test_two_arrows_from_each_member_count_twice() -> None:
    text = members('x{i}(["x{i} : f32[..., D]"])\nx{i} --> O[Add]\nx{i} --> O')
    x = normal(0, B, 4, D)
    check(text, {"x": x}, 2 * x.astype(float).sum(axis=1))


def test_two_arrows_from_one_outside_value_stay_two() -> None:
    """Families elsewhere in the drawing change nothing."""
    text = members('x{i}(["x{i} : f32[..., D]"]) --> O[Add]') + "O & O --> P[Add]"
    x = normal(0, B, 4, D)
    check(text, {"x": x}, 2 * x.astype(float).sum(axis=1))


def test_a_sum_over_an_axis_that_is_said() -> None:
    """It is one of the tensor that all members are."""
    text = members('x{i}(["x{i} : f32[..., D]"]) --> O[Sum]') + "O@{ axis: -1 }"
    x = normal(0, B, 4, D)
    check(text, {"x": x}, x.astype(float).sum(axis=-1))


def test_operations_on_the_arrows_of_members() -> None:
    """Each is done for its member; then all flow in."""
    text = members('x{i}(["x{i} : f32[..., T, D]"]) -- Transpose --> O[Concatenate]')
    x = normal(0, B, 4, T, D)
    expected = np.concatenate([np.swapaxes(x[:, i], -1, -2) for i in range(4)], axis=-1)
    check(text, {"x": x}, expected.astype(float))


def test_one_layer_that_all_flow_into() -> None:
    """The members are rows of one tensor, and the layer is one box."""
    text = members("K{i}(Key {i}) --> O[Linear]")
    k, w, b = normal(0, B, 4, D), normal(1, D, D), normal(2, D)
    check(text, {"K": k}, k.astype(float) @ w.T + b, {"O.weight": w, "O.bias": b})


def test_several_users_of_one_family() -> None:
    arrays = tokens(4)
    text = QUERY + members(
        TOKENS + SCORES + "S{i} --> W{i}[Softmax]\nS{i} --> R{i}[ReLU]\n"
        "W{i} & V{i} --> P{i}[Multiply]\nP{i} --> O[Sum]\n"
        "R{i} & V{i} --> X{i}[Multiply]\nX{i} --> Y[Sum]\nS{i} --> Total[Sum]"
    )
    s, v = scores(arrays), arrays["V"]
    expected = {
        "O": np.einsum("bn,bne->be", softmax(s), v),
        "Y": np.einsum("bn,bne->be", np.maximum(s, 0), v),
        "Total": s.sum(axis=-1),
    }
    check(text, arrays, expected)


def test_members_in_a_module_of_its_own() -> None:
    """A feed-forward network takes all of them as one tensor, and carries them between copies."""
    text = (
        members("K{i}(Key {i}) --> A") + 'subgraph F["Block × 2"]\nA[ReLU] --> N["Scale: 2"]\nend'
    )
    k = normal(0, B, 4, D)
    check(text, {"K": k}, 4 * np.maximum(k.astype(float), 0))


def test_members_in_a_repeated_subgraph() -> None:
    text = members("x{i}(Key {i}) --> a{i}") + 'subgraph F["Block × 3"]\n'
    text += members('a{i}[ReLU] --> c{i}["Scale: 1/2"]') + "end"
    k = normal(0, B, 4, D)
    check(text, {"x": k}, np.maximum(k.astype(float), 0) / 8)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("K{i}(Key {i}) --> M[Multiply]", "not multiplied with each other"),
        ("K{i}(Key {i}) --> M[Merge Heads]@{ axis: -2 }", "no axis -2"),
        (
            "Q(Query)\nQ & K{i}(Key {i}) --> S{i}[MatMul]\nS{i} --> W{i}[Softmax]\n"
            "W{i} & V{i}(Value {i}) --> P{i}[MatMul]",
            "single numbers weigh by `Multiply`",
        ),
        ("x(Query)\nx --> R{i}[ReLU] --> C[Concatenate]", "E051"),
        ("x(Query)\nx --> R{i}[ReLU] --> C[Sum]", "nothing tells them apart"),
        (
            'Q(["Q : f32[..., M, D]"])\nQ & K{i}(Key {i}) --> S{i}[MatMul]\nS{i} --> C[Sum]\n'
            "Q -- Query --> S{i}",
            "a query",
        ),
    ],
)
def test_what_has_no_rule(text: str, said: str) -> None:
    drawn = members(text).replace("Q -- Query --> S", "%% ")
    found = problems(drawn)
    assert [d.code for d in found] in (["E053"], ["E051"])
    assert said in f"{found[0].code} {found[0].message} {found[0].label}"


def test_copies_of_one_value_are_no_family_to_gather() -> None:
    """Neither for one box, nor for each member of another family, nor through a box between."""
    copies = 'x(["x : f32[..., D]"])\n' + members("x --> c{i}(Copy {i})", in_full(2))
    assert codes(copies + "c1 & c2 --> O[Sum]") == ["E053"]
    assert codes(copies + "c1 & c2 --> p --> O[Sum]") == ["E053"]
    others = members("K{i}(Key {i}) --> S{i}[MatMul]\nc1 & c2 --> S{i}", in_full(3))
    assert codes(copies + others) == ["E053"]


def test_members_out_of_order_are_not_put_side_by_side() -> None:
    """Arrows in another order mean another concatenation; a sum does not care."""
    text = members('x{i}(["x{i} : f32[..., D]"])', in_full(3))
    assert codes(text + "x1 & x3 & x2 --> O[Concatenate]") == ["E053"]
    assert codes(text + "x1 & x3 & x2 --> p --> O[Concatenate]") == ["E053"]
    assert codes(text + 'x1 & x2 & y & x3 --> O[Concatenate]\ny(["y : f32[..., D]"])') == ["E053"]
    assert operations(compiled(text + "x1 & x3 & x2 --> O[Add]").drawn) == ["sum"]


def test_a_family_of_one_cannot_be_told_from_a_name() -> None:
    """`Linear1` is a name: one box is no family, whatever it ends in."""
    found = compiled('x1(["x1 : f32[N, D]"]) --> Linear1[Linear] --> C[Concatenate]')
    assert inputs(found.drawn) == {"x1": "f32[N, D]"}
