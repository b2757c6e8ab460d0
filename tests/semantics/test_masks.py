"""Every way to say a mask: by word, by expression, by an input; and what the call names it."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from drawn import QKV, attention, codes, compiled, inputs, normal, operations, problems, remarked

import attn_dsl
from attn_dsl.ir import Sizes, evaluate, to_text
from attn_dsl.pipeline import load
from attn_dsl.sample import sample_inputs

LENGTHS = [(5, 5), (3, 7), (7, 3), (1, 6)]
D = 4


def drawing(middle: str) -> str:
    """softmax(Q Kᵀ) V with something between the product S and the softmax W."""
    return f"{QKV}Q --> S[MatMul]\nK -- Transpose --> S\n{middle}\nW[Softmax] & V --> O[MatMul]\n"


def arrays(queries: int, keys: int) -> dict[str, Any]:
    shapes = {"Q": (2, queries, D), "K": (2, keys, D), "V": (2, keys, 3)}
    return {name: normal(i, *shape) for i, (name, shape) in enumerate(shapes.items())}


def attended(middle: str, given: dict[str, Any], **more: Any) -> Any:
    """The result of the graph as drawn, and of the fused one, which has to be the same."""
    found = compiled(drawing(middle))
    assert operations(found.fused) == ["tiled_attention"]
    (drawn,), (fused,) = (evaluate(g, given | more).values() for g in (found.drawn, found.fused))
    np.testing.assert_allclose(fused, drawn, rtol=1e-12)
    return drawn


def expected(given: dict[str, Any], keep: Any) -> Any:
    """Attention in NumPy; a query without a key gets 0."""
    keep = np.broadcast_to(keep, (2, given["Q"].shape[1], given["K"].shape[1]))
    seen = keep.any(axis=-1, keepdims=True)
    q, k, v = (given[name].astype(np.float64) for name in "QKV")
    return np.where(seen, attention(q, k, v, keep=keep | ~seen), 0)


BY_WORD = ["Causal Mask", "Causal", "Masked", "Look-Ahead Mask", "masked", "Causal <br> Mask"]


@pytest.mark.parametrize(("queries", "keys"), LENGTHS)
def test_causal_by_word_is_aligned_bottom_right(queries: int, keys: int) -> None:
    """The last query sees every key, whatever the two lengths are."""
    given = arrays(queries, keys)
    keep = np.tri(queries, keys, keys - queries, dtype=bool)
    for middle in ("S --> m[Causal Mask] --> W", 'S -- "Causal Mask" --> W'):
        np.testing.assert_allclose(attended(middle, given), expected(given, keep), atol=1e-12)


def test_causal_between_sizes_that_are_called_like_indices() -> None:
    text = 'S(["S : f32[q, k]"]) --> m[Causal Mask] --> W[Softmax]'
    assert codes(text) == ["E037", "E037"]
    assert codes(text.replace("f32[q, k]", "f32[q, q]")) == []


@pytest.mark.parametrize(("queries", "keys"), LENGTHS)
def test_an_expression_is_literal(queries: int, keys: int) -> None:
    given = arrays(queries, keys)
    keep = np.tri(queries, keys, dtype=bool)
    for middle in ('S --> m["Mask: k <= q"] --> W', 'S -- "Mask: k <= q" --> W'):
        np.testing.assert_allclose(attended(middle, given), expected(given, keep), atol=1e-12)


@pytest.mark.parametrize("word", BY_WORD)
def test_words_for_causal(word: str) -> None:
    plain = compiled(drawing("S --> m[Causal Mask] --> W"))
    for middle in (f'S --> m["{word}"] --> W', f'S --> m[it]\nm@{{ op: "{word}" }}\nm --> W'):
        assert to_text(compiled(drawing(middle)).drawn) == to_text(plain.drawn)


@pytest.mark.parametrize(
    ("middle", "name"),
    [
        ('S --> m["Mask (opt.)"] --> W', "m"),
        ('S --> m["Mask (optional)"] --> W', "m"),
        ('S --> m["Optional Mask"] --> W', "m"),
        ('S --> m["Optional <br> Attention Mask"] --> W', "m"),
        ('S --> m[it]\nm@{ op: "Optional Mask" }\nm --> W', "m"),
        ('S -- "Optional Mask" --> W', "mask"),
        ('S -->|"Mask (opt.)"| W', "mask"),
        ('S & pad["Mask (opt.)"] --> m[Mask] --> W', "pad"),
    ],
)
def test_an_optional_mask_is_absent_boolean_or_added(middle: str, name: str) -> None:
    given = arrays(4, 6)
    assert list(inputs(compiled(drawing(middle)).drawn)) == ["Q", "K", "V", name]
    keep = np.tri(4, 6, 1, dtype=bool)
    added = np.where(keep, 0, -np.inf).astype(np.float32)
    np.testing.assert_allclose(attended(middle, given), expected(given, True), atol=1e-12)
    for mask in (keep, added):
        found = attended(middle, given, **{name: mask})
        np.testing.assert_allclose(found, expected(given, keep), atol=1e-12)


def test_two_optional_masks_on_arrows_are_called_by_their_targets() -> None:
    """Neither is `mask`, as the order of lines must not tell which one."""
    other = 'Q & K --> S2[MatMul]\nS2 -- "Optional Mask" --> W2[Softmax]\nW2 & V --> O2[MatMul]'
    found = compiled(drawing(f'S -- "Optional Mask" --> W\n{other}'))
    assert set(inputs(found.drawn)) == {"Q", "K", "V", "W_mask", "W2_mask"}


def test_an_optional_mask_on_an_arrow_beside_a_node_called_mask() -> None:
    middle = 'S --> mask["Mask (opt.)"] -- "Optional Mask" --> W'
    assert set(inputs(compiled(drawing(middle)).drawn)) == {"Q", "K", "V", "mask", "W_mask"}


def test_an_optional_mask_in_a_module_is_called_by_its_path() -> None:
    text = f'{QKV}subgraph P["Part"]\nA[Attention]\nend\nQ & K & V --> A'
    assert list(inputs(compiled(text).drawn))[3:] == ["P.A.mask"]


@pytest.mark.parametrize(
    "middle",
    [
        "S & p[Padding] --> m[Mask] --> W",
        "p[Padding] & S --> m[Mask] --> W",
        "S & p[Mask] --> m[Mask] --> W",
        "S --> m[Mask] --> W\np[Padding] -- Mask --> m",
        "p[Padding] -- Attention Mask --> m[Mask]\nS --> m --> W",
    ],
)
def test_a_mask_without_a_type_is_what_the_call_gives(middle: str) -> None:
    """It has to be given, boolean or to be added, of any shape that broadcasts."""
    given = arrays(4, 6)
    keep = np.arange(6) < 4
    added = np.where(keep, 0, -np.inf).astype(np.float32)
    for mask in (keep, np.tile(keep, (2, 4, 1)), added):
        found = attended(middle, given, p=mask)
        np.testing.assert_allclose(found, expected(given, keep), atol=1e-12)
    with pytest.raises(ValueError, match="'p' is missing"):
        attn_dsl.compile("flowchart TD\n" + drawing(middle))(**given)


@pytest.mark.parametrize("type_", ["bool[B, 1, M]", "bool[M]", "bool[N, M]", "bool[B, N, M]"])
def test_a_declared_boolean_mask(type_: str) -> None:
    given, random = arrays(4, 6), np.random.default_rng(0)
    sizes = {"B": 2, "N": 4, "M": 6, "1": 1}
    keep = random.random([sizes[d] for d in type_[5:-1].split(", ")]) < 0.6
    middle = f'S & p(["p : {type_}"]) --> m[Mask] --> W'
    np.testing.assert_allclose(attended(middle, given, p=keep), expected(given, keep), atol=1e-12)


INTO_SOFTMAX = [
    "S --> W\nMask --> W",
    "Mask --> W\nS --> W",
    "S & p[Attention Mask] --> W",
    "S --> W\np[Padding] -- Mask --> W",
    'S --> W\np[Padding] -- "Attention Mask" --> W',
    "S -- Mask --> W\np[Padding] --> W",
    "S & p[Padding] --> m[Mask] --> W",
]


@pytest.mark.parametrize("middle", INTO_SOFTMAX)
def test_a_mask_beside_the_scores_of_a_softmax(middle: str) -> None:
    """Boolean or added, as the call gives it."""
    given, keep = arrays(4, 6), np.tri(4, 6, 1, dtype=bool)
    name = "Mask" if "Mask --> W" in middle and "p[" not in middle else "p"
    for mask in (keep, np.where(keep, 0, -np.inf).astype(np.float32)):
        found = attended(middle, given, **{name: mask})
        np.testing.assert_allclose(found, expected(given, keep), atol=1e-12)


@pytest.mark.parametrize("name", ["p", "attn_mask", "key_mask"])
@pytest.mark.parametrize("dims", ["N, M", "M", "N, 1", "B, 1, M", "B, N, M"])
def test_a_declared_mask_beside_the_scores_of_a_softmax(dims: str, name: str) -> None:
    """A boolean one by its type, one that is added by its name."""
    sizes = {"B": 2, "N": 4, "M": 6, "1": 1}
    given = arrays(4, 6)
    keep = np.random.default_rng(0).random([sizes[d] for d in dims.split(", ")]) < 0.6
    dtype = "bool" if name == "p" else "f32"
    mask = keep if name == "p" else np.where(keep, 0, -np.inf).astype(np.float32)
    middle = f'p(["{name} : {dtype}[{dims}]"]) & S --> W'
    found = attended(middle, given, **{name: mask})
    np.testing.assert_allclose(found, expected(given, keep), atol=1e-12)


@pytest.mark.parametrize("label", ["Causal Mask", "Mask: k <= q + M - N"])
@pytest.mark.parametrize("box", ["--> W", "--> m[Mask] --> W"])
def test_a_box_that_says_what_it_hides_is_no_input(label: str, box: str) -> None:
    given = arrays(4, 6)
    middle = f'S & c["{label}"] {box}'
    assert list(inputs(compiled(drawing(middle)).drawn)) == ["Q", "K", "V"]
    keep = np.tri(4, 6, 2, dtype=bool)
    np.testing.assert_allclose(attended(middle, given), expected(given, keep), atol=1e-12)


ALONE = [
    "S & c --> W",
    "c & S --> m[Mask] --> W",
    "c --> d[Same document] --> W\nS --> W",
    'c & S & e["Mask: 2 > 1"] --> m[Mask] --> W',
    'c & S & e["Mask: s > -inf"] --> W',
    "c --> m[Mask] --> W\nS --> Cap[Tanh] --> m",
]


@pytest.mark.parametrize("middle", ALONE)
def test_a_mask_of_a_tensor_flows_in_beside_the_scores(middle: str) -> None:
    """It is no value by itself: which shape it has, the scores tell."""
    given, keep = arrays(5, 5), DOC[:, :, None] == DOC[:, None, :]
    if "Tanh" in middle:
        given["K"], given["Q"] = given["K"] * 1e-4, given["Q"]  # where tanh(s) is s
    middle = f'doc(["doc : i32[B, N]"]) --> c["Mask: doc[h, q] == doc[h, k]"]\n{middle}'
    found = attended(middle, given, doc=DOC)
    np.testing.assert_allclose(found, expected(given, keep), atol=1e-10)


@pytest.mark.parametrize(
    ("first", "second", "label"),
    [
        ("f32", "bool", ""),
        ("bool", "f32", ""),
        ("f32", "f32", "-- Mask"),
        ("f32", "bool", "-- Mask"),
    ],
)
def test_which_of_two_inputs_is_the_mask(first: str, second: str, label: str) -> None:
    """Either by its type, or by the label of its arrow, and not by its place."""
    text = f'b(["b : {second}[N, M]"]) {label} --> m[Mask]\na(["a : {first}[N, M]"]) --> m\n'
    for line in (text, "\n".join(reversed(text.splitlines()))):
        graph = compiled(f"{line}\nm --> W[Softmax]").drawn
        scores = graph.table["m"].op.operands[0]
        assert scores == ("a" if first == "f32" else "b_2")


def test_two_inputs_of_which_one_is_called_a_mask() -> None:
    text = 'a(["a : f32[N, M]"]) & b(["my_mask : f32[N, M]"]) --> m[Mask] --> W[Softmax]'
    assert compiled(text).drawn.table["m"].op.operands == ("a", "my_mask")


def test_a_mask_of_keys_by_batch() -> None:
    """What PyTorch calls a key padding mask: by NumPy's rule it fits no scores of four dims."""
    heads = drawing("{}").replace("[B, N, D]", "[B, H, N, D]").replace("[B, M,", "[B, H, M,")
    (error,) = problems(heads.format('S & keep(["keep : bool[B, M]"]) --> W'))
    assert error.code == "E038"
    assert error.help == "write it as `Mask: keep[b, k]`"
    written = 'S & keep(["keep : bool[B, M]"]) --> m["Mask: keep[b, k]"] --> W'
    found = compiled(heads.format(written))
    assert operations(found.fused) == ["tiled_attention"]
    given = {"Q": normal(0, 2, 3, 4, D), "K": normal(1, 2, 3, 6, D), "V": normal(2, 2, 3, 6, 5)}
    keep = np.array([[1, 1, 1, 0, 0, 0], [1, 0, 1, 0, 1, 1]], bool)
    (value,) = evaluate(found.fused, given | {"keep": keep}).values()
    q, k, v = (given[name].astype(np.float64) for name in "QKV")
    reference = attention(q, k, v, keep=keep[:, None, None, :])
    np.testing.assert_allclose(value, reference, atol=1e-12)


