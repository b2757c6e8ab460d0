"""The words of drawings: which operation a label names, or which role.

The words themselves stand with the operations (`Op.words`); here they are compared without
case, punctuation, line breaks and plural.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache, lru_cache

from attn_dsl.diagnostics import LIKENESS, nearest
from attn_dsl.ir import DType
from attn_dsl.ir.ops import OPS, Cast, Linear, Op
from attn_dsl.library import WORDS
from attn_dsl.syntax import repair

ROLES: Mapping[str, tuple[str, ...]] = {
    "query": ("q", "query", "query matrix", "query vector"),
    "key": ("k", "key", "key matrix", "key vector"),
    "value": ("v", "value", "value matrix", "value vector"),
    "score": ("s", "score", "attention score", "raw score", "logit"),
    "weight": ("w", "weight", "attention weight", "projection weight"),
    "sink": ("sink", "attention sink", "learned sink", "sink logit"),
}
"""Words that say what a value is for, and name no operation."""

ELEMENT_TYPES: Mapping[str, DType] = {
    **{dtype.value: dtype for dtype in DType},
    **{dtype.numpy: dtype for dtype in DType},
    **{"fp16": DType.F16, "half": DType.F16, "fp32": DType.F32, "float": DType.F32},
    **{"fp64": DType.F64, "double": DType.F64, "int": DType.I32, "long": DType.I64},
}
"""Element types by the words of drawings."""
CASTS = ("cast to", "cast", "upcast to", "downcast to", "convert to", "to")
"""What stands before the element type where a drawing names a cast."""

_OPTIONAL = re.compile(r"\(\s*opt(ional)?\.?\s*\)|\boptional\b|\bopt\.", re.IGNORECASE)
_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)
_NUMBERED = re.compile(r"\s*\w+ (\d+|[A-Za-z])\s*")
_WEIGHT = re.compile(r"w (\w+)|w[a-z]")
_INDEX = re.compile(r"\s+(\d+|[a-z])$")
_FOR = re.compile(r"\s+(?:[qkv]|quer(?:y|ies)|keys?|values?)(?:\d+|[a-z])?$")


# Drawings use few words, and each of them often.
_remembered = lru_cache(maxsize=4096)


@_remembered
def is_optional(text: str) -> bool:
    """Whether the drawing calls this optional: `Mask (opt.)`, `Optional Mask`."""
    return _OPTIONAL.search(text) is not None


@_remembered
def normal(text: str) -> str:
    """A label as it is compared: words in lower case, without "optional" and a last index."""
    text = _OPTIONAL.sub(" ", repair(text)).replace("Σ", "∑")  # in lower case it would be a σ
    text = re.sub(r"<br\s*/?>", " ", text, flags=re.IGNORECASE)
    words = re.sub(r"[^\w+⊕⊖⊙⊗ᵀ∑]+|_", " ", text.lower()).split()
    joined = " ".join(words)
    return _INDEX.sub("", joined) if len(words) > 1 else joined


def singular(text: str) -> str:
    """The last word without its plural: `keys` is key, `queries` is query."""
    if text.endswith("ies"):
        return text[:-3] + "y"
    return text[:-1] if len(text) > 3 and text.endswith("s") and not text.endswith("ss") else text


@cache
def _operations() -> dict[str, type[Op]]:
    words = {normal(word): op for op in OPS.values() for word in op.words}
    return words | {op.mnemonic: op for op in OPS.values() if op.words}


@_remembered
def _readings(text: str) -> tuple[str, ...]:
    """What a label may be compared as: all of it, or, after "Head 1 <br>", what follows."""
    head, *rest = _BREAK.split(text, maxsplit=1)
    parts = (text, *(rest if _NUMBERED.fullmatch(head) else ()))
    words = [word for part in parts for word in (normal(part), singular(normal(part)))]
    return tuple(dict.fromkeys(words))


@_remembered
def find_operation(text: str) -> type[Op] | None:
    """The operation that `text` as a whole names; a Linear may say what it is for: `Linear Q1`."""
    named = next((_operations()[w] for w in _readings(text) if w in _operations()), None)
    if named is None and _operations().get(_FOR.sub("", normal(text))) is Linear:
        return Linear
    return Cast if named is None and cast_type(text) is not None else named


def cast_type(text: str) -> DType | None:
    """The element type that `Cast to f16`, `Upcast to float` or `Float32` names."""
    *before, last = normal(text).split() or [""]
    said = " ".join(before)
    is_cast = said in CASTS if said else any(char.isdecimal() for char in last)
    return ELEMENT_TYPES.get(last) if is_cast else None


@cache
def _modules() -> dict[str, str]:
    return {normal(word): name for name, words in WORDS.items() for word in (*words, name)}


@_remembered
def find_module(text: str) -> str:
    """The module of the library that `text` as a whole names; empty if there is none."""
    return next((_modules()[w] for w in _readings(text) if w in _modules()), "")


@cache
def _roles() -> dict[str, str]:
    return {name: role for role, names in ROLES.items() for name in names}


@_remembered
def find_role(text: str) -> str:
    """query, key, value, score, weight or sink, if `text` as a whole says so; else empty."""
    words = normal(text)
    role = _roles().get(words) or _roles().get(singular(words))
    return role or ("weight" if _WEIGHT.fullmatch(words) else "")


def operation_in(title: str) -> type[Op] | None:
    """The one operation that a subgraph's title mentions; None if there are none or several."""
    padded = f" {normal(title)} "
    found = {op for word, op in _operations().items() if len(word) > 2 and f" {word} " in padded}
    return found.pop() if len(found) == 1 else None


@cache
def _spellings() -> Mapping[str, tuple[str, str]]:
    """Every word as it is compared, with what it names and how that spells it."""
    words = {name: op.words for name, op in OPS.items()} | dict(WORDS)
    return {normal(word): (name, word) for name in words for word in words[name]}


MISSPELT = 0.85
"""How much alike a word and one that it is taken for are at least: a letter apart, or two."""


def misspelt(text: str) -> str | None:
    """The known word that `text` most likely is, a letter apart."""
    return next(iter(nearest_words(text, MISSPELT)), None)


def nearest_words(text: str, likeness: float = LIKENESS) -> list[str]:
    """Known words that look like `text`, best first, one an operation, as it spells them."""
    named, words = _spellings(), normal(text)
    best: dict[str, str] = {}
    for found in nearest(words, named, 20, likeness):
        name, word = named[found]
        best.setdefault(name, word)
    return list(best.values())[:3]
