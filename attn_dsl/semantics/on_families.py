"""Operations on families: drawn for each member, or one for all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from attn_dsl.semantics import errors
from attn_dsl.semantics.builder import Builder
from attn_dsl.semantics.entering import entering
from attn_dsl.semantics.gather import build_gathered
from attn_dsl.semantics.members import build_for_members
from attn_dsl.semantics.site import Argument, Site
from attn_dsl.semantics.values import Value
from attn_dsl.semantics.work import NoRule, Plain, Reported, Work, is_family

KINDS = ("numbers", "vectors", "matrices")
"""What members are, by how many dims they have."""


def enter(builder: Builder, site: Site, values: Sequence[Value], plain: Plain) -> Sequence[Value]:
    """What the arrows into a node bring; failed values once what is wrong was reported."""
    if any(value.failed for value in values):
        return values
    if not _differ(builder, site, values):
        return [Value()] * len(values)
    if site.drawn.family is None:
        return values
    work = Work(builder, site, plain)
    found: list[Value] = []
    done = _reporting(work, [], lambda: found.extend(entering(work, values)))
    return found if done else [Value()] * len(values)


def _differ(builder: Builder, site: Site, values: Sequence[Value]) -> bool:
    """Whether members that all flow into one node are more than one value."""
    for operand, value in zip(site.drawn.operands, values, strict=True):
        source = site.scope.drawing.get(operand.source)
        gathered = site.drawn.family is None or operand.whole
        alike = value.family is None and value.pending is None
        if gathered and source is not None and source.family is not None and alike:
            builder.found.append(errors.nothing_differs(site.place, site.label.text))
            return False
    return True


def build_on_family(
    builder: Builder, site: Site, arguments: Sequence[Argument], plain: Plain
) -> Value:
    """What an operation gives that is done for members, or on families."""
    rule = build_for_members if site.members is not None else build_gathered
    return _built(Work(builder, site, plain), arguments, rule)


def build_on_arrow(builder: Builder, site: Site, argument: Argument, plain: Plain) -> Value:
    """What an operation gives that is drawn on an arrow: of a family, on that of each member."""
    work = Work(builder, site, plain)
    if site.members is not None or is_family(argument):
        return _built(work, [argument], build_for_members)
    return plain(site, [argument])


def _built(
    work: Work, arguments: Sequence[Argument], rule: Callable[[Work, Sequence[Argument]], Value]
) -> Value:
    found: list[Value] = []

    def build() -> None:
        if work.site.drawn.family is not None and work.site.scope.members is not None:
            raise NoRule("they stand in a module that is drawn for each of a family")
        found.append(rule(work, arguments))

    return found[0] if _reporting(work, arguments, build) else Value()


def _reporting(work: Work, arguments: Sequence[Argument], build: Callable[[], None]) -> bool:
    """Whether `build` came to an end; if not, what is wrong is reported."""
    try:
        build()
    except NoRule as no:
        place, label = work.site.place, work.site.label.text
        kinds = [*_kinds(work, arguments)]
        work.builder.found.append(errors.no_family_rule(place, label, kinds, str(no)))
        return False
    except Reported:
        return False
    return True


def _kinds(work: Work, arguments: Sequence[Argument]) -> Iterator[str]:
    """What flows in, in words."""
    for argument in arguments:
        family = argument.value.family
        if family is not None:
            kind = KINDS[family.rank] if family.rank < len(KINDS) else f"{family.rank} dims"
            yield f"{kind} for each of {family.size}"
        elif argument.value.name is not None:
            yield f"{work.type(argument)} for all"
