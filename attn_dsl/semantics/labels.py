"""What a label says: a type, an expression, a word of the vocabulary, or nothing known.

The forms are `NAME : TYPE`, `Mask: EXPR`, `Score: EXPR`, `Scale: EXPR`, `Scale by EXPR`,
`Divide by EXPR`, and the words of the vocabulary.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from attn_dsl.diagnostics import Diagnostic, Span
from attn_dsl.expr import Binary, Expr, ExpressionError, Number, parse
from attn_dsl.ir import TensorType, parse_type
from attn_dsl.ir.ops import Mask, Op, Scale, Score
from attn_dsl.semantics import errors
from attn_dsl.semantics.vocabulary import (
    find_module,
    find_operation,
    find_role,
    is_optional,
    normal,
)
from attn_dsl.syntax import Text, repair


@dataclass(frozen=True)
class Meaning:
    """What a node or an edge label means.

    `name` and `type` come from `NAME : TYPE`, `equation` from `NAME = EXPR`; `expr` is the
    expression of a mask, score or scale; `causal` marks a mask that is causal by its word;
    `module` is the name or the path of a diagram to be used; `calls` the operands that the
    label names by id; `broken` a label of which a part could not be read, which was reported.
    """

    op: type[Op] | None = None
    module: str = ""
    name: str | None = None
    type: TensorType | None = None
    expr: Expr | None = None
    role: str = ""
    optional: bool = False
    causal: bool = False
    axis: int | None = None
    broken: bool = False
    calls: tuple[str, ...] = ()
    equation: Expr | None = None

    @property
    def acts(self) -> bool:
        """Whether it is an operation or a module, and not a value that passes through."""
        return self.op is not None or bool(self.module) or self.equation is not None


FORMS: dict[str, type[Op]] = {"mask": Mask, "score": Score, "scale": Scale}
_TYPED = re.compile(r"\s*(?P<name>[^:=\s]+)\s*:\s*(?P<type>(?:f16|bf16|f32|f64|i32|i64|bool)\b.*)")
_LIKE_TYPED = re.compile(r"\s*(?P<name>[^:=\s]+)\s*:\s*(?P<type>\w*\[.*\]\s*)")
_INDEX = r"(?:\s+(?:\d+|[a-z]))?"
_FORM = re.compile(
    rf"\s*(?P<word>score|(?:mask|scale){_INDEX})\s*:(?P<expr>.+)", re.IGNORECASE | re.DOTALL
)
_BY = re.compile(
    rf"\s*(?P<word>scaled?|multiply|divided?)(?: scores)?{_INDEX} by (?P<expr>.+)",
    re.IGNORECASE | re.DOTALL,
)
_SIGN = re.compile(r"\s*(?P<word>[×÷])\s*(?P<expr>.+)", re.DOTALL)
_EQUATION = re.compile(r"\s*(?P<name>[^\W\d]\w*)\s*=(?P<expr>[^=].*)", re.DOTALL)
_CAUSAL = re.compile(r"\b(causal|masked|look ahead|lookahead|autoregressive|subsequent|future)\b")


def read_label(label: Text, found: list[Diagnostic]) -> Meaning:
    """Read `label`; what is wrong with it is added to `found`."""
    text = repair(label.text)
    if ":" in text and (match := _TYPED.fullmatch(text)):
        return _typed(match, label, found)
    if match := _FORM.fullmatch(text):
        expr = _expression(match, label, found)
        form = FORMS[match["word"].split()[0].lower()]  # `Mask 2: k <= q` is numbered
        return Meaning(form, expr=expr, broken=expr is None)
    if ":" in text and (match := _LIKE_TYPED.fullmatch(text)):
        return _typed(match, label, found)
    if "=" in text and (match := _EQUATION.fullmatch(text)):
        equation = _expression(match, label, found, equation=True)
        return Meaning(name=match["name"], equation=equation, broken=equation is None)
    if match := _BY.fullmatch(text) or _SIGN.fullmatch(text):
        factor = _expression(match, label, found)
        if factor is not None and match["word"].lower() in ("divide", "divided", "÷"):
            factor = Binary("/", Number(1), factor)
        return Meaning(Scale, expr=factor, broken=factor is None)
    op_named = find_operation(text)
    causal = op_named is Mask and is_causal(text)
    module = "" if op_named else find_module(text)
    return Meaning(
        op_named, module, role=find_role(text), optional=is_optional(text), causal=causal
    )


def is_causal(text: str) -> bool:
    """Whether a mask of this name hides what comes later."""
    return _CAUSAL.search(normal(text)) is not None


def _typed(match: re.Match[str], label: Text, found: list[Diagnostic]) -> Meaning:
    name = match["name"]
    try:
        type_ = parse_type(match["type"])
    except ValueError as error:
        found.append(errors.bad_type(part(label, match["type"]), str(error)))
        return Meaning(name=name, broken=True)
    optional = is_optional(name)
    return Meaning(name=name, type=type_, role=find_role(name), optional=optional)


def _expression(
    match: re.Match[str], label: Text, found: list[Diagnostic], *, equation: bool = False
) -> Expr | None:
    text = match["expr"]
    try:
        return parse(text, equation=equation)
    except ExpressionError as error:
        place = part(label, text)
        if place.text == text.strip():  # it stands in the file as it reads: offsets are exact
            start = place.start - (len(text) - len(text.lstrip()))
            place = Span(place.source, start + error.start, start + error.end)
        found.append(errors.bad_expression(place, str(error), error.help))
        return None


def part(label: Text, text: str) -> Span:
    """The place of `text` within the label, or the whole label if it is spelled otherwise."""
    match = re.search(rf"(?<!\w){re.escape(text.strip())}(?![^\Wᵀ])", label.span.text)
    if match is None:
        return label.span
    start = label.span.start + match.start()
    return Span(label.span.source, start, start + len(text.strip()))
