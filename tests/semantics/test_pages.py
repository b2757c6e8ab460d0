"""A cache in pages: a table says which ones a sequence has, and the kernel reads them there."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from drawn import attention, body, codes, compiled, inputs, normal, operations, problems

from attn_dsl.ir import InvalidGraph, evaluate, from_text, to_text, verify
from attn_dsl.pipeline import load

SIZES = {"B": 2, "H": 4, "G": 2, "N": 3, "D": 8, "E": 5, "P": 9, "S": 6, "J": 20}
DRAWING = """
Q(["Q : f32[{q}, N, D]"])
pool_K(["pool_K : f32[{pool}D]"]) & table(["table : i32[{table}J]"]) --> K[{word}]
pool_V(["pool_V : f32[{pool}E]"]) & table --> V[{word}]
Q --> S[MatMul]
K -- Transpose --> S
S --> m["{mask}"] --> P[Softmax]
length(["length : i32[B]"]) --> m
P & V --> O[MatMul]
"""
MASK = "Mask: k < length[{b}]"
FORMS = {
    "heads": ("B, H", "P, H, S, ", "B, ", "b"),
    "grouped heads": ("B, H", "P, G, S, ", "B, ", "b"),
    "one head": ("B, H", "P, 1, S, ", "B, ", "b"),
    "shared by all heads": ("B, H", "P, S, ", "B, ", "b"),
    "a batch alone": ("B", "P, S, ", "B, ", "h"),
    "one sequence": ("B, H", "P, H, S, ", "", "b"),
    "one sequence for all": ("B, H", "P, S, ", "", "b"),
    "one row of a table": ("B, H", "P, H, S, ", "1, ", "b"),
    "pages for each head": ("B, H", "P, S, ", "B, H, ", "b"),
}
COPIED = {
    "pages for each group": ("B, H", "P, S, ", "B, G, ", "b"),
    "pages for more heads than queries": ("B, 1", "P, H, S, ", "B, ", "b"),
    "one query for all sequences": ("H", "P, H, S, ", "B, ", "b"),
    "more batch dims than indices": ("A, B, H", "P, H, S, ", "A, B, ", "b"),
}


def drawing(form: tuple[str, ...], word: str = "Paged Cache") -> str:
    q, pool, table, b = form
    return DRAWING.format(q=q, pool=pool, table=table, mask=MASK.format(b=b), word=word)


def shape(dims: str, **more: int) -> list[int]:
    sizes = SIZES | {"A": 2} | more
    names = [name for name in dims.replace(" ", "").split(",") if name]
    return [sizes[name] if name in sizes else int(name) for name in names]


def arrays(form: tuple[str, ...]) -> dict[str, Any]:
    """Pages in any order, some of them twice, some that there are not."""
    q, pool, table, _ = form
    random = np.random.default_rng(0)
    return {
        "Q": normal(0, *shape(q), SIZES["N"], SIZES["D"]),
        "pool_K": normal(1, *shape(pool), SIZES["D"]),
        "pool_V": normal(2, *shape(pool), SIZES["E"]),
        "table": random.integers(-2, SIZES["P"] + 2, shape(table + "J")).astype(np.int32),
        "length": np.array([0, 77], np.int32),
    }


def gathered(pool: Any, table: Any, heads: bool) -> Any:
    """Keys or values in one piece [..., heads, keys, d], by a loop."""
    if table.ndim > 1:
        return np.stack([gathered(pool, row, heads) for row in table])
    pages = [pool[i] if 0 <= i < len(pool) else np.zeros_like(pool[0]) for i in table]
    return np.concatenate(pages, -2)


def expected(given: dict[str, Any], form: tuple[str, ...]) -> Any:
    q = given["Q"].astype(np.float64)
    parts = []
    for name in ("pool_K", "pool_V"):
        x = gathered(given[name].astype(np.float64), given["table"], given[name].ndim > 3)
        if x.ndim == q.ndim - 1 and x.ndim == 3 and given["table"].ndim == 2:
            x = x[:, None]  # shared by all heads
        if x.ndim > 3 and 1 < x.shape[-3] < q.shape[-3]:
            x = np.repeat(x, q.shape[-3] // x.shape[-3], -3)
        parts.append(x)
    length = given["length"].reshape(-1, *[1] * (2 if form[3] == "h" else 3))
    keep = np.arange(SIZES["J"] * SIZES["S"]) < length
    with np.errstate(invalid="ignore"):
        return np.nan_to_num(attention(q, *parts, keep=keep))  # no key is seen where length is 0


@pytest.mark.parametrize("form", [*FORMS, *COPIED])
@pytest.mark.parametrize("target", ["numpy", "cuda"])
def test_numbers(form: str, target: str) -> None:
    dims = (FORMS | COPIED)[form]
    found = compiled(drawing(dims), D=8, E=5)
    given = arrays(dims)
    wanted = expected(given, dims)
    np.testing.assert_allclose(evaluate(found.drawn, given)["O"], wanted, atol=1e-12)
    np.testing.assert_allclose(evaluate(found.fused, given)["O"], wanted, atol=1e-12)
    if target == "numpy" or form in FORMS:
        result = load(found, target, emulate=target == "cuda")(**given)
        np.testing.assert_allclose(result, wanted, atol=1e-5)


@pytest.mark.parametrize("form", FORMS)
def test_nothing_is_copied(form: str) -> None:
    assert operations(compiled(drawing(FORMS[form])).fused) == ["tiled_attention"]


@pytest.mark.parametrize("form", COPIED)
def test_what_no_index_counts_is_copied(form: str) -> None:
    found = operations(compiled(drawing(COPIED[form])).fused)
    assert found == ["gather_pages", "gather_pages", "tiled_attention"]


UNMASKED = (
    drawing(FORMS["heads"])
    .replace("length[b]", "70")
    .replace('length(["length : i32[B]"]) --> m', "")
)


def is_copied(text: str, given: dict[str, Any]) -> None:
    found = compiled(text)
    assert operations(found.fused).count("gather_pages") == 2
    wanted = evaluate(found.drawn, given)["O"]
    np.testing.assert_allclose(load(found, "numpy")(**given), wanted, atol=1e-5)


@pytest.mark.parametrize("heads", ["A", "H"])
def test_heads_of_heads_are_copied(heads: str) -> None:
    """Pages have the heads H, and each of these serves several heads of the query."""
    given = arrays((f"B, H, {heads}", *FORMS["heads"][1:]))
    del given["length"]
    is_copied(UNMASKED.replace("B, H, N, D", f"B, H, {heads}, N, D"), given)


def test_a_size_that_is_called_like_an_index() -> None:
    given = arrays(FORMS["heads"])
    del given["length"]
    is_copied(UNMASKED.replace("P, H, S", "P, H, q"), given)


def test_rows_before_heads() -> None:
    """`[P, S, H, D]`, as FlashAttention and vLLM have their pools."""
    form = FORMS["grouped heads"]
    given = arrays(form)
    wanted = expected(given, form)
    turned = drawing(form).replace("[Paged Cache]", '["Paged Cache"]@{ axis: -3 }')
    turned = turned.replace("P, G, S, ", "P, S, G, ")
    found = compiled(turned, D=8, E=5)
    assert operations(found.fused) == ["tiled_attention"]
    given |= {name: np.swapaxes(given[name], 1, 2) for name in ("pool_K", "pool_V")}
    np.testing.assert_allclose(evaluate(found.drawn, given)["O"], wanted, atol=1e-12)
    np.testing.assert_allclose(evaluate(found.fused, given)["O"], wanted, atol=1e-12)
    for target in ("numpy", "cuda"):
        result = load(found, target, emulate=target == "cuda")(**given)
        np.testing.assert_allclose(result, wanted, atol=1e-5)


WORDS = ["Gather Pages", "paged KV cache", "Paged <br> Cache", "Block-table lookup"]


@pytest.mark.parametrize("word", WORDS)
def test_words(word: str) -> None:
    form = FORMS["heads"]
    assert body(compiled(drawing(form, word)).drawn) == body(compiled(drawing(form)).drawn)


def test_the_table_is_what_has_whole_numbers() -> None:
    text = drawing(FORMS["heads"])
    turned = text.replace(' & table(["table : i32[B, J]"]) --> K', " --> K").replace(
        "pool_K([", 'table(["table : i32[B, J]"]) --> K[Paged Cache]\npool_K(['
    )
    assert body(compiled(turned).drawn) == body(compiled(text).drawn)


POOL, TABLE = "f32[P, H, S, D]", "i32[B, J]"


@pytest.mark.parametrize(
    ("pool", "table", "rest", "code", "said"),
    [
        (POOL, "f32[B, J]", "", "E038", "lists pages by their numbers"),
        (POOL, "bool[B, J]", "", "E038", "lists pages by their numbers"),
        ("i32[P, S, D]", TABLE, "", "E038", "floating-point"),
        (POOL, "i32[]", "", "E038", "a row of pages"),
        ("f32[P, D]", TABLE, "", "E038", "f32[P, S, D]"),
        ("f32[L, P, H, S, D]", TABLE, "", "E038", "f32[P, S, D]"),
        ("f32[..., P, S, D]", TABLE, "", "E038", "f32[P, S, D]"),
        (POOL, TABLE, "K@{ axis: -1 }", "E038", "-3 for a pool f32[P, S, H, D]"),
        ("f32[P, S, D]", TABLE, "K@{ axis: -3 }", "E038", "-3 for a pool f32[P, S, H, D]"),
        (POOL, TABLE, 'more(["more : f32[N]"]) --> K', "E033", "a pool of pages and a table"),
    ],
)
def test_errors(pool: str, table: str, rest: str, code: str, said: str) -> None:
    text = f'x(["x : {pool}"]) & t(["t : {table}"]) --> K[Paged Cache]\n{rest}'
    (error,) = problems(text)
    assert error.code == code
    assert said in f"{error.message} {error.help}"


def test_a_table_has_to_be_declared() -> None:
    assert codes('x(["x : f32[P, S, D]"]) & t[table] --> K[Paged Cache]') == ["E039"]


def test_alone_it_is_a_copy() -> None:
    found = compiled('x(["x : f32[P, S, D]"]) & t(["t : i64[..., J]"]) --> y[Paged Cache]')
    x, t = normal(0, 4, 3, 2), np.array([[[3, 0, -1], [1, 4, 9]]])
    wanted = gathered(x, t, False)
    np.testing.assert_array_equal(evaluate(found.drawn, {"x": x, "t": t})["y"], wanted)
    np.testing.assert_array_equal(load(found, "numpy")(x=x, t=t), wanted)
    empty = {"x": x[:0], "t": t}
    np.testing.assert_array_equal(load(found, "numpy")(**empty), np.zeros((1, 2, 9, 2)))
    kernel = load(
        compiled('x(["x : f32[P, S, D]"]) & t(["t : i32[J]"]) --> y[Paged Cache]'),
        "cuda",
        emulate=True,
    )
    t32 = np.int32(t[0, 1])
    np.testing.assert_array_equal(kernel(x=x, t=t32), wanted[0, 1])


def test_tiles_past_the_length_are_never_read() -> None:
    """Pages that hold NaN stand after the end: not one of them comes into a product."""
    form = FORMS["heads"]
    found = compiled(drawing(form), D=8, E=5)
    given = arrays(form) | {"table": np.zeros((2, 100), np.int32)}
    given["table"][:, 43:] = 1  # 256 keys and more are a tile of its own
    given["length"][:] = 256
    for name in ("pool_K", "pool_V"):
        given[name][1] = np.nan
    clean = given | {n: np.nan_to_num(given[n]) for n in ("pool_K", "pool_V")}
    for target in ("numpy", "cuda"):
        kernel = load(found, target, emulate=target == "cuda")
        np.testing.assert_array_equal(kernel(**given), kernel(**clean))


STEPS = {
    "a log-sum-exp beside": ("S --> m[", "m --> L[LSE]\nS --> m["),
    "a score": ("S --> m[", 'S --> B["Score: 9 * tanh(s) + h"] --> m['),
    "an added mask": ("S --> m[", 'S & x(["x : f32[N, J*S]"]) --> X[Add] --> m['),
    "an optional mask": ("S --> m[", 'S --> given["Mask (opt.)"] --> m['),
    "a sink": ("P & V", "sinks --> P\nP & V"),
    "large scores": ("S --> m[", 'S --> B["Scale by 300"] --> m['),
}


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("target", ["numpy", "cuda"])
def test_with_more_steps(step: str, target: str) -> None:
    form = FORMS["grouped heads"]
    found = compiled(drawing(form).replace(*STEPS[step]), D=8, E=5)
    assert all(remark.fused for remark in found.remarks)
    assert "gather_pages" not in operations(found.fused)
    more = {"sinks": normal(5, 4), "x": normal(6, 3, 120), "given": normal(7, 2, 4, 3, 120)}
    given = arrays(form) | {name: more[name] for name in inputs(found.drawn) if name in more}
    wanted = evaluate(found.drawn, given)
    result = load(found, target, emulate=target == "cuda")(**given)
    outputs = result if len(wanted) > 1 else {"O": result}
    for name, value in wanted.items():
        np.testing.assert_allclose(outputs[name], value, atol=1e-4 if "large" in step else 1e-5)


def test_gathered_keys_may_be_an_output() -> None:
    form = FORMS["heads"]
    found = compiled(drawing(form) + "\nK --> Keys", D=8, E=5)
    assert sorted(operations(found.fused)) == ["gather_pages", "tiled_attention"]
    given = arrays(form)
    result = load(found, "numpy")(**given)
    for name, value in evaluate(found.drawn, given).items():
        np.testing.assert_allclose(result[name], value, atol=1e-5)
    assert "in_pages(pool_K" in load(found, "numpy").source


def test_sixteen_bits() -> None:
    form = FORMS["heads"]
    found = compiled(drawing(form).replace("f32", "f16"))
    given = {n: a.astype(np.float16) if a.dtype == "f" else a for n, a in arrays(form).items()}
    (wanted,) = evaluate(found.drawn, given).values()
    result = load(found, "numpy")(**given)
    assert result.dtype == np.float16
    np.testing.assert_allclose(result, wanted, atol=2e-3)


def test_one_pool_two_tables() -> None:
    text = """
