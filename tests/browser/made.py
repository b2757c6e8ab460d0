"""A small page that the tests know all of: two pictures, one with steps, and two listings."""

from __future__ import annotations

from attn_dsl.render import Picture, encode, palette
from attn_dsl.render.canvas import Canvas, Group, Item, Label, Rect
from attn_dsl.render.frames import Frame
from attn_dsl.render.page import Listing, Page, Panel

SIZE = 3
HOSTILE = '<script>alert("1")</script> & "quotes" \'\' </script> <img src=x onerror=alert(2)>'


def made_page(label: str = "Softmax") -> Page:
    """`label` stands wherever an author's text can."""
    return Page(
        f"Made of {label}",
        f"A description of {label}",
        (
            Panel("diagram", "Diagram", _svg(_boxes(label), label), nouns=("box", "boxes")),
            Panel("trace", "Trace", _svg(_cells(label), label), _frames(label), note=label),
            Panel("none", "Nothing", "", note=f"No picture of {label}"),
        ),
        (
            Listing("NumPy", "python", SOURCE.format(label=label), {2: ("O/scores",), 4: ("O",)}),
            Listing("Text", "text", f"{label}\nsecond\n", {8: ("O/softmax", "Q")}, first=7),
            Listing("CUDA", "cuda", "", note=f"needs {label}"),
        ),
    )


SOURCE = """def attention(Q):  # {label}
    scores = Q @ "text" + 12

    return scores
"""


def _svg(items: tuple[Item, ...], label: str) -> str:
    return encode(Picture(Canvas(260, 260, label, label, items)), "svg").decode()


def _boxes(label: str) -> tuple[Item, ...]:
    """From the top: Q, the scores, the softmax, and the value that both of these belong to."""
    links = ("Q", "O/scores", "O/softmax O", "O")
    return tuple(
        Group(
            (
                Rect(80, 20 + 60 * n, 100, 36, palette.FILLS["softmax"], palette.LINE, radius=6),
                Label(130, 42 + 60 * n, label[:14]),
            ),
            title=f"{label} {n}",
            data={"link": link},
        )
        for n, link in enumerate(links)
    )


def _cells(label: str) -> tuple[Item, ...]:
    """Queries down, keys across."""
    return tuple(
        Group(
            (Rect(40 + 50 * k, 40 + 50 * q, 44, 44, palette.SCORE, palette.GRID),),
            title=f"{label} q{q} k{k}",
            kind="cell score",
            data={"link": "O/scores", "at": f"q{q} k{k}"},
        )
        for q in range(SIZE)
        for k in range(SIZE)
    )


def _frames(label: str) -> tuple[Frame, ...]:
    return tuple(
        Frame(f"query {q}, keys to {k} of {label}", (f"q{q}", f"k{k}"), {"maximum": f"{q}.{k}"})
        for q in range(SIZE)
        for k in range(SIZE)
    )
