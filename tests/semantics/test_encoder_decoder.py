"""The fourth drawing of attention.md: embeddings, repeated blocks, cross-attention."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from drawn import inputs, operations, parameters

from attn_dsl.pipeline import Compiled, analyse, read
from attn_dsl.semantics import elaborate, read_settings
from attn_dsl.semantics.builder import Builder
from attn_dsl.syntax import parse

FILE = f"{Path(__file__).parents[2] / 'examples' / 'attention.md'}#4"
IN_A_BLOCK = Counter({"softmax": 1, "layer_norm": 2, "add": 3, "linear": 6, "relu": 1})
"""Operations of an encoder block; the optional mask is one of the additions."""
IN_A_DECODER = Counter({"softmax": 2, "layer_norm": 3, "add": 5, "linear": 10, "relu": 1})


def analysed(**settings: int) -> Compiled:
    named = {name.replace("__", "."): value for name, value in settings.items()}
    return analyse(read(FILE), {"heads": 2} | named)


@pytest.fixture(scope="module")
def three() -> Compiled:
    return analysed(N=3)


@pytest.mark.parametrize(
    ("settings", "encoders", "decoders"),
    [
        ({"N": 1}, 1, 1),
        ({"N": 3}, 3, 3),
        ({"EncoderBlock__N": 2, "DecoderBlock__N": 4}, 2, 4),
        ({"N": 3, "DecoderBlock__N": 1}, 3, 1),
        ({"N": 3, "Encoder__EncoderBlock__N": 2, "EncoderBlock__N": 1}, 2, 3),
    ],
)
def test_blocks_are_repeated(settings: dict[str, int], encoders: int, decoders: int) -> None:
    found = Counter(operations(analysed(**settings).drawn))
    for op in IN_A_BLOCK:
        around = {"linear": 1, "softmax": 1}.get(op, 0)  # after the last block
        assert found[op] == encoders * IN_A_BLOCK[op] + decoders * IN_A_DECODER[op] + around
    assert (found["embedding"], found["positions"]) == (2, 2)


def test_each_copy_takes_what_the_one_before_gives(three: Compiled) -> None:
    table = three.drawn.table
    path = "Encoder_EncoderBlock_"
    for i, before in enumerate(("E_PosEnc", f"{path}0_E_Norm2", f"{path}1_E_Norm2")):
        assert table[f"{path}{i}_E_MHA_q"].op.operands[0] == before
        assert before in table[f"{path}{i}_E_AddNorm1_Output"].op.operands  # the residual


def test_every_decoder_block_sees_the_same_encoder_output(three: Compiled) -> None:
    path = "Decoder_DecoderBlock_"
    for i in range(3):
        keys = three.drawn.table[f"{path}{i}_CrossAttn_k"].op.operands[0]
        assert keys == "Encoder_EncoderBlock_2_E_Norm2"
        assert three.drawn.table[f"{path}{i}_CrossAttn_q"].op.operands[0].endswith(f"{i}_D_Norm1")


def test_a_node_belongs_where_it_is_declared(three: Compiled) -> None:
    """Positions are added once, though mermaid draws that node inside the block."""
    table = three.drawn.table
    assert table["E_PosEnc"].op.operands == ("InputEmbed",)
    assert not [name for name in table if "Block" in name and "PosEnc" in name]
    assert [d.code for d in three.notes] == ["W003", "W003"]


def test_parameters_are_named_by_path(three: Compiled) -> None:
    found = parameters(three.drawn)
    block = [name for name in found if name.startswith("Encoder.EncoderBlock.2.")]
    layers = [f"E_MHA.{x}" for x in "qkv"] + ["E_MHA.out", "E_Norm1"]
    layers += ["E_FFN.up", "E_FFN.down", "E_Norm2"]
    parts = ("weight", "bias")
    assert set(block) == {f"Encoder.EncoderBlock.2.{x}.{part}" for x in layers for part in parts}
    assert found["Encoder.EncoderBlock.2.E_FFN.up.weight"] == "f32[4*d_model, d_model]"
    assert found["Decoder.FinalLinear.weight"] == "f32[OutputEmbed_vocabulary, d_model]"
    assert len(found) == 3 * (16 + 26) + 2 + 2


def test_copies_share_their_masks(three: Compiled) -> None:
    assert inputs(three.drawn) == {
        "Input": "i64[..., Input_length]",
        "Output": "i64[..., Output_length]",
        "Encoder.EncoderBlock.E_MHA.mask": "bool[..., 2, Input_length, Input_length]",
        "Decoder.DecoderBlock.D_MHA.mask": "bool[..., 2, Output_length, Output_length]",
        "Decoder.DecoderBlock.CrossAttn.mask": "bool[..., 2, Output_length, Input_length]",
    }


def test_only_the_decoder_s_own_attention_is_causal(three: Compiled) -> None:
    masks = {s.name: str(s.op.mask) for s in three.fused.statements if hasattr(s.op, "mask")}  # type: ignore[attr-defined]
    causal = [name for name, mask in masks.items() if "'k'" in mask and "'q'" in mask]
    assert causal == [f"Decoder_DecoderBlock_{i}_D_MHA_heads" for i in range(3)]
    assert len(masks) == 9


def test_the_only_output(three: Compiled) -> None:
    assert [label for label, _ in three.drawn.outputs] == ["PredictedOutput"]


def test_a_deep_stack_is_linear_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each copy adds the same number of statements, and none is added twice."""
    calls: list[int] = []
    add = Builder.add

    def counted(self: Builder, *arguments: Any, **named: Any) -> Any:
        calls[-1] += 1
        return add(self, *arguments, **named)

    monkeypatch.setattr(Builder, "add", counted)
    block = read(FILE)
    diagram = parse(block.source, block.start, block.end)
    for count in (1, 2, 96):
        calls.append(0)
        elaborate(diagram, read_settings(diagram, {"N": count, "heads": 2}))
    once, twice, deep = calls
    assert deep - once == 95 * (twice - once)
