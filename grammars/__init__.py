"""The grammars of attn, and how to read by them.

In: `flowchart.lark` and `expression.lark`, and the LALR tables that Lark makes of them, which are
shipped beside them. Out: `parse`, from a text to whatever is built of its rules.
"""

from attn_dsl.grammars.lalr import Build, Token, Unexpected, parse
from attn_dsl.grammars.tables import Tables, tables

__all__ = ["Build", "Tables", "Token", "Unexpected", "parse", "tables"]