def test_a_mask_of_keys_by_batch_at_the_call() -> None:
    heads = drawing("S & Mask --> W").replace("[B, N, D]", "[B, H, N, D]")
    kernel = attn_dsl.compile("flowchart TD\n" + heads.replace("[B, M,", "[B, H, M,"))
    given = {"Q": normal(0, 2, 3, 4, D), "K": normal(1, 2, 3, 6, D), "V": normal(2, 2, 3, 6, 5)}
    keep = np.tri(2, 6, 3, dtype=bool)
    with pytest.raises(ValueError, match=r"pass Mask\[:, None, None, :\]"):
        kernel(**given, Mask=keep)
    assert kernel(**given, Mask=keep[:, None, None, :]).shape == (2, 3, 4, 5)


@pytest.mark.parametrize(
    ("type_", "help"),
    [
        ("i64[B, M]", "write it as `Mask: p[h, k] != 0`"),
        ("i32[N, M]", "write it as `Mask: p != 0`"),
        ("f32[B, M]", "write it as `Score: s + p[h, k]`"),
        ("bool[M, N]", "give the dims that are the same size one name; a mask of the keys"),
        ("bool[B, M, 1]", "write it as `Mask: p[h, k, 0]`"),
        ("bool[..., M, N]", "give the dims that are the same size one name; a mask of the keys"),
    ],
)
def test_a_mask_that_does_not_fit_is_told_how_it_would(type_: str, help: str) -> None:
    (error,) = problems(drawing(f'S & p(["p : {type_}"]) --> m[Mask] --> W'))
    assert error.code == "E038"
    assert error.help.startswith(help)
    assert len(error.notes) == 2
    if help.startswith("write it as"):
        expr = help.split("`")[1]
        assert codes(drawing(f'S & p(["p : {type_}"]) --> m["{expr}"] --> W')) == []


