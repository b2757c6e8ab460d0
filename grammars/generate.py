"""Lark's tables of a grammar, as the text of a JSON file."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any
from zlib import crc32

from lark import Lark
from lark.grammar import Rule
from lark.lexer import BasicLexer

STARTS = {"flowchart": ["header", "statement"], "expression": ["start"]}


def generate(name: str) -> str:
    """What `<name>.json` should hold, by what `<name>.lark` says."""
    data = files(__package__).joinpath(f"{name}.lark").read_bytes()
    lark: Any = Lark(
        data.decode(),
        parser="lalr",
        lexer="contextual",
        start=STARTS[name],
        maybe_placeholders=False,
    )
    table, contextual = lark.parser.parser._parse_table, lark.parser.lexer
    rules = sorted(
        lark.rules, key=lambda rule: (rule.origin.name, repr(rule.expansion), rule.order)
    )
    states = _in_order(table)
    lexers = [_lexer(contextual.root_lexer)]
    rows = []
    for state in states:
        lexer = _lexer(contextual.lexers[state])
        if lexer not in lexers:
            lexers.append(lexer)
        actions = {
            symbol: ~rules.index(target) if isinstance(target, Rule) else states.index(target)
            for symbol, (_, target) in sorted(table.states[state].items())
        }
        rows.append([lexers.index(lexer), actions])
    ends = ((s, table.start_states[s], table.end_states[s]) for s in STARTS[name])
    found = {
        "grammar": crc32(data),
        "starts": {start: [states.index(first), states.index(last)] for start, first, last in ends},
        "ignored": sorted(contextual.root_lexer.ignore_types),
        "root": 0,
        "lexers": lexers,
        "rules": [_rule(rule) for rule in rules],
        "states": rows,
    }
    lines = (f'"{key}": {json.dumps(value, ensure_ascii=False)}' for key, value in found.items())
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _in_order(table: Any) -> list[int]:
    """The states as a walk from the starts meets them; Lark numbers them anew in each run."""
    order = list(table.start_states.values())
    for state in order:
        for _, (_, target) in sorted(table.states[state].items()):
            if not isinstance(target, Rule) and target not in order:
                order.append(target)
    return order


def _lexer(lexer: BasicLexer) -> list[Any]:
    """The pattern of all terminals, and the words that are other terminals than they look like."""
    scanner: Any = lexer.scanner
    patterns = [found.pattern for found in scanner._mres]
    assert len(patterns) <= 1
    callbacks: dict[str, Any] = dict(lexer.callback)
    words = {
        terminal: {word.pattern.value: word.name for word in callback.scanner.terminals}
        for terminal, callback in callbacks.items()
    }
    return [patterns[0] if patterns else "(?!)", words]


def _rule(rule: Rule) -> list[Any]:
    symbols = "".join(map(_symbol, rule.expansion))
    name = rule.alias or rule.options.template_source or rule.origin.name
    single = rule.options.expand1 and not rule.alias
    return [rule.origin.name, name, symbols, rule.origin.name.startswith("_"), single]


def _symbol(symbol: Any) -> str:
    if symbol.is_term:
        return "x" if symbol.filter_out else "k"
    return "s" if symbol.name.startswith("_") else "k"
