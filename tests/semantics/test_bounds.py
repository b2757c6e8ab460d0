"""What multiplies is bounded, and said so."""

from __future__ import annotations

from pathlib import Path

import pytest

from attn_dsl.diagnostics import DiagnosticError
from attn_dsl.ir.ops import MatMul
from attn_dsl.pipeline import analyse, read
from attn_dsl.semantics import builder


def test_modules_that_use_the_next_one_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(builder, "MAX_COPIES", 50)
    for number in range(10):
        call = f'@{{ op: "./m{number + 1}.attn" }}' if number < 9 else "@{ op: softmax }"
        text = f"flowchart TD\n x([x]) --> a[first]{call}\n a --> b[second]{call}\n"
        (tmp_path / f"m{number}.attn").write_text(text)
    (tmp_path / "top.attn").write_text(
        'flowchart TD\n x["x : f32[N, M]"] --> y[all]@{ op: "./m0.attn" }\n'
    )
    with pytest.raises(DiagnosticError) as caught:
        analyse(read(tmp_path / "top.attn"))
    assert [d.code for d in caught.value.diagnostics] == ["E047"]
    assert "more than 50 copies" in caught.value.diagnostics[0].message


def test_a_weighted_sum_of_weights_and_values_is_their_product() -> None:
    drawn = "flowchart TD\n Q & K --> S[MatMul] --> W[Softmax]\n W & V --> O[{}]\n"
    said, meant = (analyse(read(drawn.format(word))) for word in ("Weighted Sum", "MatMul"))
    assert said.drawn == meant.drawn
    assert isinstance(said.drawn.table["O"].op, MatMul)
    assert [remark.fused for remark in said.remarks] == [True]