def test_a_mask_of_the_score_itself() -> None:
    """Few weights: the scores below a threshold are left out."""
    given = arrays(4, 6)
    scores = np.asarray(given["Q"], np.float64) @ np.swapaxes(given["K"], -1, -2)
    for middle in ('S --> m["Mask: s > -1"] --> W', 'S & m["Mask: s > -1"] --> W'):
        found = attended(middle, given)
        np.testing.assert_allclose(found, expected(given, scores > -1), atol=1e-12)


DOC = np.array([[0, 0, 1, 1, 1], [2, 2, 2, 3, 3]], np.int32)


def test_captured_tensors() -> None:
    """`h` is the only batch dim that these scores have."""
    given = arrays(5, 5)
    middle = 'S & d(["doc : i32[B, N]"]) --> m["Mask: doc[h, q] == doc[h, k] and k <= q"] --> W'
    keep = (DOC[:, :, None] == DOC[:, None]) & np.tri(5, dtype=bool)
    np.testing.assert_allclose(attended(middle, given, doc=DOC), expected(given, keep), atol=1e-12)


def test_an_index_of_a_dim_that_is_not_there_is_remarked() -> None:
    middle = 'S & d(["doc : i32[B, N]"]) --> m["Mask: doc[b, q] == doc[b, k]"] --> W'
    assert "W023" in remarked(compiled(drawing(middle)))
    heads = drawing(middle).replace("[B, N, D]", "[B, H, N, D]").replace("[B, M,", "[B, H, M,")
    assert "W023" not in remarked(compiled(heads))
    assert "W023" not in remarked(compiled(heads.replace("B, H,", "...,")))


