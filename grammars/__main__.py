"""Writes the tables anew: `python -m attn_dsl.grammars`, after a change to a `.lark` file."""

from pathlib import Path

from attn_dsl.grammars.generate import STARTS, generate

for name in STARTS:
    path = Path(__file__).parent / f"{name}.json"
    path.write_text(generate(name), encoding="utf-8")
    print(f"wrote {path}")
