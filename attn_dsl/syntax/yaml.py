"""YAML 1.2 as mermaid reads it, its JSON schema: no dates, no merged or duplicate keys.

Aliases, which can explode, are refused.
"""

from __future__ import annotations

import re
from functools import lru_cache
from math import isinf
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.composer import Composer, ComposerError
from ruamel.yaml.constructor import SafeConstructor
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import AliasEvent
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode
from ruamel.yaml.resolver import VersionedResolver
from ruamel.yaml.tag import Tag

Places = tuple[tuple[int, int], ...]
PREFIX = "tag:yaml.org,2002:"
KINDS = {
    "null": re.compile(r"~|null|Null|NULL|"),
    "bool": re.compile(r"true|True|TRUE|false|False|FALSE"),
    "int": re.compile(r"[-+]?(0b[01]+|0o[0-7]+|0x[0-9a-fA-F]+|[0-9]+)"),
    "float": re.compile(
        r"([-+]?[0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?"
        r"|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"
    ),
}
"""What plain scalars may be; all others are texts, and so is a number that is out of range."""
MAX_DIGITS = 1_000
# A tab on a line of its own means nothing, but the library stops at it.
TABS = re.compile(r"^[ \t]*\t[ \t]*$", re.MULTILINE)


class YAMLProblem(ValueError):
    """What is wrong with a YAML text, and at which offset, where that is known."""

    def __init__(self, message: str, index: int | None = None) -> None:
        super().__init__(message)
        self.index = index


class _Composer(Composer):
    def __init__(self, loader: Any = None) -> None:
        super().__init__(loader=loader)
        self.warn_double_anchors = False  # nothing refers to an anchor, so two may be alike

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.parser.check_event(AliasEvent):
            mark = self.parser.peek_event().start_mark
            raise ComposerError(None, None, "aliases are not read: write the value again", mark)
        return super().compose_node(parent, index)


class _Resolver(VersionedResolver):
    """What a plain scalar is, by the patterns of `KINDS`: a text where none fits."""

    def resolve(self, kind: Any, value: Any, implicit: Any) -> Any:
        if kind is not ScalarNode or not implicit[0]:
            return super().resolve(kind, value, implicit)
        fitting = (name for name, pattern in KINDS.items() if pattern.fullmatch(value))
        found = next(fitting, "str")
        too_large = found == "float" and value[-1] in "0123456789." and isinf(float(value))
        return Tag(suffix=PREFIX + ("str" if too_large else found))


class _Constructor(SafeConstructor):
    """The values of `KINDS`, texts, lists and mappings: mermaid's YAML has no others."""

    def construct_yaml_int(self, node: Any) -> int:
        """A whole number, unless it has more digits than Python would write."""
        if len(node.value) > MAX_DIGITS:
            raise ValueError(f"a number of more than {MAX_DIGITS:,} digits")
        return int(super().construct_yaml_int(node))

    def flatten_mapping(self, node: Any) -> Any:
        """Leave `<<` what it is: a key."""

    def construct_scalar(self, node: Any) -> Any:
        """A text; `"\\ud83d\\ude00"` is one character, and half of a pair is none."""
        value = super().construct_scalar(node)
        if isinstance(value, str) and not value.isascii():
            return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        return value


_Constructor.bool_values = {"true": True, "false": False}
_Constructor.yaml_constructors = {
    tag: build
    for tag, build in SafeConstructor.yaml_constructors.items()
    if tag is None or tag.removeprefix(PREFIX) in (*KINDS, "str", "seq", "map")
} | {f"{PREFIX}int": _Constructor.construct_yaml_int}


@lru_cache(maxsize=1024)  # most boxes that have metadata have the same
def load(text: str) -> tuple[Any, Places]:
    """The value of a text, and for a mapping where each `key: value` stands.

    Raises YAMLProblem, or RecursionError where brackets are nested too deeply.
    """
    try:
        root, values = _construct(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise YAMLProblem(str(error.problem), mark.index if mark else 0) from None
    except RecursionError:
        raise
    except (YAMLError, ValueError, TypeError, LookupError, AttributeError) as error:
        raise YAMLProblem(str(error)) from None
    return values, _places(root, text) if isinstance(root, MappingNode) else ()


def _construct(text: str) -> tuple[Node | None, Any]:
    yaml = YAML(typ="safe", pure=True, plug_ins=[])  # it would search the disk for them
    yaml.Composer, yaml.Constructor, yaml.Resolver = _Composer, _Constructor, _Resolver
    root = yaml.compose(TABS.sub(lambda line: " " * len(line[0]), text))
    return root, None if root is None else yaml.constructor.construct_document(root)


def _places(root: MappingNode, text: str) -> Places:
    spans = ((key.start_mark.index, value.end_mark.index) for key, value in root.value)
    return tuple((start, start + len(text[start:end].rstrip())) for start, end in spans)
