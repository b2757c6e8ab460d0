"""Files to blocks: where the diagrams of a file begin and end.

A file with ```` ```mermaid ```` fences counts as Markdown and holds one diagram in each; any other
file is one diagram. `FILE.md#2` and `FILE.md#Heading` choose.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from attn_dsl.diagnostics import DiagnosticError, Source
from attn_dsl.syntax import errors
from attn_dsl.syntax.prepare import find_front_matter

FENCE = re.compile(r"[ \t]*(?P<mark>`{3,}|~{3,})(?P<info>.*)")
HEADING = re.compile(r" {0,3}#{1,6}[ \t]+(?P<title>.*?)[ \t]*#*[ \t]*$")


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


def read_document(name: str) -> Block:
    """Read the diagram `name`: a path, or for Markdown `path#2` or `path#Heading`."""
    path, wanted = _split(name)
    source = Source(path, _read(path))
    blocks = find_blocks(source.text)
    if not blocks and wanted is None:
        if not source.text.strip():
            raise DiagnosticError([errors.nothing_to_read(path)])
        return Block(source, 0, len(source.text), name)
    chosen = _choose(blocks, wanted, path)
    return Block(source, chosen.start, chosen.end, name)


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
            heading = title["title"]
    if mark and begin >= 0:
        blocks.append(Fenced(begin, position, heading))
    return blocks


def _split(name: str) -> tuple[str, str | None]:
    """The path, and what follows its `#`; a `#` may also be part of a file's name."""
    path, mark, wanted = name.rpartition("#")
    if not mark or Path(name).exists():
        return name, None
    return path, wanted


def _read(path: str) -> str:
    try:
        data = Path(path).read_bytes()
        return data.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as error:
        raise DiagnosticError([errors.not_utf8(path, error.start)]) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise DiagnosticError([errors.unreadable(path, reason.lower())]) from None


def _choose(blocks: list[Fenced], wanted: str | None, path: str) -> Fenced:
    listing = [
        f"{number}  {block.heading}".rstrip() for number, block in enumerate(blocks, start=1)
    ]
    if wanted is None:
        found = blocks
    elif wanted.isdecimal():
        found = blocks[int(wanted) - 1 : int(wanted)] if int(wanted) else []
    else:
        found = [block for block in blocks if _slug(block.heading) == _slug(wanted)]
    if not found:
        raise DiagnosticError([errors.no_such_block(path, wanted or "", listing)])
    if len(found) > 1:
        raise DiagnosticError([errors.several_blocks(path, listing)])
    return found[0]


def _slug(heading: str) -> str:
    """A heading as links spell it: `Multi-Head Attention` is `multi-head-attention`."""
    return re.sub(r"[^\w-]", "", re.sub(r"\s+", "-", heading.strip().lower()))
