"""Members that are modules: masks into them, several outputs, positions; as if drawn apart."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from drawn import NDArray, inputs, normal, operations
from members import members

from attn_dsl.diagnostics import DiagnosticError
from attn_dsl.ir import evaluate
from attn_dsl.pipeline import Compiled, analyse, read

FILES = {
    "attend": 'q([Query]) --> s["q · kᵀ"]@{ op: matmul }\nk([Key]) -- Transpose --> s\n'
    's --> m["Mask (opt.)"] --> w[Softmax]\nw & v([Value]) --> o[MatMul]\n',
    "around": 'q([Query]) & k([Key]) & v([Value]) --> a["Inner"]@{ op: ./attend.attn }\n',
    "parts": "x([x]) --> up[Linear]@{ bias: false }\nx --> down[Tanh]\n",
}
B, T, S, E = 2, 3, 4, 6
QKV = 'q(["q : f32[..., T, 6]"])\nk(["k : f32[..., S, 6]"])\nv(["v : f32[..., S, 6]"])\n'
ARRAYS = {"q": normal(0, B, T, E), "k": normal(1, B, S, E), "v": normal(2, B, S, E)}


@pytest.fixture
def files(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / f"{name}.attn").write_text(f"flowchart TD\n{text}", encoding="utf-8")
    return tmp_path


def using(files: Path, text: str, **settings: Any) -> Compiled:
    """The drawing `text` beside the modules; `[NAME]` is the module NAME."""
    text = re.sub(r"\[(attend|around|parts)\]", r'["A \1"]@{ op: ./\1.attn }', text)
    (files / "main.attn").write_text(f"flowchart TD\n{text}", encoding="utf-8")
    named = {name.replace("__", "."): value for name, value in settings.items()}
    return analyse(read(files / "main.attn"), named)


def errors(files: Path, text: str, **settings: Any) -> list[str]:
    with pytest.raises(DiagnosticError) as caught:
        using(files, text, **settings)
    return [d.code for d in caught.value.diagnostics if d.code[0] == "E"]


def run(found: Compiled, arrays: dict[str, NDArray]) -> dict[str, NDArray]:
    """What the drawn graph gives, in float64; the same from the fused one."""
    given = {n: a.astype(float) if a.dtype.kind == "f" else a for n, a in arrays.items()}
    result = evaluate(found.drawn, given)
    for name, value in evaluate(found.fused, given).items():
        np.testing.assert_allclose(value, result[name], atol=1e-12)
    return result


def attended(part: slice, keep: NDArray) -> NDArray:
    q, k, v = (ARRAYS[name][..., part].astype(float) for name in "qkv")
    scores = np.where(keep, q @ k.swapaxes(-1, -2), -np.inf)
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    return weights / weights.sum(-1, keepdims=True) @ v


def keeps(*shape: int) -> NDArray:
    """Every row keeps its first key."""
    found = normal(7, *shape) > 0
    found[..., 0] = True
    return found


@pytest.mark.parametrize("module", ["attend", "around"])
@pytest.mark.parametrize("batch", [True, False])
def test_one_mask_for_all_heads(files: Path, module: str, batch: bool) -> None:
    """Its batch dims stay before the axis of the heads, at any depth."""
    dims, keep = ("...", keeps(B, T, S)) if batch else ("", keeps(T, S))
    text = members(f"q & k & v --> h{{i}}[{module}] --> C[Concatenate]", "12")
    mask = f'm(["m : bool[{dims}, T, S]"])'.replace("[, ", "[")
    found = using(files, f"{QKV}{text}{mask} -- Mask --> h1 & h2")
    assert "tiled_attention" in operations(found.fused)
    (result,) = run(found, {**ARRAYS, "m": keep}).values()
    parts = [attended(slice(3 * i, 3 * i + 3), keep) for i in range(2)]
    np.testing.assert_allclose(result, np.concatenate(parts, -1), atol=1e-6)


@pytest.mark.parametrize("module", ["attend", "around"])
def test_a_mask_for_each_head(files: Path, module: str) -> None:
    text = members(
        f"q & k & v --> h{{i}}[{module}] --> C[Concatenate]\n"
        'm{i}(["m{i} : bool[..., T, S]"]) -- Mask --> h{i}',
        "12",
    )
    keep = keeps(B, 2, T, S)
    found = using(files, QKV + text)
    assert inputs(found.drawn)["m"] == "bool[..., 2, T, S]"
    (result,) = run(found, {**ARRAYS, "m": keep}).values()
    parts = [attended(slice(3 * i, 3 * i + 3), keep[:, i]) for i in range(2)]
    np.testing.assert_allclose(result, np.concatenate(parts, -1), atol=1e-6)


def test_members_that_differ_in_their_mask_alone(files: Path) -> None:
    """Their scores are one matrix, and no rule makes several of it; never a wrong number."""
    text = members(
        'q & k & v --> h{i}[attend] --> C[Sum]\nm{i}(["m{i} : bool[..., T, S]"]) -- Mask --> h{i}'
    )
    assert errors(files, QKV + text) == ["E053"]


X = 'x(["x : f32[..., T, 6]"])\n'


@pytest.mark.parametrize("open", [True, False])
def test_both_outputs_of_each_head(files: Path, open: bool) -> None:
    text = "x --> h{i}[parts]\nh{i} -- up --> C[Concatenate]\nh{i} -- down --> D[Concatenate]"
    settings = {"h__N": 2} if open else {}
    found = using(files, X + members(text, "12N" if open else "12"), **settings)
    x, weight = normal(0, B, T, 6), normal(1, 6, 3)
    result = run(found, {"x": x, "h.up.weight": weight})
    np.testing.assert_allclose(result["D"], np.tanh(x.astype(float)))
    up = [x[..., 3 * i : 3 * i + 3].astype(float) @ weight[3 * i : 3 * i + 3].T for i in range(2)]
    np.testing.assert_allclose(result["C"], np.concatenate(up, -1))


def test_outputs_of_members_that_nobody_uses(files: Path) -> None:
    """Each is one tensor of all members."""
    found = using(files, members('x{i}(["x{i} : f32[..., T, 6]"]) --> h{i}[parts]'))
    types = {name: str(found.drawn.types[value]) for name, value in found.drawn.outputs}
    assert types == dict.fromkeys(("h.up", "h.down"), "f32[..., N, T, 6]")


def test_members_that_take_different_outputs_are_no_family(files: Path) -> None:
    text = members('x{i}(["x{i} : f32[..., T, 6]"]) --> h{i}[parts]', "12")
    found = using(files, f"{text}h1 -- up --> C[Add]\nh2 -- down --> C")
    assert set(inputs(found.drawn)) == {"x1", "x2"}
    found = using(files, f"{text}h1 -- up --> C[Add]\nh2 -- up --> C")
    assert set(inputs(found.drawn)) == {"x"}


def test_a_label_and_metadata_say_the_same_of_an_arrow(files: Path) -> None:
    text = members("q & k & v --> h{i}[attend] --> C[Concatenate]", "12")
    mask = 'm(["m : bool[T, S]"])\nm -- Mask --> h1\nm e1@--> h2\ne1@{ role: Mask }\n'
    assert operations(using(files, QKV + text + mask).drawn).count("softmax") == 1


def test_what_metadata_says_of_the_count(files: Path) -> None:
    text = X + members("x --> h{i}[parts]\nh{i} -- down --> D[Concatenate]", "12N")
    metadata = "".join(f"h{i}@{{ heads: 3 }}\n" for i in "12N")
    found = using(files, text + metadata)
    assert str(found.drawn.types["h_down"]) == "f32[..., 3, T, 2]"
    assert errors(files, text + metadata.replace("3", "0")) == ["E051"]
    assert errors(files, text) == ["E051"]


def test_a_size_of_a_module_is_no_count_of_members(files: Path) -> None:
    """`N` is how long x is in there, whatever the drawing around calls that."""
    body = 'x(["x : f32[N, E]"])\n' + members("x --> h{i}[Linear] --> C[Concatenate]", "12N")
    (files / "inner.attn").write_text(f"flowchart TD\n{body}", encoding="utf-8")
    text = 'y(["y : f32[4, 6]"]) --> A["Inner"]@{ op: ./inner.attn }\n'
    assert errors(files, text) == ["E051"]
    found = using(files, text, A__h__N=2)
    assert [s.op.heads for s in found.drawn.statements if s.op.mnemonic == "split_heads"] == [2]