def test_one_mask_for_two_attentions_is_one_input() -> None:
    other = "Q & K --> S2[MatMul]\nS2 & p --> m2[Mask] --> W2[Softmax]\nW2 & V --> O2[MatMul]"
    found = compiled(drawing(f"S & p[Padding] --> m[Mask] --> W\n{other}"))
    assert list(inputs(found.drawn)) == ["Q", "K", "V", "p"]


@pytest.mark.parametrize(
    ("middle", "code", "place"),
    [
        ("S --> m[Mask] --> W", "E041", "m[Mask]"),
        ("S -- Mask --> W", "E041", "Mask"),
        ("S --> m[Padding Mask] --> W", "E041", "m[Padding Mask]"),
        ('S --> m["Mask: k < n"] --> W', "E037", "n"),
        ('S --> m["Mask: doc[b, k] > 0"] --> W', "E037", "doc"),
        ('S --> m["Mask: q - k"] --> W', "E038", 'm["Mask: q - k"]'),
        ('S --> m["Mask: k <="] --> W', "E036", ""),
        ('S & p(["p : bool[N, D]"]) --> m[Mask] --> W', "E038", "m[Mask]"),
        ('S & p(["p : i32[N, M]"]) --> m[Mask] --> W', "E038", "m[Mask]"),
        ('S & p(["p : f32[M]"]) --> m["Mask: k <= q"] --> W', "E046", 'm["Mask: k <= q"]'),
        ("a[x] & b[y] --> m[Mask] --> W", "E046", "m[Mask]"),
        ('S --> m["Mask: S > 0"] --> W', "E046", 'm["Mask: S > 0"]'),
        ('S --> W\nm["Mask: k <= q"] --> y[Linear]', "E046", 'm["Mask: k <= q"]'),
        ('S & p(["p : f32[M]"]) --> W', "E033", "W[Softmax]"),
    ],
)
def test_masks_that_say_nothing_clear(middle: str, code: str, place: str) -> None:
    (error,) = problems(drawing(middle))
    assert error.code == code
    assert error.span is not None
    assert error.span.text == place


