"""Text to expression tree, by the grammar `expression.lark`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

from attn_dsl.expr.tree import (
    FUNCTIONS,
    Binary,
    Call,
    Compare,
    Expr,
    Name,
    Number,
    Tensor,
    Unary,
    depth,
    has_more_nodes,
)
from attn_dsl.grammars import Token, Unexpected, tables
from attn_dsl.grammars import parse as parse_by

MAX_LENGTH = 10_000
MAX_NESTING = 100  # what walks a tree may recurse
MAX_NODES = 2 * MAX_LENGTH  # chains in the middle of chains double what stands in them
MAX_INTEGER = 2**63 - 1
MAX_DIGITS = 1000  # leading zeros are allowed, and Python does not read thousands of digits
TWINS = str.maketrans({"×": "*", "·": "*", "÷": "/", "−": "-"})
SPELLINGS = {"≤": "<=", "≥": ">=", "≠": "!=", "&lt;": "<", "&gt;": ">", "#lt;": "<", "#gt;": ">"}


class ExpressionError(ValueError):
    """`text` is no expression; `start` and `end` are offsets into it."""

    def __init__(self, message: str, start: int, end: int, help: str = "") -> None:
        super().__init__(message)
        self.start, self.end, self.help = start, end, help


def parse(text: str, *, equation: bool = False) -> Expr:
    """Parse `text`; raise `ExpressionError` with the place where it goes wrong.

    In an equation, names are whole tensors: `Binary("@", …)` is a matrix product, `Unary("ᵀ", x)`
    a transpose, and `softmax(x, axis)` a call.
    """
    if len(text) > MAX_LENGTH:
        message = f"an expression of {len(text)} characters; at most {MAX_LENGTH} are read"
        raise ExpressionError(message, MAX_LENGTH, len(text))
    plain, offsets = _ascii(text)
    try:
        build = _Builder(equation).build
        expr = cast(Expr, parse_by(tables("expression"), "start", plain, 0, build)[0])
    except Unexpected as error:
        length = len(error.token or tables("expression").at(plain, error.at) or "")
        raise _unexpected(text, offsets[error.at], offsets[error.at + length]) from None
    except ExpressionError as error:
        start, end = offsets[error.start], offsets[error.end]
        raise ExpressionError(str(error), start, end, error.help) from None
    if has_more_nodes(expr, MAX_NODES):
        message = f"chained comparisons within one another have more than {MAX_NODES} parts"
        raise ExpressionError(message, 0, len(text))
    if depth(expr) > MAX_NESTING:
        message = f"an expression nested more than {MAX_NESTING} deep"
        raise ExpressionError(message, 0, len(text))
    return expr


def _ascii(text: str) -> tuple[str, list[int]]:
    """Spell `≤ ≥ ≠ × &lt;` in ASCII; the list maps offsets in the result back to `text`."""
    out: list[str] = []
    offsets: list[int] = []
    position = 0
    while position < len(text):
        known = next((s for s in SPELLINGS if text.startswith(s, position)), text[position])
        plain = SPELLINGS.get(known, known.translate(TWINS))
        out.append(plain)
        offsets.extend([position] * len(plain))
        position += len(known)
    return "".join(out), [*offsets, len(text)]


OTHER_SPELLINGS = {
    "=<": "<=",
    "=>": ">=",
    "===": "==",
    "<>": "!=",
    "&&": "and",
    "||": "or",
    "!": "not",
    "^": "**",
    "=": "==",
}
"""How other languages write an operator, and how it is written here."""


def _unexpected(text: str, start: int, end: int) -> ExpressionError:
    """The error at `text[start:end]`, which is empty where no terminal stands."""
    is_ours = text.startswith(tuple(SPELLINGS), start)
    doubled = text[start - 1 : start + 1] in ("&&", "||")  # of which the first was read
    first = start - 1 if doubled else start
    for theirs, ours in OTHER_SPELLINGS.items():
        if text.startswith(theirs, first) and not is_ours:
            message, after = f"`{theirs}` has no meaning here", first + len(theirs)
            return ExpressionError(message, first, after, f"write `{ours}`, as in Python")
    if end > start:
        return ExpressionError(f"`{text[start:end]}` is not expected here", start, end)
    if start < len(text):
        return ExpressionError(f"`{text[start]}` has no meaning here", start, start + 1)
    if not text.strip():
        return ExpressionError("an expression is missing here", 0, len(text))
    message, help = "the expression ends too early", ""
    for opening, closing in ("()", "[]"):
        if text.count(opening) > text.count(closing):
            help = f"a `{opening}` is not closed by `{closing}`"
    return ExpressionError(message, len(text), len(text), help)


@dataclass(frozen=True)
class _Keyword:
    """`name=value` in the arguments of a call."""

    name: str
    value: Expr


class _Builder:
    """What the grammar reads to our tree; method names are the grammar's rule names."""

    def __init__(self, equation: bool) -> None:
        self._equation = equation

    def build(self, rule: str, items: list[Any], start: int, end: int) -> Any:
        """What `rule` makes of its parts."""
        return getattr(self, rule)(items)

    def number(self, items: list[Token]) -> Expr:
        token = items[0]
        if not token.isdecimal():
            return Number(float(token))
        if len(token) > MAX_DIGITS or int(token) > MAX_INTEGER:
            start, end = token.start, token.end
            raise ExpressionError("whole numbers have at most 64 bits", start, end)
        return Number(int(token))

    def name(self, items: list[Token]) -> Expr:
        constants = {"True": Number(True), "False": Number(False), "inf": Number(float("inf"))}
        constant = constants.get(str(items[0]))
        return Name(_identifier(items[0])) if constant is None else constant

    def binary(self, items: list[Any]) -> Expr:
        if items[1] == "@":
            self._only_in_equations(items[1])
        return Binary(str(items[1]), items[0], items[2])

    def transposed(self, items: list[Any]) -> Expr:
        self._only_in_equations(items[1])
        return Unary("ᵀ", items[0])

    def _only_in_equations(self, token: Token) -> None:
        if not self._equation:
            start, end = token.start, token.end
            message = f"`{token}` is for equations, such as `S = Q @ Kᵀ`"
            raise ExpressionError(message, start, end)

    def power(self, items: list[Expr]) -> Expr:
        return Binary("**", items[0], items[1])

    def minus(self, items: list[Expr]) -> Expr:
        if isinstance(items[0], Number) and not isinstance(items[0].value, bool):
            return Number(-items[0].value)
        return Unary("-", items[0])

    def plus(self, items: list[Expr]) -> Expr:
        return items[0]

    def root(self, items: list[Expr]) -> Expr:
        return Call("sqrt", (items[0],))

    def negation(self, items: list[Expr]) -> Expr:
        return Unary("not", items[0])

    def conjunction(self, items: list[Expr]) -> Expr:
        return Binary("and", items[0], items[1])

    def disjunction(self, items: list[Expr]) -> Expr:
        return Binary("or", items[0], items[1])

    def comparison(self, items: list[Any]) -> Expr:
        """`a < b <= c` is `a < b and b <= c`."""
        links = [
            Compare(str(items[i]), items[i - 1], items[i + 1]) for i in range(1, len(items), 2)
        ]
        chain: Expr = links[0]
        for link in links[1:]:
            chain = Binary("and", chain, link)
        return chain

    def call(self, items: list[Any]) -> Expr:
        function, *arguments = items
        start, end = function.start, function.end
        if function == "softmax" and self._equation:
            return _softmax(function, arguments)
        if keyword := next((a for a in arguments if isinstance(a, _Keyword)), None):
            message = f"`{function}` takes no `{keyword.name}`"
            raise ExpressionError(message, start, end)
        if str(function) not in FUNCTIONS:
            message = f"there is no function `{function}`"
            raise ExpressionError(message, start, end, "known are " + ", ".join(FUNCTIONS))
        expected = FUNCTIONS[str(function)]
        if str(function) in ("min", "max") and len(arguments) > 2:
            first, *rest = arguments
            for argument in rest:
                first = Call(str(function), (first, argument))
            return cast(Expr, first)
        if len(arguments) != expected:
            message = f"`{function}` takes {expected} arguments, {len(arguments)} are given"
            raise ExpressionError(message, start, end)
        return Call(str(function), tuple(arguments))

    def keyword(self, items: list[Any]) -> Any:
        return _Keyword(str(items[0]), items[1])

    def index(self, items: list[Any]) -> Expr:
        name, *indices = items
        if any(isinstance(index, _Keyword) for index in indices):
            start, end = name.start, name.end
            raise ExpressionError("an index has no name", start, end)
        return Tensor(_identifier(name), tuple(indices))


def _softmax(function: Token, arguments: list[Any]) -> Expr:
    """`softmax(x)`, `softmax(x, -1)` or `softmax(x, axis=-1)`."""
    x, *rest = arguments
    axis = rest[0] if rest else Number(-1)
    if isinstance(axis, _Keyword) and axis.name == "axis":
        axis = axis.value
    whole = isinstance(axis, Number) and type(axis.value) is int
    if len(rest) > 1 or isinstance(x, _Keyword) or not whole:
        start, end = function.start, function.end
        raise ExpressionError("`softmax` takes a tensor and an axis, -1 or -2 or …", start, end)
    return Call("softmax", (x, axis))


def _identifier(token: Token) -> str:
    """A name as in Python, where `d²` is none."""
    if not token.isidentifier():
        start, end = token.start, token.end
        raise ExpressionError(f"`{token}` is no name", start, end)
    return str(token)
