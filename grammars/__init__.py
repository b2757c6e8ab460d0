"""The grammars of attn, as Lark text: what a flowchart is, and what an expression is.

In: nothing. Out: the text of `flowchart.lark` and `expression.lark`, for those who parse by them.
"""

from importlib.resources import files


def grammar(name: str) -> str:
    """Return the text of the grammar `name`, such as `"expression"`."""
    return files(__name__).joinpath(f"{name}.lark").read_text(encoding="utf-8")