Q(["Q : f32[N, D]"]) & K[Paged Cache] --> S[MatMul] --> P[Softmax]
pool(["pool : f32[P, S, D]"]) & k_table(["k_table : i32[J]"]) --> K
pool & v_table(["v_table : i32[J]"]) --> V[Paged Cache]
P & V --> O[MatMul]
"""
    found = compiled(text, D=8)
    assert operations(found.fused) == ["tiled_attention"]
    given = {"Q": normal(0, 4, 8), "pool": normal(1, 5, 3, 8)}
    given |= {"k_table": np.array([1, 0], np.int32), "v_table": np.array([4, 3], np.int32)}
    pages = [given["pool"][[a, b]].reshape(6, 8).astype(float) for a, b in ((1, 0), (4, 3))]
    wanted = attention(given["Q"].astype(float), *pages)
    for target in ("numpy", "cuda"):
        result = load(found, target, emulate=target == "cuda")(**given)
        np.testing.assert_allclose(result, wanted, atol=1e-5)


def test_without_a_softmax() -> None:
    text = drawing(FORMS["heads"]).replace("P[Softmax]", "P[Sigmoid]")
    found = compiled(text, D=8, E=5)
    given = arrays(FORMS["heads"])
    for target in ("numpy", "cuda"):
        result = load(found, target, emulate=target == "cuda")(**given)
        np.testing.assert_allclose(result, evaluate(found.drawn, given)["O"], atol=1e-5)


def test_keys_of_pages_and_values_in_one_piece() -> None:
    text = drawing(FORMS["heads"]).replace(
        'pool_V(["pool_V : f32[P, H, S, E]"]) & table --> V[Paged Cache]',
        'V(["V : f32[B, H, J*S, E]"])',
    )
    found = compiled(text, D=8, E=5)
    assert operations(found.fused) == ["tiled_attention"]
    given = arrays(FORMS["heads"])
    del given["pool_V"]
    given["V"] = normal(3, 2, 4, 120, 5)
    for target in ("numpy", "cuda"):
        result = load(found, target, emulate=target == "cuda")(**given)
        np.testing.assert_allclose(result, evaluate(found.drawn, given)["O"], atol=1e-5)


def test_pools_of_two_layouts() -> None:
    """The values' pool has its rows first: they are copied, the keys are not."""
    text = drawing(FORMS["heads"]).replace("f32[P, H, S, E]", "f32[P, S, H, E]")
    found = compiled(text + "\nV@{ axis: -3 }", D=8, E=5)
    assert operations(found.fused) == ["gather_pages", "tiled_attention"]
    given = arrays(FORMS["heads"])
    wanted = expected(given, FORMS["heads"])
    given["pool_V"] = np.swapaxes(given["pool_V"], 1, 2)
    np.testing.assert_allclose(load(found, "numpy")(**given), wanted, atol=1e-5)


