"""The differences that stay, and why; `docs/mermaid.md` tells them to users."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass

from compare import ACCEPTED, REFUSED, Answer, Case, differences, ours

from attn_dsl.syntax.prepare import BLANK, prepare

TEXTS = {"texts of nodes": "nodes", "texts of edges": "edges", "titles": "subgraphs"}
YAML = re.compile(r"@\{|\A\s*---")
KEYWORDS = "style|linkStyle|interpolate|classDef|class|graph|flowchart|subgraph|default|href|click"
LETTER = "\u0101"


@dataclass(frozen=True)
class Explained:
    """A kind of difference with its reason; `applies` to a case that differs in the kind."""

    name: str
    reason: str
    applies: Callable[[Case, str], bool]


def _members(case: Case, kind: str) -> bool:
    """Whether the members agree once those that are neither box nor subgraph are dropped."""
    if kind != "members":
        return False
    known = {entry["id"] for name in ("nodes", "subgraphs") for entry in case.ours[name]}

    def boxes(answer: Answer) -> list[list[str]]:
        return [[id for id in group["nodes"] if id in known] for group in answer["subgraphs"]]

    return boxes(case.ours) == boxes(case.mermaid)


def _invalid(case: Case, kind: str) -> bool:
    def drawn(answer: Answer) -> list[tuple[str, str]]:
        pairs = zip(answer["edges"], case.mermaid["edges"], strict=True)
        return [(e["stroke"], e["arrow"]) for e, other in pairs if other["arrow"] != "INVALID"]

    return kind == "kinds of edges" and drawn(case.ours) == drawn(case.mermaid)


def _markup(case: Case, kind: str) -> bool:
    def texts(answer: Answer) -> list[str]:
        key = "title" if kind == "titles" else "text"
        return [re.sub(r"<[^<>]*>", "", entry[key]).strip() for entry in answer[TEXTS[kind]]]

    return kind in TEXTS and texts(case.ours) == texts(case.mermaid)


def _joined(case: Case, kind: str) -> bool:
    """Whether the answers agree once what mermaid deletes beforehand is not there."""
    joined = prepare(case.text).replace(BLANK, "")
    return not differences(Case(joined, ours(joined), case.mermaid))


def _yaml(case: Case, kind: str) -> bool:
    """Whether one reader of YAML alone refuses."""
    if kind == REFUSED:
        return "this is not valid YAML" in case.ours["error"]
    error = case.mermaid.get("error", "")
    return bool(YAML.search(case.text) and re.search(r"\(\d+:\d+\)\n", error))


def _direction(case: Case, kind: str) -> bool:
    line = rf"(\n|\bend\s)\s*([xo<]?(--|==|-?\.+-)|({KEYWORDS})\b)[^\n]*direction\s"
    return kind == ACCEPTED and bool(re.search(line, case.text))


def _spaces(case: Case, kind: str) -> bool:
    """Whether the answers agree once what is white space to one alone is or is not any."""
    text = re.sub("[\x1c-\x1f\x85]", LETTER, case.text.replace("\ufeff", " "))
    return text != case.text and not differences(Case(text, ours(text), _replaced(case.mermaid)))


def _replaced(answer: Answer) -> Answer:
    text = json.dumps(answer, ensure_ascii=False)
    answer = json.loads(re.sub(r"\x85|\\u001[c-f]", LETTER, text))
    return answer


def _entities(case: Case, kind: str) -> bool:
    """Whether the answers agree once mermaid's marks for entities are what was written."""
    if re.search("ﬂ°|¶ß", case.text):
        return True
    text = json.dumps(case.mermaid, ensure_ascii=False)
    answer = json.loads(re.sub(r"ﬂ°°?(\w+)¶ß", r"#\1;", text))
    return not differences(Case(case.text, case.ours, answer))


def _click(case: Case, kind: str) -> bool:
    return kind == REFUSED and "`click` cannot stand in a bare title" in case.ours["error"]


EXPLAINED = (
    Explained(
        "members that are no boxes",
        "mermaid lists the `;` of `end;` and `;;` and the text of `accTitle` as members",
        _members,
    ),
    Explained(
        "arrows with two unlike ends",
        "mermaid draws none for `A x-- t --> B`; here it has the last end, and there is a warning",
        _invalid,
    ),
    Explained(
        "HTML tags in labels",
        "mermaid's sanitizer drops attributes that HTML lacks, and closes tags as browsers do",
        _markup,
    ),
    Explained(
        "pieces that a deletion joins",
        "mermaid deletes `%%{…}%%`, so that `A%%{x}%%B` is `AB`; here it is white space",
        _joined,
    ),
    Explained(
        "YAML",
        "aliases are refused here, as they can explode; the two readers differ on malformed values",
        _yaml,
    ),
    Explained(
        "arrows before a direction",
        "`direction LR` takes its line; mermaid sees an arrow, or a keyword after `end`, first",
        _direction,
    ),
    Explained(
        "rare white space",
        "byte order marks are white space to mermaid, and U+0085 and U+001C to U+001F are not",
        _spaces,
    ),
    Explained(
        "entities in ids",
        "mermaid writes `#35;` with marks of its own, `ﬂ°°35¶ß`, and has them in ids of subgraphs",
        _entities,
    ),
    Explained(
        "`click` in a bare title",
        "mermaid drops the word with the line end after it; here it is refused",
        _click,
    ),
)


def explain(case: Case, kind: str) -> Explained | None:
    """Why `case` differs in `kind`; None where nobody has said so yet."""
    return next((known for known in EXPLAINED if known.applies(case, kind)), None)
