"""Diagnostics that come from files and from targets, by the command that shows them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from click.testing import CliRunner

from attn_dsl.cli import main

ATTENTION = """flowchart TD
    Q(["Q : {0}[B, H, N, D]"]) & K(["K : {0}[B, H, M, D]"]) --> S[MatMul]
    S --> P[Softmax]
    P & V(["V : {0}[B, H, M, D]"]) --> O[MatMul]
"""
SOFTMAX = 'flowchart TD\n    x(["x : {0}"]) --> y[Softmax]\n'
NOTES = "## First\n\n```mermaid\n{0}```\n\n## Second\n\n```mermaid\n{0}```\n".format(
    SOFTMAX.format("f32[N, M]")
)
LARGE = "flowchart TD\n" + "".join(f"    n{number}[ReLU]\n" for number in range(4001))


@dataclass(frozen=True)
class Case:
    """A command and the files that it finds; `shown` is the one that the page prints."""

    command: str
    files: dict[str, bytes] = field(default_factory=dict)
    shown: str = ""

    def stderr(self, folder: Path) -> str:
        """What the command says, run where its files are: in `folder`, the current one."""
        for name, data in self.files.items():
            (folder / name).write_bytes(data)
        return CliRunner().invoke(main, self.command.split()[1:]).stderr


def _case(command: str, text: str, name: str = "a.attn") -> Case:
    return Case(command, {name: text.encode()}, text)


COMMANDS = {
    "E001": Case("attn check missing.attn"),
    "E002": Case("attn check latin1.attn", {"latin1.attn": b"flowchart TD\n    A[\xe9t\xe9]\n"}),
    "E004": _case("attn check notes.md", NOTES, "notes.md"),
    "E005": _case("attn check notes.md#Third", NOTES, "notes.md"),
    "E026": Case("attn check --max-size 1kB large.attn", {"large.attn": b"%" * 2000}),
    "E027": _case(
        "attn check a.json", '{"nodes": [{"id": "Q"}, {"id": 2}], "edges": []}\n', "a.json"
    ),
    "E054": _case("attn check --set L=8 a.attn", SOFTMAX.format("f32[N, M]")),
    "E060": _case("attn compile --target cuda a.attn", ATTENTION.format("f32")),
    "E061": _case("attn compile --target cuda --set D=4096 a.attn", ATTENTION.format("f32")),
    "E062": _case("attn compile --target cuda --set D=64 a.attn", ATTENTION.format("f64")),
    "E063": _case("attn compile --target cuda a.attn", SOFTMAX.format("f32[A, B, C, N, M]")),
    "E080": _case("attn render a.attn -o a.gif", SOFTMAX.format("f32[N, M]")),
    "E084": Case("attn render large.attn -o large.svg", {"large.attn": LARGE.encode()}),
    "E085": _case(
        "attn render --view tiles --set N=64 --set M=64 a.attn -o a.mmd", ATTENTION.format("f32")
    ),
    "E081": _case("attn render a.attn -o missing/a.svg", SOFTMAX.format("f32[N, M]")),
    "E083": _case("attn render --view tiles a.attn -o a.svg", SOFTMAX.format("f32[N, M]")),
}