def test_the_text_of_the_graph_is_read_back() -> None:
    found = compiled(drawing(FORMS["grouped heads"]))
    assert from_text(to_text(found.fused)) == found.fused
    (line,) = [x for x in body(found.fused) if "tiled_attention" in x]
    assert 'key_page="table[b, k // S]"' in line
    for wrong in ("table[h, k // S]", "table[q, k // S]", "table[b, k]", "table[b, k // D]", "q"):
        text = to_text(found.fused).replace("table[b, k // S]", wrong)
        with pytest.raises(InvalidGraph, match=r"page|indices"):
            verify(from_text(text))


def test_rows_of_other_pages_are_another_kernel() -> None:
    """The attention and the log-sum-exp share query and pool, and not the table."""
    text = """
Q(["Q : f32[N, D]"]) & A[Paged Cache] --> S[MatMul] --> P[Softmax]
pool(["pool : f32[P, S, D]"]) & a(["a : i32[J]"]) --> A
pool & b(["b : i32[J]"]) --> B[Paged Cache]
P & A --> O[MatMul]
Q & B --> R[MatMul] --> L[LSE]
"""
    found = compiled(text)
    assert sorted(operations(found.fused)) == ["tiled_attention", "tiled_log_sum_exp"]
    given = {"Q": normal(0, 4, 8), "pool": normal(1, 5, 3, 8)}
    given |= {"a": np.array([1, 0], np.int32), "b": np.array([4, 3], np.int32)}
    result = load(found, "numpy")(**given)
    for name, value in evaluate(found.drawn, given).items():
        np.testing.assert_allclose(result[name], value, atol=1e-5)


@pytest.mark.parametrize("size", ["B", "N", "J", "S", "P"])
def test_nothing_of_something(size: str, monkeypatch: pytest.MonkeyPatch) -> None:
    form = FORMS["grouped heads"]
    found = compiled(drawing(form).replace("i32[B, J]", "i64[B, J]"), D=8, E=5)
    monkeypatch.setitem(SIZES, size, 0)
    given = arrays(form)
    given["table"] = given["table"].astype(np.int64)
    given["length"] = np.array([5, 10**9], np.int32)[: SIZES["B"]]
    wanted = evaluate(found.drawn, given)["O"]
    for target in ("numpy", "cuda"):
        result = load(found, target, emulate=target == "cuda")(**given)
        np.testing.assert_array_equal(result, wanted)


def test_tables_of_any_batch_are_copied() -> None:
    text = UNMASKED.replace("B, H, N, D", "..., N, D").replace("P, H, S", "P, S")
    given = arrays(("A, B", "P, S, ", "A, B, ", "b"))
    del given["length"]
    is_copied(text.replace("i32[B, J]", "i32[..., J]"), given)
