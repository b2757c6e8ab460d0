"""The object of `attn parse --json`, as others may write it: checked, and with its defaults."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from attn_dsl.diagnostics import DiagnosticError
from attn_dsl.syntax import errors
from attn_dsl.syntax.arrows import HEADS
from attn_dsl.syntax.shapes import SHAPES
from attn_dsl.syntax.spelling import BRACKETS

MAX_PROBLEMS = 50
MAX_DEPTH = 50


@dataclass(frozen=True)
class _Kind:
    """What an entry has to be, in words, and whether a value is that."""

    words: str
    fits: Callable[[Any], bool]


def _one_of(*names: str) -> _Kind:
    return _Kind(f"one of {', '.join(names)}", lambda value: value in names)


def _is_css(value: Any) -> bool:
    return isinstance(value, dict) and all(_TEXTS.fits(css) for css in value.values())


def _is_deep(value: Any) -> bool:
    """Whether lists and objects nest too deeply in `value`."""
    level = [value]
    for _ in range(MAX_DEPTH):
        groups = (v.values() if isinstance(v, dict) else v for v in level)
        level = [v for group in groups for v in group if isinstance(v, dict | list)]
    return bool(level)


_TEXT = _Kind("a text", lambda value: isinstance(value, str))
_SOME_TEXT = _Kind("a text", lambda value: value is None or isinstance(value, str))
_TEXTS = _Kind("a list of texts", lambda v: isinstance(v, list) and all(map(_TEXT.fits, v)))
_DATA = _Kind(
    f"an object, nested {MAX_DEPTH} deep at most",
    lambda value: isinstance(value, dict) and not _is_deep(value),
)
_LIST = _Kind("a list", lambda value: isinstance(value, list))
_FLAG = _Kind("true or false", lambda value: isinstance(value, bool))
_STYLES = _Kind("an object of lists of texts", _is_css)
_SHAPE = _Kind(
    "the name of a shape of mermaid's",
    lambda v: v is None or (isinstance(v, str) and (v in BRACKETS or v in SHAPES)),
)
_PLACE = _Kind(
    "the number of a subgraph, counted from 0,", lambda v: v is None or (type(v) is int and v >= 0)
)
_SIDE = _one_of("TB", "BT", "LR", "RL", "TD", "BR")
_SOME_SIDE = _Kind(_SIDE.words, lambda value: value is None or _SIDE.fits(value))
_STROKE = _one_of("normal", "thick", "dotted", "invisible")
_ARROW = _one_of("arrow_open", *(f"{d}{h}" for d in ("", "double_") for h in {*HEADS.values()}))
_NEEDED: Any = object()
_ABSENT: Any = object()

_Fields = Mapping[str, tuple[_Kind, Any]]
_LABEL: _Fields = {"markdown": (_FLAG, False), "written": (_TEXT, "")}
_NODE: _Fields = {
    "id": (_TEXT, _NEEDED), "text": (_SOME_TEXT, None), "shape": (_SHAPE, None),
    "data": (_DATA, {}), "classes": (_TEXTS, []), "subgraph": (_PLACE, _ABSENT), **_LABEL,
}  # fmt: skip
_EDGE: _Fields = {
    "from": (_TEXT, _NEEDED), "to": (_TEXT, _NEEDED), "text": (_TEXT, ""), "id": (_SOME_TEXT, None),
    "stroke": (_STROKE, "normal"), "arrow": (_ARROW, "arrow_point"), "data": (_DATA, {}),
    "in": (_PLACE, None), **_LABEL,
}  # fmt: skip
_SUBGRAPH: _Fields = {
    "id": (_TEXT, _NEEDED), "title": (_SOME_TEXT, None), "nodes": (_TEXTS, _NEEDED),
    "dir": (_SOME_SIDE, None), "data": (_DATA, {}), "classes": (_TEXTS, []),
    "parent": (_PLACE, _ABSENT), **_LABEL,
}  # fmt: skip
_DIAGRAM: _Fields = {
    "direction": (_SIDE, "TB"), "title": (_TEXT, ""), "attn": (_DATA, {}),
    "nodes": (_LIST, _NEEDED), "edges": (_LIST, _NEEDED), "subgraphs": (_LIST, []),
    "styles": (_STYLES, {}), "class_styles": (_STYLES, {}), "link_styles": (_STYLES, {}),
}  # fmt: skip
_LISTS = {"nodes": _NODE, "edges": _EDGE, "subgraphs": _SUBGRAPH}


def read_record(found: Any, name: str) -> Mapping[str, Any]:
    """`found` with the defaults of what it leaves out.

    Raises DiagnosticError with all that is no such object; `name` is what errors call it.
    """
    problems = list(islice(_problems(found), MAX_PROBLEMS))
    if problems:
        raise DiagnosticError([errors.no_record(name, problem) for problem in problems])
    full = _filled(found, _DIAGRAM)
    return full | {key: [_filled(e, fields) for e in full[key]] for key, fields in _LISTS.items()}


def _filled(entry: Mapping[str, Any], fields: _Fields) -> dict[str, Any]:
    defaults = {key: value for key, (_, value) in fields.items() if value is not _ABSENT}
    return {**defaults, **entry}


def _problems(found: Any) -> Iterator[str]:
    if not isinstance(found, dict):
        yield "it has to be one object"
        return
    if found.get("ok") is False:
        yield "it says that a file could not be read"
        return
    broken = list(_wrong(found, _DIAGRAM, ""))
    yield from broken
    if not broken:
        yield from _wrong_entries(found)


def _wrong_entries(found: Mapping[str, Any]) -> Iterator[str]:
    count, ids = len(found.get("subgraphs", [])), set[str]()
    for key, fields in _LISTS.items():
        for number, entry in enumerate(found.get(key, [])):
            place = f"{key}[{number}]"
            if not isinstance(entry, dict):
                yield f"`{place}` has to be an object"
                continue
            yield from _wrong(entry, fields, f"{place}.")
            for name in ("subgraph", "in", "parent"):
                if isinstance(entry.get(name), int) and entry[name] >= count:
                    yield f"`{place}.{name}` has to be {_PLACE.words}"
            if key == "nodes" and str(entry.get("id")) in ids:
                yield f"there are two nodes `{entry['id']}`"
            if key == "nodes":
                ids.add(str(entry.get("id")))


def _wrong(entry: Mapping[str, Any], fields: _Fields, place: str) -> Iterator[str]:
    for key, (kind, default) in fields.items():
        if key not in entry:
            if default is _NEEDED:
                yield f"`{place}{key}` is missing"
        elif not kind.fits(entry[key]):
            yield f"`{place}{key}` has to be {kind.words}"
