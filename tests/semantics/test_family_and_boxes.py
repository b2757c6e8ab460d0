"""A family means what its boxes mean alone: random drawings, read as one and box by box."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from drawn import NDArray, inputs, parameters
from hypothesis import given
from hypothesis import strategies as st
from support import examples

from attn_dsl.ir import evaluate
from attn_dsl.pipeline import Compiled, analyse, read

WORDS = ("one", "two", "three", "four")
"""Indices that are none: nodes that end in them are no family."""
SIZE = 3
ON_VECTORS = (
    *("ReLU", "Tanh", "Dropout", "Softmax", "Linear", "Norm", "Feed Forward"),
    *('"Scale: 1/2"', '"Score: s * k"', '"Mask: k > 0"', '"y{i} = max({x}, 0)"'),
)
ON_MATRICES = (
    *("Transpose", "Causal Mask", '"Score: s + k - 2 * q"', '"y{i} = {x}ᵀ @ {x}"'),
    *("Attention", "Multi-Head Attention", "Add & Norm"),
)
PAIRS = ("Add", "Subtract", "Multiply")


@dataclass(frozen=True)
class Box:
    """A box of each member: its label, and the stems, or the outside value, that flow in."""

    stem: str
    label: str
    operands: tuple[str, ...]

    def lines(self, index: str) -> Iterator[str]:
        """The box of one member, and its arrows."""
        sources = [name if name == "u" else name + index for name in self.operands]
        label = self.label.replace("{i}", index).replace("{x}", sources[0])
        yield from (f"{source} --> {self.stem}{index}" for source in sources)
        yield f"{self.stem}{index}[{label}]" + "@{ heads: 1 }" * ("Multi" in label)


@dataclass(frozen=True)
class Drawing:
    """Boxes of each member, and the one that all members flow into."""

    boxes: tuple[Box, ...]
    end: str
    dims: str

    def text(self, indices: Sequence[str]) -> str:
        """The drawing with these indices."""
        names = ["u", *(f"{stem}{i}" for stem in "ac" for i in indices)]
        lines = ["flowchart TD", *(f'{x}(["{x} : f32[..., {self.dims}]"])' for x in names)]
        for box in self.boxes:
            lines += [line for i in indices for line in box.lines(i)]
        lines += [f"{self.boxes[-1].stem}{i} --> out[{self.end}]" for i in indices]
        return "\n".join(lines)


@st.composite
def drawings(draw: st.DrawFn) -> Drawing:
    """Whatever fits the type that all values have."""
    end, dims = draw(st.sampled_from(["Add", "Concatenate"])), draw(st.sampled_from(["T", "T, T"]))
    known = ["a", "c"] + ["u"] * (end == "Add")  # heads that are concatenated split what enters
    labels = ON_VECTORS + PAIRS + ((*ON_MATRICES, "MatMul") if dims != "T" else ())
    boxes: list[Box] = []
    for stem in "vwxyz"[: draw(st.integers(1, 5))]:
        label = draw(st.sampled_from(labels))
        count = 2 if label in (*PAIRS, "MatMul", "Add & Norm") else 1
        boxes.append(Box(stem, label, tuple(draw(st.sampled_from(known)) for _ in range(count))))
        known.append(stem)
    used = [Box("last", "Add", (boxes[-1].stem, "a"))]  # so that members differ
    for box in reversed(boxes):
        if any(box.stem in other.operands for other in used):
            used.insert(0, box)
    return Drawing(tuple(used), end, dims)


def output(found: Compiled, arrays: dict[str, NDArray]) -> NDArray:
    """What the fused graph gives, in float64."""
    with np.errstate(invalid="ignore", over="ignore"):  # masks make -inf of what is added later
        (result,) = evaluate(found.fused, arrays).values()
    return result


@given(drawings(), st.integers(2, 4), st.integers(0, 99))
@examples(150)
def test_one_family_is_as_many_boxes(drawing: Drawing, count: int, seed: int) -> None:
    """Parameters of the family are those of the boxes, one below the other."""
    random, words = np.random.default_rng(seed), WORDS[:count]
    family, larger = (
        analyse(read(drawing.text([str(i + 1) for i in range(n)]))) for n in (count, count + 1)
    )
    assert len(family.drawn.statements) == len(larger.drawn.statements)
    alone = analyse(read(drawing.text(words)))
    shape = [SIZE] * len(drawing.dims.split(", "))
    all_members: dict[str, NDArray] = {}
    each: dict[str, NDArray] = {}
    for name in sorted({"a", "c", "u"} & set(inputs(family.drawn))):  # no optional mask
        parts = [random.normal(size=(2, *shape)) for _ in words]
        of_all = name == "u"
        all_members[name] = parts[0] if of_all else np.stack(parts, axis=1)
        each |= (
            {"u": parts[0]} if of_all else dict(zip((name + w for w in words), parts, strict=True))
        )
    for name in parameters(family.drawn):
        stem, _, rest = name.partition(".")
        type_ = parameters(alone.drawn)[f"{stem}{words[0]}.{rest}"]
        sizes = [4 * SIZE if dim == "4*T" else SIZE for dim in type_[4:-1].split(", ")]
        parts = [random.normal(size=sizes) for _ in words]
        all_members[name] = np.concatenate(parts)
        each |= {f"{stem}{w}.{rest}": part for w, part in zip(words, parts, strict=True)}
    np.testing.assert_allclose(output(family, all_members), output(alone, each), atol=1e-8)
