"""Which subgraph a node belongs to, by mermaid's rule and by declaration.

Mermaid makes every id that is mentioned in a body a member, and the first subgraph to close has
it. What a diagram means must not hang on that: a node belongs where it is declared.
"""

from __future__ import annotations

from collections.abc import Iterable

from attn_dsl.diagnostics import Diagnostic, Note
from attn_dsl.syntax import errors
from attn_dsl.syntax.drafts import Frame, NodeDraft
from attn_dsl.syntax.statements import Open


class Subgraphs:
    """The subgraphs of a file, in file order, as they are opened and closed."""

    def __init__(self) -> None:
        self.all: list[Frame] = []
        self.closed: dict[str, Frame] = {}
        self._stack: list[Frame] = []
        self._owners: dict[str, Frame] = {}
        self._count = 0

    @property
    def current(self) -> Frame | None:
        """The innermost open subgraph."""
        return self._stack[-1] if self._stack else None

    @property
    def open_ones(self) -> list[Frame]:
        """The subgraphs that no `end` has closed yet, from the outside in."""
        return list(self._stack)

    def mention(self, ids: Iterable[str]) -> None:
        """Note that the current body speaks of `ids`."""
        if self.current:
            self.current.mentions.extend(ids)

    def open(self, head: Open) -> None:
        """Enter a subgraph."""
        frame = Frame(head, head.id or "", self.current)
        self.all.append(frame)
        self._stack.append(frame)

    def close(self, end: int) -> None:
        """Leave the innermost subgraph, and settle which nodes mermaid gives it."""
        frame = self._stack.pop()
        if frame.head.id is None:
            frame.id = f"subGraph{self._count}"
        frame.end = end
        frame.nodes = tuple(id for id in dict.fromkeys(frame.mentions) if id not in self._owners)
        self._owners |= dict.fromkeys(frame.nodes, frame)
        self._count += 1
        self.closed[frame.id] = frame
        self.mention([frame.id] if frame.id else [])

    def home(self, node: NodeDraft) -> Frame | None:
        """The subgraph that `node` belongs to by declaration, else by mermaid's rule."""
        owner = self._owners.get(node.id)
        declared = [frame for frame in node.homes if frame is not None]
        if not node.homes or owner in declared:
            return owner
        return declared[0] if declared else None

    def difference(self, node: NodeDraft) -> Diagnostic | None:
        """A note, if mermaid draws `node` in another subgraph than the one it belongs to."""
        owner, home = self._owners.get(node.id), self.home(node)
        if owner is home or owner is None or node.id in self.closed:
            return None
        drawn = Note(owner.head.span, "mermaid draws it in here")
        return errors.drawn_elsewhere(node.span, node.id, home.id if home else None, drawn)
