"""The IR as text, and back.

    graph attention
    %Q = input() {name="Q", type="f32[N, D]", role="query"} : f32[N, D]
    %S = matmul(%Q, %K_T) : f32[N, M]
    %P = mask(%S, %doc) {keep="doc[b, q] == doc[b, k]"} : f32[N, M]
    return "Output" = %O

Operands stand in order, captured tensors after them; attributes that have their default are
left out. Where a statement came from in the drawing is not part of the text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import MISSING, fields
from typing import Any

from attn_dsl.expr import parse, resolve
from attn_dsl.expr import to_text as expr_to_text
from attn_dsl.ir.graph import Graph, Statement
from attn_dsl.ir.ops import OPS, Op
from attn_dsl.ir.types import parse_type


def to_text(graph: Graph) -> str:
    """The text of `graph`, a statement a line."""
    return "\n".join(_lines(graph)) + "\n"


def _lines(graph: Graph) -> Iterator[str]:
    yield f"graph {json.dumps(graph.name, ensure_ascii=False)}"
    for statement in graph.statements:
        direct = statement.op.direct
        captured = [name for name in statement.op.captured if name not in direct]
        operands = ", ".join(f"%{name}" for name in (*direct, *captured))
        attributes = ", ".join(_attributes(statement.op))
        braces = f" {{{attributes}}}" if attributes else ""
        op = f"{statement.op.mnemonic}({operands}){braces}"
        yield f"%{statement.name} = {op} : {statement.type}"
    for label, value in graph.outputs:
        yield f"return {json.dumps(label, ensure_ascii=False)} = %{value}"


def _attributes(op: Op) -> Iterator[str]:
    defaults = {f.name: f.default for f in fields(op)}
    for name, value in op.fields_of("attribute"):
        if value != defaults[name]:
            yield f"{name}={json.dumps(value, ensure_ascii=False)}"
    for name, value in op.fields_of("expression"):
        if value != defaults[name]:
            yield f"{name}={json.dumps(expr_to_text(value), ensure_ascii=False)}"


_STATEMENT = re.compile(
    r"%(?P<name>\w+) = (?P<op>\w+)\((?P<operands>[^)]*)\)"
    r"(?: \{(?P<attributes>.*)\})? : (?P<type>.+)"
)
_ATTRIBUTE = re.compile(r'(\w+)=("(?:[^"\\]|\\.)*"|[^,]+)')
_RETURN = re.compile(r"return (?P<label>\".*\") = %(?P<value>\w+)")


def from_text(text: str) -> Graph:
    """Read what `to_text` wrote; ValueError names the line that cannot be read."""
    header, *lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not header.startswith("graph "):
        raise ValueError(f"the first line is `graph NAME`, not {header!r}")
    statements: list[Statement] = []
    outputs: list[tuple[str, str]] = []
    for line in lines:
        if match := _RETURN.fullmatch(line):
            outputs.append((json.loads(match["label"]), match["value"]))
        elif match := _STATEMENT.fullmatch(line):
            statements.append(_statement(match))
        else:
            raise ValueError(f"not a statement of the IR: {line!r}")
    return Graph(json.loads(header.removeprefix("graph ")), tuple(statements), tuple(outputs))


def _statement(match: re.Match[str]) -> Statement:
    if match["op"] not in OPS:
        raise ValueError(f"there is no operation {match['op']!r}")
    op = OPS[match["op"]]
    names = [name.strip().removeprefix("%") for name in match["operands"].split(",") if name]
    attributes = {key: json.loads(v) for key, v in _ATTRIBUTE.findall(match["attributes"] or "")}
    arguments: dict[str, Any] = {}
    operands = iter(names)
    for f in fields(op):
        role = f.metadata.get("role")
        if f.metadata.get("many"):
            arguments[f.name] = tuple(operands)
        elif role == "operand":
            optional = () if f.default is MISSING else (f.default,)
            arguments[f.name] = next(operands, *optional)
        elif f.name in attributes and role == "expression":
            scope = {name: name for name in names}
            arguments[f.name] = resolve(parse(attributes[f.name]), scope)
        elif f.name in attributes:
            arguments[f.name] = attributes[f.name]
    return Statement(match["name"], op(**arguments), parse_type(match["type"]))
