"""What a drawing costs grows with its size, whatever is wrong with it, and errors end early.

Cost is counted in calls of functions, which no other load on the machine changes.
"""

from __future__ import annotations

from collections.abc import Callable
from cProfile import Profile
from pstats import Stats

import pytest

from attn_dsl.diagnostics import Diagnostic, DiagnosticError, Severity
from attn_dsl.pipeline import analyse, read
from attn_dsl.semantics.enough import MAX_ERRORS

X = 'x["x : f32[N, D]"]\ny["y : f32[M, E]"]\n'
KINDS = {
    "chain": "n{0} --> n{1}[Softmax]\n",
    "words": "a{0}[Foo {0}] --> b{0}[Bar {0}]\n",
    "several in": "a{0}[Foo] & c{0} --> b{0}[Bar {0}]\n",
    "operations": "a{0} --> b{0}@{{ op: softmaxx{0} }}\n",
    "operands": "x --> b{0}[MatMul]\n",
    "shapes": "x & y --> b{0}_[Add]\n",
    "types": 'a{0}["a{0} : f32[N,, D]"] --> b{0}[Softmax]\n',
    "expressions": 'x --> b{0}["Mask: k <= <= q"]\n',
    "names": 'x --> b{0}_["Mask: k <= z{0}"]\n',
    "equations": 'x --> b{0}_["y{0} = z{0} @ x"]\n',
    "labels of arrows": "x -- words {0} --> b{0}_[Softmax]\n",
    "calls": 'x -- "Similarity(Q{0}, K)" --> b{0}\n',
    "axes": "x --> b{0}@{{ op: softmax, axis: {0} }}\n",
    "metadata": "x --> b{0}_[Softmax]@{{ note: word{0} }}\n",
    "members": "K{1}(Key {1}) --> S{1}(Dot Product)\nQ --> S{1}\n",
    "circles": "a{0} --> b{0} --> a{0}\n",
    "knot": "n{0} --> n{1}\nn{1} --> n0\n",
    "subgraphs": 'subgraph S{0}["Part {0}"]\nx --> b{0}_[Softmax]\nend\n',
    "repeats": 'subgraph S{0}["Block × 2"]\nx --> a{0}_[Softmax]\nend\n',
    "counts": 'subgraph S{0}["Block × N"]\nx --> a{0}_[Softmax]\nend\n',
    "arrows to subgraphs": "subgraph S{0}\na{0}\nend\nx --> S{0}\n",
    "one name": "x --> b{0}_[Softmax]\nb{0}_ & y --> c{0}_[MatMul]\n",
    "products": "Q & K --> s{0}_[MatMul]\n",
    "lonely": "a{0}_[foo]\n",
    "masks": "x --> a{0}_[Mask]\n",
    "layers": "x --> a{0}_[Linear]\n",
}


def drawing(line: str, count: int) -> str:
    return "flowchart TD\n" + X + "".join(line.format(i, i + 1) for i in range(count))


def calls(text: str) -> int:
    """How many functions are called to read `text`, refused or not."""
    profile = Profile()
    profile.enable()
    try:
        analyse(read(text))
    except DiagnosticError:
        pass
    finally:
        profile.disable()
    return int(Stats(profile).total_calls)  # type: ignore[attr-defined]


def said(text: str) -> list[Diagnostic]:
    try:
        return list(analyse(read(text)).notes)
    except DiagnosticError as error:
        return list(error.diagnostics)


def grows_linearly(make: Callable[[int], str]) -> bool:
    """Whether the last 80 lines cost no more than those before; caches are filled first."""
    calls(make(80))
    first, second, third = (calls(make(count)) for count in (80, 160, 240))
    return third - second < 1.1 * (second - first) + 1_000


@pytest.mark.parametrize("kind", KINDS)
def test_twice_the_lines_cost_twice_as_much(kind: str) -> None:
    assert grows_linearly(lambda count: drawing(KINDS[kind], count))


@pytest.mark.parametrize("kind", KINDS)
def test_errors_are_told_up_to_a_number(kind: str) -> None:
    errors = [d for d in said(drawing(KINDS[kind], 300)) if d.severity is Severity.ERROR]
    assert len(errors) <= MAX_ERRORS + 2


def test_subgraphs_in_subgraphs() -> None:
    def nested(depth: int) -> str:
        opened = "".join(f"subgraph S{i}\nx --> a{i}_[Softmax]\n" for i in range(depth))
        return f"flowchart TD\n{X}{opened}" + "end\n" * depth

    assert grows_linearly(nested)
