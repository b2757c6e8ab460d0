"""Conditions on remainders, such as `(q - k) % 4 == 0`: whether a stretch of numbers has one."""

from __future__ import annotations

import operator
from collections.abc import Iterator
from dataclasses import dataclass
from math import lcm

from attn_dsl.expr import FALSE, TRUE, Binary, Call, Compare, Expr, Number, disjunction
from attn_dsl.tile.linear import Linear

COMPARE = {"<": operator.lt, "<=": operator.le, "==": operator.eq, "!=": operator.ne}
MAX_MODULUS = 4096
MAX_RUNS = 4
"""Of what is longer nothing is said, so that conditions stay short and are found fast."""


@dataclass(frozen=True)
class Congruence:
    """`number % modulus` is one of `residues`."""

    number: Linear
    modulus: int
    residues: frozenset[int]

    @staticmethod
    def of(op: str, sum: Linear) -> Congruence | None:
        """What `sum op 0` says, if the sum is a multiple of one remainder, and a constant."""
        match list(sum.terms.items()):
            case [(Binary("%", x, Number(int(modulus))), factor)] if 0 < modulus <= MAX_MODULUS:
                compare = COMPARE[op]
                residues = (r for r in range(modulus) if compare(factor * r + sum.constant, 0))
                return Congruence(Linear.of(x), modulus, frozenset(residues))
        return None

    def __and__(self, other: Congruence) -> Congruence | None:
        """Both as one, if they are about one number up to sign and constant, and that is short."""
        modulus = lcm(self.modulus, other.modulus)
        for sign in (1, -1):
            rest = other.number + self.number * -sign
            if not rest.terms and modulus <= MAX_MODULUS:
                residues = (
                    r
                    for r in range(modulus)
                    if r % self.modulus in self.residues
                    and (sign * r + rest.constant) % other.modulus in other.residues
                )
                both = Congruence(self.number, modulus, frozenset(residues))
                return both if len(list(both._runs())) <= MAX_RUNS else None
        return None

    def holds_between(self, low: Expr, high: Expr) -> Expr:
        """Whether a number from `low` up to `high` fulfils this; True where that is long to say."""
        if len(self.residues) == self.modulus:
            return TRUE
        runs = list(self._runs())
        condition: Expr = FALSE
        for first, length in runs if len(runs) <= MAX_RUNS else ():
            greatest = self._greatest(first, length, high)
            condition = disjunction(condition, Compare(">=", greatest, low))
        return condition if len(runs) <= MAX_RUNS else TRUE

    def _greatest(self, first: int, length: int, high: Expr) -> Expr:
        """The greatest number up to `high` whose residue is in a run."""
        shifted, modulus = Linear.of(high).plus(-first).to_expr(), Number(self.modulus)
        if length == 1:
            return Linear({Binary("//", shifted, modulus): self.modulus}, first).to_expr()
        beyond = Linear({Binary("%", shifted, modulus): 1}, 1 - length).to_expr()
        return Binary("-", high, Call("max", (beyond, Number(0))))

    def _runs(self) -> Iterator[tuple[int, int]]:
        """The first residue and the length of each stretch of residues, which may wrap around."""
        for first in sorted(self.residues):
            if (first - 1) % self.modulus not in self.residues:
                length = 1
                while (first + length) % self.modulus in self.residues:
                    length += 1
                yield first, length
