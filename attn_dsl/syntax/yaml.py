"""YAML 1.2 as mermaid reads it: no dates, no duplicate keys; and no aliases, which can explode."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.composer import Composer, ComposerError
from ruamel.yaml.constructor import SafeConstructor
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import AliasEvent
from ruamel.yaml.nodes import MappingNode, Node

Places = tuple[tuple[int, int], ...]


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


class _Constructor(SafeConstructor):
    """Mermaid's YAML knows no dates: `2025-01-01` is a text."""

    def construct_scalar(self, node: Any) -> Any:
        """A text; `"\\ud83d\\ude00"` is one character, and half of a pair is none."""
        value = super().construct_scalar(node)
        if isinstance(value, str) and not value.isascii():
            return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        return value


_Constructor.add_constructor("tag:yaml.org,2002:timestamp", SafeConstructor.construct_yaml_str)


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
    yaml.Composer, yaml.Constructor = _Composer, _Constructor
    root = yaml.compose(text)
    return root, None if root is None else yaml.constructor.construct_document(root)


def _places(root: MappingNode, text: str) -> Places:
    spans = ((key.start_mark.index, value.end_mark.index) for key, value in root.value)
    return tuple((start, start + len(text[start:end].rstrip())) for start, end in spans)
