"""Other ids, and lines in another order, change nothing of what a drawing with families means."""

from __future__ import annotations

import re
from typing import Any

import pytest
from drawn import compiled
from hypothesis import given
from hypothesis import strategies as st
from members import ATTENTION, QUERY, TOKENS, in_full, members
from support import examples
from test_invariance import anonymous
from test_member_heads import BOXES, CONCATENATE, JOINED, LINEAR, MODULE, X

STEPS = """S{i} --> D{i}["Scale by 1/√d"] --> M{i}["Mask: k < g{i}"]
g{i}(["g{i} : f32[...]"]) --> M{i}
M{i} --> W{i}[Softmax]
"""
DRAWINGS: dict[str, tuple[str, dict[str, Any]]] = {
    "tokens": (QUERY + members(TOKENS + ATTENTION), {}),
    "tokens in full": (QUERY + members(TOKENS + ATTENTION, in_full(4)), {}),
    "steps": (
        QUERY + members(TOKENS + ATTENTION.replace("S{i} --> W{i}[Softmax]\n", STEPS)),
        {},
    ),
    "heads": (X + members(LINEAR + BOXES + JOINED) + CONCATENATE, {"heads": 4}),
    "modules": (X + members(LINEAR + MODULE + JOINED) + CONCATENATE, {"heads": 4}),
    "sum of heads": (X + members(LINEAR + MODULE + JOINED) + "x --> C[Add]\n", {"heads": 4}),
    "experts": (X + members("x --> F{i}[Feed Forward] --> C") + "C[Mean]\n", {"F__N": 4}),
    "one softmax": (
        QUERY
        + members(
            TOKENS + "Q & K{i} --> S{i}[Dot Product] --> W\nW --> w{i}(Weight {i})\n"
            "w{i} & V{i} --> P{i}[Multiply] --> O"
        )
        + "W[Softmax]\nO[Sum]\n",
        {},
    ),
}
NAMES = ("Alpha", "b_", "Ce", "dd", "Ee_x", "Fo", "g", "Ho", "i_i", "Jj", "kK", "Lo", "mu", "nu")


def expanded(text: str) -> list[tuple[str, str]]:
    """Each box, and each arrow, on a line of its own, with the node that it belongs to."""
    lines: list[tuple[str, str]] = []
    for line in filter(None, text.splitlines()):
        chain = re.split(r" (--> |-- [^>]*? --> )", line)
        for left, arrow, right in zip(chain[::2], chain[1::2], chain[2::2], strict=False):
            for source in left.split(" & "):
                for target in right.split(" & "):
                    lines.append((_id(target), f"{_id(source)} {arrow}{_id(target)}"))
        boxes = [box for part in chain[::2] for box in part.split(" & ")]
        lines += [(_id(box), box) for box in boxes if box != _id(box)]
    return lines


def _id(box: str) -> str:
    found = re.match(r"\w+", box)
    assert found is not None
    return found[0]


@st.composite
def drawings(draw: st.DrawFn) -> tuple[str, str, dict[str, Any]]:
    """A drawing, and the same with other ids and its lines in another order."""
    text, settings = DRAWINGS[draw(st.sampled_from(sorted(DRAWINGS)))]
    lines = expanded(text)
    order = draw(st.permutations(range(len(lines))))
    slots: dict[str, list[str]] = {}
    for target, line in lines:
        slots.setdefault(target, []).append(line)  # arrows into one node keep their order
    shuffled = "\n".join(slots[lines[at][0]].pop(0) for at in order)
    ids = {id for target, line in lines for id in (target, _id(line))}
    stems = sorted({id[:-1] for id in ids if re.search(r"\d$|N$", id)})
    names = dict(zip(stems, draw(st.permutations(NAMES)), strict=False))
    for stem in stems:
        shuffled = re.sub(rf"\b{stem}(?=(\d|N)\b)", f"<{stem}>", shuffled)
    for stem, name in names.items():
        shuffled = shuffled.replace(f"<{stem}>", name)
    renamed = {
        key.replace("F__", f"{names.get('F', 'F').rstrip('_')}__"): v for key, v in settings.items()
    }
    return text, shuffled, renamed


@given(drawings())
@examples(120)
def test_the_same_drawing_is_the_same_program(case: tuple[str, str, dict[str, Any]]) -> None:
    text, other, settings = case
    plain = compiled(text, **next(s for t, s in DRAWINGS.values() if t == text))
    found = compiled(other, **settings)
    assert anonymous(found.drawn) == anonymous(plain.drawn)
    assert anonymous(found.fused) == anonymous(plain.fused)


@pytest.mark.parametrize("name", DRAWINGS)
def test_any_member_may_come_first(name: str) -> None:
    """Lines of the last member before those of the first."""
    text, settings = DRAWINGS[name]
    lines = expanded(text)
    last = [line for target, line in lines if re.search(r"(N|4)$", target)]
    others = [line for target, line in lines if not re.search(r"(N|4)$", target)]
    plain, found = compiled(text, **settings), compiled("\n".join([*last, *others]), **settings)
    assert anonymous(found.drawn) == anonymous(plain.drawn)
