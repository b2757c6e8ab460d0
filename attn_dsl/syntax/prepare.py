"""What stands in a flowchart but is no statement: blanked out, so that offsets stay true."""

from __future__ import annotations

import re

COMMENT = re.compile(r"^[^\S\n]*%%(?!\{)[^\n]+", re.MULTILINE)
DIRECTIVE = re.compile(r"%%\{\s*\w.*?\}%%", re.DOTALL)
STYLE_END = re.compile(r"(?:style|classDef).*:\S*#.*;")
TAG = re.compile(r"<\w+[^>]*>")
# White space to every pattern, and yet told from what an author types.
BLANK = "\x1f"
BLANKS = re.compile(f"(?<![^\\n]){BLANK}+\\n|{BLANK}+")
FRONT_MATTER = re.compile(r"([^\S\n]*)---\s*\n(?P<yaml>.*?)\n\1---\s*?(\n|$)", re.DOTALL)


def prepare(text: str) -> str:
    """Return `text` in the same length, ready for the grammar, with a final line end.

    Comments and directives become white space, other line ends `\\n`. As in mermaid,
    `A["<a href="x">"]` may have those inner quotes, and a style with a colour may end in `;`.
    """
    text = text.replace("\r\n", " \n").replace("\r", "\n")
    text = TAG.sub(_single_quotes, text)
    text = DIRECTIVE.sub(_blank, text)
    text = COMMENT.sub(_blank, text)
    return STYLE_END.sub(lambda style: style[0][:-1] + BLANK, text) + "\n"


def find_comments(text: str) -> list[tuple[int, int]]:
    """Where comments and directives stand; what overlaps is one."""
    blanked = DIRECTIVE.sub(_blank, text)
    found = [directive.span() for directive in DIRECTIVE.finditer(text)]
    found += [(blanked.index("%%", c.start()), c.end()) for c in COMMENT.finditer(blanked)]
    merged: list[tuple[int, int]] = []
    for start, end in sorted(found):
        if merged and start < merged[-1][1]:
            start, end = merged[-1][0], max(end, merged.pop()[1])
        merged.append((start, end))
    return merged


def without_comments(text: str) -> str:
    """Drop from a part of a prepared text what stands for comments, line by line."""
    return BLANKS.sub("", text)


def find_front_matter(text: str) -> re.Match[str] | None:
    """The front matter of `text`, if it starts with one."""
    return FRONT_MATTER.match(text)


def _blank(found: re.Match[str]) -> str:
    return re.sub(r"[^\n]", BLANK, found[0])


def _single_quotes(tag: re.Match[str]) -> str:
    return re.sub(r'="([^"]*)"', r"='\1'", tag[0])