def test_a_mask_of_a_softmax_s_weights_is_no_mask_of_scores() -> None:
    text = f"{QKV}Q & K --> S[MatMul] --> W[Softmax] --> m[Causal]\nm & V --> O[MatMul]"
    assert codes(text) == []
    assert "tiled_attention" not in operations(compiled(text).fused)


def test_a_mask_with_an_arrow_into_a_library_attention_is_its_mask() -> None:
    call = 'flowchart TD\nx["x : f32[B, N, E]"] --> a[MHA]@{ heads: 2 }\n'
    drawn = attn_dsl.compile(call + 'padding["padding : bool[B, 1, 1, N]"] -- Mask --> a\n')
    given = attn_dsl.compile(call)
    assert list(drawn.inputs)[:2] == ["x", "padding"]
    assert "a.mask" not in drawn.inputs
    sizes = Sizes({"B": 2, "N": 9, "E": 8})
    arrays = sample_inputs(drawn.program.graph, sizes, seed=0)
    named = {name: array for name, array in arrays.items() if name != "padding"}
    expected = given(**named, **{"a.mask": arrays["padding"]})
    np.testing.assert_array_equal(drawn(**arrays), expected)


PAST = """
Q(["Q : f32[B, N, D]"])
past(["past : f32[B, P, D]"]) & K(["K : f32[B, N, D]"]) --> keys[Concatenate]@{ axis: -2 }
old(["old : f32[B, P, E]"]) & V(["V : f32[B, N, E]"]) --> values[Concatenate]@{ axis: -2 }
Q & keys --> S[MatMul] --> m[Causal Mask] --> W[Softmax]
W & values --> O[MatMul]
"""


