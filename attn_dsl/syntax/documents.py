"""Files to blocks: where the diagrams of a file begin and end.

A file with ```` ```mermaid ```` fences counts as Markdown and holds one diagram in each; any other
file is one diagram. `FILE.md#2` and `FILE.md#Heading` choose. A `.json` file holds what
`attn parse --json` prints, and stands for its flowchart.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from attn_dsl.diagnostics import DiagnosticError, Source, Span
from attn_dsl.syntax import errors
from attn_dsl.syntax.encoding import plain_lines
from attn_dsl.syntax.from_json import from_json
from attn_dsl.syntax.prepare import find_front_matter

MAX_SIZE = 2_000_000
LINES, SHORT = 4, 100_000
"""A line may be one in so many of the largest file, or as long as `SHORT`: what stands on one is
read at once, and takes some hundred times as much memory."""
"""Bytes of a file that are read, unless more are asked for: a drawing has thousands."""

FENCE = re.compile(r"[ \t]*(?P<mark>`{3,}|~{3,})(?P<info>.*)")
HEADING = re.compile(r" {0,3}#{1,6}[ \t]+(?P<title>.*)")


@dataclass(frozen=True)
class Block:
    """One diagram of a file: `source.text[start:end]`. `name` is what was asked for."""

    source: Source
    start: int
    end: int
    name: str


@dataclass(frozen=True)
class Fenced:
    """A mermaid block of a Markdown text, and the heading that it stands under."""

    start: int
    end: int
    heading: str


def read_document(name: str, max_size: int = MAX_SIZE) -> Block:
    """Read the diagram `name`: a path, or for Markdown `path#2` or `path#Heading`.

    A file of more than `max_size` bytes is refused.
    """
    path, wanted = _split(name)
    if _is_json(path):
        if wanted is not None:
            raise DiagnosticError([errors.no_such_block(path, wanted, ())])
        source = Source(f"{path} as a flowchart", from_json(_value(path, max_size), path))
        return Block(source, 0, len(source.text), name)
    text = plain_lines(_lines(path, max_size))
    blocks = _blocks(Source(path, text), wanted, name)
    if len(blocks) > 1:
        raise DiagnosticError([errors.several_blocks(path, _listing(find_blocks(text)))])
    return blocks[0]


def read_blocks(name: str, max_size: int = MAX_SIZE) -> list[Block]:
    """The diagrams that `name` names, all of a file or those chosen, its line ends as they are.

    A file of JSON holds none: its flowchart is not its text.
    """
    path, wanted = _split(name)
    if _is_json(path):
        raise DiagnosticError([errors.json_text(path)])
    return _blocks(Source(path, _lines(path, max_size)), wanted, name)


def _is_json(path: str) -> bool:
    return path.lower().endswith(".json")


def _value(path: str, max_size: int) -> Any:
    """The one value of a file of JSON."""
    try:
        value = json.loads(_read(path, max_size))
        json.dumps(value, ensure_ascii=False).encode()  # half of a pair can be no character
        return value
    except RecursionError:
        raise DiagnosticError([errors.no_record(path, "it is nested too deeply")]) from None
    except ValueError as error:
        raise DiagnosticError([errors.no_record(path, f"no JSON: {error}")]) from None


def _blocks(source: Source, wanted: str | None, name: str) -> list[Block]:
    """All diagrams of `source`, or those that `wanted` names: one at least."""
    blocks = find_blocks(source.text)
    if not blocks and wanted is None:
        if not source.text.strip():
            raise DiagnosticError([errors.nothing_to_read(source.name)])
        return [Block(source, 0, len(source.text), name)]
    chosen = blocks if wanted is None else _chosen(blocks, wanted)
    if not chosen:
        listing = _listing(blocks)
        raise DiagnosticError([errors.no_such_block(source.name, wanted or "", listing)])
    return [Block(source, block.start, block.end, name) for block in chosen]


def find_blocks(text: str) -> list[Fenced]:
    """The mermaid blocks of a Markdown text, in order."""
    front = find_front_matter(text)
    blocks: list[Fenced] = []
    heading, mark, begin, position = "", "", -1, front.end() if front else 0
    for line in text[position:].splitlines(keepends=True):
        start, position = position, position + len(line)
        fence = FENCE.match(line)
        if mark:
            if fence and fence["mark"].startswith(mark) and not fence["info"].strip():
                if begin >= 0:
                    blocks.append(Fenced(begin, start, heading))
                mark = ""
        elif fence:
            mark = fence["mark"]
            begin = position if re.match(r"\s*mermaid\b", fence["info"]) else -1
        elif title := HEADING.match(line.rstrip("\r\n")):
            heading = title["title"].rstrip(" \t").rstrip("#").rstrip(" \t")
    if mark and begin >= 0:
        blocks.append(Fenced(begin, position, heading))
    return blocks


def _split(name: str) -> tuple[str, str | None]:
    """The path, and what follows its `#`; a `#` may also be part of a file's name."""
    path, mark, wanted = name.rpartition("#")
    if not mark or _exists(name):
        return name, None
    return path, wanted


def file_of(name: str) -> Path:
    """The file that the diagram `name` stands in."""
    return Path(_split(name)[0])


def _exists(name: str) -> bool:
    try:
        return Path(name).exists()
    except (OSError, ValueError):  # no name that a file can have
        return False


def _read(path: str, max_size: int) -> str:
    try:
        with Path(path).open("rb") as file:
            data = file.read(max_size + 1)
        if len(data) > max_size:
            raise DiagnosticError([errors.too_large(path, max_size)])
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DiagnosticError([errors.not_utf8(path, error.start)]) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise DiagnosticError([errors.unreadable(path, reason.lower())]) from None


def _lines(path: str, max_size: int) -> str:
    """The text of a file none of whose lines is too long."""
    text, start = _read(path, max_size), 0
    longest = max(max_size // LINES, SHORT)
    for number, line in enumerate(text.splitlines(keepends=True), start=1):
        if len(line) > longest:
            span = Span(Source(path, text), start, start)
            raise DiagnosticError([errors.too_long_a_line(span, number, longest)])
        start += len(line)
    return text


def _chosen(blocks: list[Fenced], wanted: str) -> list[Fenced]:
    """The blocks of a number or heading."""
    if wanted.isdecimal():
        number = int(wanted[:9])  # there are fewer than that
        return blocks[number - 1 : number] if number else []
    return [block for block in blocks if _slug(block.heading) == _slug(wanted)]


def _listing(blocks: list[Fenced]) -> list[str]:
    numbered = enumerate(blocks, start=1)
    return [f"{number}  {block.heading}".rstrip() for number, block in numbered]


def _slug(heading: str) -> str:
    """A heading as links spell it: `Multi-Head Attention` is `multi-head-attention`."""
    return re.sub(r"[^\w-]", "", re.sub(r"\s+", "-", heading.strip().lower()))
