"""Scores as NumPy: real arithmetic in the type of the scores, as a GPU does it."""

from __future__ import annotations

from attn_dsl.expr import SCORE, Binary, Call, Expr, Kind, Number, Tensor, Unary, kind_of
from attn_dsl.expr.printer import ATOM
from attn_dsl.ir import DType
from attn_numpy.expressions import ArrayPrinter, Arrays

SMOOTH = ("exp", "log", "sqrt", "tanh", "sigmoid", "abs", "min", "max")
"""Functions that may be computed in the type of the scores."""


class ScorePrinter(ArrayPrinter):
    """Arrays of scores of `dtype`.

    What is compared, rounded down or an index has 64 bits as ever, where a difference in the
    last bit would be one as a whole. Whole numbers become real ones where they meet these, so
    that NumPy does not widen all scores.
    """

    def __init__(self, given: Arrays, dtype: DType) -> None:
        super().__init__(given)
        self._dtype, self._exact = dtype, ArrayPrinter(given)

    def render(self, expr: Expr) -> tuple[str, int]:
        """As ArrayPrinter, if that keeps the type of the scores."""
        if self._is_scalar(expr):
            return super().render(expr)
        match expr:
            case Call("where", (condition, *arms)):
                texts = [self._exact.print(condition), *map(self.print, arms)]
                return f"np.where({', '.join(texts)})", ATOM
            case Tensor(name) if self._dtypes[name] is self._dtype:
                return self._exact.render(expr)
        if self._keeps(expr):
            return super().render(expr)
        return f"{self._exact.within(expr, ATOM)}.astype(np.{self._dtype.numpy})", ATOM

    def _keeps(self, expr: Expr) -> bool:
        """Whether it is of the type of the scores if its operands are."""
        if kind_of(expr, self._kinds) is not Kind.FLOAT:
            return False
        match expr:
            case Tensor():
                return False
            case Binary("**", _, Number(value)):
                return isinstance(value, int) and value >= 0
            case Binary(op):
                return op != "**"
            case Call(function):
                return function in SMOOTH
        return isinstance(expr, Unary) or expr == SCORE