@pytest.mark.parametrize(("queries", "past"), [(1, 9), (5, 3), (4, 0)])
@pytest.mark.parametrize("target", ["numpy", "cuda"])
def test_past_keys_are_seen_by_all(queries: int, past: int, target: str) -> None:
    """A cache of keys and values before the new ones: the last query sees all."""
    found = compiled(PAST, D=4, E=3)
    assert "k <= q + P" in to_text(found.fused)
    assert operations(found.fused).count("tiled_attention") == 1
    shapes = {"Q": (2, queries, 4), "K": (2, queries, 4), "V": (2, queries, 3)}
    shapes |= {"past": (2, past, 4), "old": (2, past, 3)}
    given: dict[str, Any] = {n: normal(i, *shape) for i, (n, shape) in enumerate(shapes.items())}
    keys, values = (
        np.concatenate([given[a], given[b]], 1) for a, b in (("past", "K"), ("old", "V"))
    )
    keep = np.tri(queries, queries + past, past, dtype=bool)
    wide = [x.astype(np.float64) for x in (given["Q"], keys, values)]
    kernel = load(found, target, emulate=target == "cuda")
    np.testing.assert_allclose(kernel(**given), attention(*wide, keep=keep), atol=1e-5)


FORMS = {
    "expression": 'X --> {id}["Mask: k <= q + 2"]',
    "boolean input": 'X & keep(["keep : bool[N, M]"]) --> {id}[Mask]',
    "keys": 'X & pad(["pad : bool[B, 1, M]"]) --> {id}[Mask]',
    "product": 'keep(["keep : bool[N, M]"]) & pad(["pad : bool[B, 1, M]"]) --> both[Multiply]\n'
    "X & both --> {id}[Mask]",
    "added": 'X & bias(["bias : f32[N, M]"]) --> {id}[Add]',
    "soft cap": 'X --> {id}["Score: 2 * tanh(s / 2)"]',
}


@pytest.mark.parametrize("order", list(itertools.permutations(FORMS, 2)), ids="-".join)
def test_in_any_order(order: tuple[str, str]) -> None:
    """A soft cap after a mask gives masked keys weight; before it, it does not."""
    lines, source, seen = [], "S", set()
    for number, form in enumerate(order):
        for line in FORMS[form].replace("{id}", f"y{number}").replace("X", source).split("\n"):
            lines += [line] if line not in seen else []
        source = f"y{number}"
    text = drawing("\n".join([*lines, f"{source} --> W"]).replace("X", "S"))
    found = compiled(text)
    assert operations(found.fused) == ["tiled_attention"]
    random = np.random.default_rng(3)
    given = arrays(5, 7)
    used = {name for name in ("keep", "pad", "bias") if f"{name} :" in text}
    more: dict[str, Any] = {
        "keep": random.random((5, 7)) < 0.6,
        "pad": random.random((2, 1, 7)) < 0.8,
    }
    more["bias"] = np.where(random.random((5, 7)) < 0.7, random.standard_normal((5, 7)), -np.inf)
    more = {name: array for name, array in more.items() if name in used}
    more = {n: a.astype(np.float32) if n == "bias" else a for n, a in more.items()}
    q, k, v = (given[name].astype(np.float64) for name in "QKV")
    scores = q @ np.swapaxes(k, -1, -2)
    for form in order:
        scores = applied(form, scores, more)
    weights = np.exp(scores - np.where(np.isneginf(m := scores.max(-1, keepdims=True)), 0, m))
    total = weights.sum(-1, keepdims=True)
    expected = weights / np.where(total == 0, 1, total) @ v
    (reference,) = evaluate(found.drawn, given | more).values()
    np.testing.assert_allclose(reference, expected, atol=1e-12)
    np.testing.assert_allclose(load(found, "numpy")(**given, **more), expected, atol=1e-5)


def applied(form: str, scores: Any, more: dict[str, Any]) -> Any:
    """What a form does to the scores."""
    keep = {
        "expression": np.tri(5, 7, 2, dtype=bool),
        "boolean input": more.get("keep"),
        "keys": more.get("pad"),
        "product": more["keep"] & more["pad"] if {"keep", "pad"} <= more.keys() else None,
    }
    if form == "added":
        return scores + more["bias"]
    if form == "soft cap":
        return 2 * np.tanh(scores / 2)
    return np.where(keep[form], scores, -np.inf)
