"""The page docs/errors.md: every code with its title, a diagram, and what is said of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from command_cases import COMMANDS

from attn_dsl.diagnostics.codes import TITLES

TESTS = Path(__file__).parents[1]
FOLDERS = (TESTS / "syntax" / "errors", TESTS / "semantics" / "errors")
CHAPTERS = {
    "Reading the diagram": "E001 E029",
    "What the diagram means": "E030 E059",
    "Targets": "E060 E079",
    "Files that are written": "E080 E099",
    "Warnings": "W001 W099",
    "Notes": "N001 N099",
}
INTRODUCTION = """# Errors, warnings and notes

Each diagnostic has a code that never changes its meaning, a message, the place in the file, the
line with carets under what it is about, sometimes a second place, and help where there is help.
All that can be found is found in one run. After an error nothing is written and the exit status
is 1; warnings and notes stop nothing.

Each code is shown with one diagram that brings it about, and the first thing that is said there.
"""


@dataclass(frozen=True)
class Case:
    """A diagram, and what is said of it, a text for each diagnostic."""

    name: str
    diagram: str
    said: tuple[str, ...]

    def about(self, code: str) -> list[str]:
        """What is said under `code`."""
        return [text for text in self.said if f"attn[{code}]" in text.split("\n", 1)[0]]

    @property
    def rank(self) -> tuple[int, int, str]:
        """A good example says one thing about a short diagram."""
        codes = {text.split("]", 1)[0] for text in self.said}
        return len(codes), self.diagram.count("\n"), self.name


def page(folder: Path) -> str:
    """The text of the page; `folder` is the current one, and empty."""
    cases = sorted(_cases(), key=lambda case: case.rank)
    lines = [INTRODUCTION]
    for chapter, codes in CHAPTERS.items():
        first, last = codes.split()
        lines.append(f"## {chapter}\n")
        for code in (code for code in TITLES if first <= code <= last):
            lines += [f"### {code}: {TITLES[code]}\n", *_example(code, cases, folder)]
    return "\n".join(lines)


def _cases() -> Iterator[Case]:
    for path in (path for folder in FOLDERS for path in sorted(folder.glob("*.err"))):
        diagram = path.with_suffix(".attn").read_text(encoding="utf-8")
        yield Case(path.stem, diagram, split(path.read_text(encoding="utf-8")))


def split(said: str) -> tuple[str, ...]:
    """A text for each diagnostic."""
    return tuple(filter(None, re.split(r"^(?=(?:error|warning|note): )", said, flags=re.MULTILINE)))


def _example(code: str, cases: list[Case], folder: Path) -> Iterator[str]:
    if code in COMMANDS:
        command = COMMANDS[code]
        if command.shown:
            yield _fence(command.shown)
        said = Case("", "", split(command.stderr(folder))).about(code)
        yield _fence(f"$ {command.command}\n" + "".join(said[:1]))
        return
    for case in [case for case in cases if case.about(code)][:1]:
        yield _fence(case.diagram)
        yield _fence(case.about(code)[0])


def _fence(text: str) -> str:
    """A block of code, longer fences around one that has fences itself."""
    ticks = "````" if "```" in text else "```"
    return f"{ticks}text\n{text.rstrip()}\n{ticks}\n"
