"""What drawings can say: the operations, the modules of the library, the roles.

Out: an `Entry` for each, made from the operation's class or from the module's diagram.
"""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, fields
from pathlib import Path
from typing import cast

import numpy as np

from attn_dsl.expr import Expr, to_text
from attn_dsl.ir.ops import OPS, Op, SplitHeads
from attn_dsl.library import EXAMPLES, WORDS, library_path
from attn_dsl.semantics.modules import load_module
from attn_dsl.semantics.nodes import DEFAULT_DIMS
from attn_dsl.semantics.vocabulary import (
    ROLES,
    find_module,
    find_operation,
    find_role,
    nearest_words,
)

FORMS: Mapping[str, tuple[str, ...]] = {
    "mask": ("Mask: EXPR",),
    "score": ("Score: EXPR",),
    "scale": ("Scale: EXPR", "Scale by EXPR", "Divide by EXPR", "× EXPR", "÷ EXPR"),
}
"""Labels with an expression, by the operation that they name."""


@dataclass(frozen=True)
class Entry:
    """An operation, a module or a role, as a person who draws sees it.

    `operands` come by arrows, `parameters` are weights that it owns, `attributes` are constants.
    `numpy` is the body of its rule, `file` where it is defined, `example` a line of a diagram.
    """

    kind: str
    name: str
    meaning: str
    words: tuple[str, ...] = ()
    operands: tuple[str, ...] = ()
    parameters: tuple[str, ...] = ()
    attributes: tuple[str, ...] = ()
    numpy: str = ""
    file: str = ""
    example: str = ""


def entries() -> list[Entry]:
    """Everything that a drawing can name: operations, then modules, then roles."""
    drawn = [op for op in OPS.values() if op.words or op.mnemonic in FORMS]
    return [*map(_operation, drawn), *map(_module, WORDS), *map(_role, ROLES)]


def find(text: str) -> Entry:
    """The entry of a name, or of any word that drawings use; ValueError if there is none."""
    op = OPS.get(text) or find_operation(text)
    name = op.mnemonic if op is not None else find_module(text) or find_role(text)
    entry = next((entry for entry in entries() if entry.name == name), None)
    if entry is None:
        near = " or ".join(f"`{word}`" for word in nearest_words(text))
        question = f"; did you mean {near}?" if near else ""
        raise ValueError(f"no operation, module or role is called `{text}`{question}")
    return entry


def _operation(op: type[Op]) -> Entry:
    declared = [(f.metadata["role"], f) for f in fields(op)]
    operands = [f for role, f in declared if role == "operand"]
    constants = [f for role, f in declared if role != "operand"]
    return Entry(
        kind="operation",
        name=op.mnemonic,
        meaning=_first_paragraph(op),
        words=(*op.words, *FORMS.get(op.mnemonic, ())),
        operands=tuple(f.name for f in operands if not f.metadata.get("owned")),
        parameters=tuple(f.name for f in operands if f.metadata.get("owned")),
        attributes=tuple(map(_attribute, constants)),
        numpy=_rule(op),
        file=_place(Path(inspect.getfile(op))),
        example=op.example,
    )


def _attribute(field: Field[object]) -> str:
    if field.default is MISSING:
        return field.name
    is_expression = field.metadata.get("role") == "expression"
    default = to_text(cast(Expr, field.default)) if is_expression else field.default
    return f"{field.name}={default}"


def _rule(op: type[Op]) -> str:
    """The body of `evaluate`, or the function of NumPy's that it applies."""
    function = getattr(op, "function", None)
    if function is not None:
        known = isinstance(function, np.ufunc)
        return f"np.{function.__name__}" if known else _first_paragraph(op)
    body = inspect.getsource(op.evaluate).split('"""', 2)[2]
    rule = textwrap.dedent(body).strip()
    return rule if "\n" in rule else rule.removeprefix("return ")


def _module(name: str) -> Entry:
    path = library_path(name)
    module = load_module(str(path))
    defaults = module.diagram.settings.values.get("parameters", {})
    attributes = [f"{key}={value}" for key, value in defaults.items()]
    return Entry(
        kind="module",
        name=name,
        meaning=_first_comment(path),
        words=WORDS[name],
        operands=tuple(drawn.name for drawn in module.inputs),
        attributes=tuple(["heads"] * _has_heads(name) + attributes),
        file=_place(path),
        example=EXAMPLES[name],
    )


def _has_heads(name: str) -> bool:
    """Whether the module splits heads, itself or in a module that it uses."""
    meanings = [drawn.meaning for drawn in load_module(str(library_path(name))).drawing.values()]
    return any(m.op is SplitHeads or bool(m.module and _has_heads(m.module)) for m in meanings)


def _role(name: str) -> Entry:
    dims = ", ".join(("...", *DEFAULT_DIMS.get(name, ())))
    typed = f"; as an input without a type it is [{dims}]" if name in DEFAULT_DIMS else ""
    return Entry(kind="role", name=name, meaning=f"what a value is for{typed}", words=ROLES[name])


def _first_paragraph(op: type[Op]) -> str:
    return (inspect.getdoc(op) or "").split("\n\n")[0].replace("\n", " ").rstrip(".")


def _first_comment(path: Path) -> str:
    lines = (line.strip() for line in path.read_text(encoding="utf-8").splitlines())
    return next((line.strip("% ").rstrip(".") for line in lines if line.startswith("%%")), "")


def _place(path: Path) -> str:
    """The path from the package on."""
    root = Path(__file__).parents[1]
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name
