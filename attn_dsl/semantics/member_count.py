"""How many members a family has, where that has to be known."""

from __future__ import annotations

from attn_dsl.semantics import errors
from attn_dsl.semantics.builder import Builder
from attn_dsl.semantics.lookup import count
from attn_dsl.semantics.site import Site
from attn_dsl.semantics.work import Reported


def member_count(builder: Builder, site: Site) -> int:
    """Drawn in full, or a setting for the letter, or `heads`; raises Reported without one.

    A size of that name says nothing of the count: `N` may be the length of the sequences. What a
    module is told by its node, `@{ heads: 4 }`, counts too.
    """
    members = site.members
    assert members is not None
    size, drawn, scope = members.family.size, members.drawn, members.scope
    if isinstance(size, int):
        return size
    types = (other.meaning.type for other in scope.drawing.values())
    is_size = size in builder.declared or any(type_ and size in type_.symbols for type_ in types)
    data = drawn.node.data
    for name in (size, "heads"):
        place = data.spans.get(name, site.place)
        said = data.values.get(name) if drawn.meaning.module else None
        is_other = is_size and name == size
        given = count(builder, scope, scope.steps(drawn), name, said, place, is_size=is_other)
        if isinstance(given, int) and not isinstance(given, bool) and given > 0:
            return given
        if given is not None:
            error = errors.no_heads(place, given, f"{members.family.stem}.{name}")
            builder.found.append(error)
            raise Reported
    error = errors.no_members(site.place, size, members.family.stem, is_size=is_size)
    builder.found.append(error)
    raise Reported
