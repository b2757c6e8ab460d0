"""Whatever is drawn, what is wrong with it is said: there is no traceback."""

from __future__ import annotations

import re
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from support import examples
from test_member_invariance import DRAWINGS as FAMILY_DRAWINGS

from attn_dsl.diagnostics import DiagnosticError, Source, render
from attn_dsl.pipeline import analyse
from attn_dsl.syntax import Block

ROOT = Path(__file__).parents[2]
FILES = [*ROOT.glob("examples/*.attn"), *(ROOT / "tests/semantics/errors").glob("*.attn")]
FENCES = re.findall(
    r"```mermaid\n(.*?)```", (ROOT / "examples/attention.md").read_text("utf-8"), re.DOTALL
)
FAMILIES = [f"flowchart TD\n{text}" for text, _ in FAMILY_DRAWINGS.values()]
DRAWINGS = [*(file.read_text("utf-8") for file in sorted(FILES)), *FENCES, *FAMILIES]
LABELS = [
    *("Softmax", "MatMul", "Add", "Linear", "Norm", "Concatenate", "Sum", "Embedding", "Scale"),
    *("Positional Encoding", "Mask", "Causal Mask", "Mask (opt.)", "Transpose", "Multiply"),
    *("Multi-Head Attention", "Attention", "Feed Forward", "Encoder Block", "Split Heads"),
    *("Mean", "Divide", "Subtract", "Key 1", "Linear Q2", "Dot Product", "Add & Norm"),
    *("Merge Heads", "Query", "Key", "Value", "ReLU", "S = A @ B", "y = max(x, 0)", "x : f32[N]"),
    *("Mask: k <= q", "Score: s * 2", "x : f32[2, 3]", "x : f32", "x : i64[...]", "x : bool[M]"),
]
DATA = [
    *("op: softmax", "op: [1]", "axis: -2", "axis: -9", "repeat: 2", "repeat: 0", "heads: 2"),
    *("out: 3", "out: [1]", 'out: "in // 3"', "hidden: 4", "bias: 3", 'type: "f32[N, D]"'),
    *("type: 4", 'carry: "x -> y"', "carry: 3", "epsilon: x", "epsilon: -1", "params: 3"),
]
SETTINGS = [{}, {"heads": 2, "N": 2}, {"heads": 3}, {"N": 1, "heads": 1, "D": 8}]
_MEMBER = re.compile(r"([A-Za-z]\w*?)[12N]")
_LABEL = re.compile(r"""(?<=[\[("|])[^\[\]()"|]+(?=[\])"|])""")


@st.composite
def drawings(draw: st.DrawFn) -> str:
    """A drawing of the tests in which some lines are gone, doubled, relabelled or new."""
    lines = draw(st.sampled_from(DRAWINGS)).splitlines()
    ids = re.findall(r"\b[A-Za-z]\w*\b", "\n".join(lines))
    id = st.sampled_from(ids)
    stems = sorted({match[1] for match in map(_MEMBER.fullmatch, ids) if match})
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(1, len(lines)) if len(lines) > 1 else st.just(1)) - 1
        match draw(st.integers(0, 6)):
            case 0 if len(lines) > 2:
                del lines[at]
            case 1:
                lines.append(lines[at])
            case 2:
                lines[at] = _LABEL.sub(draw(st.sampled_from(LABELS)), lines[at], count=1)
            case 3:
                label = draw(st.sampled_from(["", *(f'|"{x}"|' for x in LABELS)]))
                lines.append(f"{draw(id)} -->{label} {draw(id)}")
            case 4 | 5 if stems:  # the same for each member of a family
                one, other = draw(st.sampled_from(stems)), draw(st.sampled_from([*stems, "new"]))
                label = draw(st.sampled_from(LABELS))
                lines += [f'{one}{i} --> {other}{i}["{label}"]' for i in "12N"]
            case _:
                lines.append(f"{draw(id)}@{{ {draw(st.sampled_from(DATA))} }}")
    return "\n".join(lines)


@given(drawings(), st.sampled_from(SETTINGS))
@examples(300)
def test_what_is_wrong_is_said(text: str, settings: dict[str, int]) -> None:
    path = str(ROOT / "tests/semantics/errors/any.attn")
    try:
        found = analyse(Block(Source(path, text), 0, len(text), "any"), settings).notes
    except DiagnosticError as error:
        found = error.diagnostics
        assert any(d.code.startswith("E") for d in found)
    for diagnostic in found:
        assert render(diagnostic)
