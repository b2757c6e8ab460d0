"""What stands in a flowchart but is no statement: blanked out, so that offsets stay true."""

from __future__ import annotations

import re
from collections.abc import Iterator

COMMENT = re.compile(r"^[^\S\n]*%%(?!\{)[^\n]+", re.MULTILINE)
# One that is not closed takes the rest of the text, or a word: mermaid's own pattern says so.
DIRECTIVE = re.compile(
    r"%%\{\s*+(?:\w++\s*+:|\w++)\s*+(?:\w++|(?:(?!\}%%).)*+)\s*+(?P<end>\}%%)?", re.DOTALL
)
MARKS = re.compile(r"\A\s*\ufeff[\s\ufeff]*")
STYLES = ("style", "classDef")
TAG = re.compile(r"<\w[^>]*>")
# White space to every pattern, and yet told from what an author types.
BLANK = "\x1f"
BLANKS = re.compile(f"(?<![^\\n]){BLANK}+\\n|{BLANK}+")
# Mermaid drops the white space between a brace and the next line, even inside a label.
AFTER_BRACE = re.compile(r"(?<=\})\s+\n")
# Atomic, so that many line ends in it are not tried one by one; one with nothing in it is apart.
FRONT_MATTER = re.compile(r"([^\S\n]*)---(?>\s*\n)(?P<yaml>.*?)\n\1---\s*?(\n|$)", re.DOTALL)
EMPTY_FRONT_MATTER = re.compile(r"([^\S\n]*)---[^\S\n]*\n(?P<yaml>\s*?)\n\1---\s*?(\n|$)")


def prepare(text: str) -> str:
    """Return `text` in the same length, ready for the grammar, with a final line end.

    Comments and directives become white space. As in mermaid, `A["<a href="x">"]` may have
    those inner quotes, and a style with a colour may end in `;`; byte order marks may come first.
    """
    text = MARKS.sub(lambda marks: marks[0].replace("\ufeff", " "), text)
    end = text.rfind(">") + 1  # elsewhere each `<` would be followed in vain
    text = TAG.sub(_single_quotes, text[:end]) + text[end:]
    text = DIRECTIVE.sub(lambda directive: BLANK * len(directive[0]), text)
    text = COMMENT.sub(_blank, text)
    if any(keyword in text for keyword in STYLES):
        text = "\n".join(map(_without_semicolon, text.split("\n")))
    return text + "\n"


def find_comments(text: str) -> list[tuple[int, int]]:
    """Where comments and directives stand; what overlaps is one."""
    blanked = DIRECTIVE.sub(_blank, text)
    found = [d.span() for d in DIRECTIVE.finditer(text)]
    found += [(blanked.index("%%", c.start()), c.end()) for c in COMMENT.finditer(blanked)]
    merged: list[tuple[int, int]] = []
    for start, end in sorted(found):
        if merged and start < merged[-1][1]:
            start, end = merged[-1][0], max(end, merged.pop()[1])
        merged.append((start, end))
    return merged


def without_comments(text: str) -> str:
    """Drop from a part of a prepared text what stands for comments, line by line."""
    text = BLANKS.sub("", text) if BLANK in text else text
    return AFTER_BRACE.sub("\n", text) if "\n" in text else text


def find_front_matter(text: str) -> re.Match[str] | None:
    """The front matter of `text`, if it starts with one."""
    return FRONT_MATTER.match(text) or EMPTY_FRONT_MATTER.match(text)


def open_directives(text: str) -> Iterator[tuple[int, int]]:
    """Where directives begin that nothing closes, and how far mermaid follows them."""
    return (found.span() for found in DIRECTIVE.finditer(text) if not found["end"])


def _without_semicolon(line: str) -> str:
    """A style with a colour without the last semicolon: `style.*:\\S*#.*;`, in linear time.

    A line that has both words loses two.
    """
    for keyword in STYLES:
        start, last = line.find(keyword), line.rfind(";")
        words = line[start + len(keyword) : last].split() if 0 <= start < last else []
        if any(":" in word[: max(word.rfind("#"), 0)] for word in words):
            line = f"{line[:last]}{BLANK}{line[last + 1 :]}"
    return line


def _blank(found: re.Match[str]) -> str:
    return re.sub(r"[^\n]", BLANK, found[0])


def _single_quotes(tag: re.Match[str]) -> str:
    return re.sub(r'="([^"]*)"', r"='\1'", tag[0])
