"""A file's page, live: drawn again whenever the file, or a module that it uses, is saved.

In: the name of a diagram, and a socket on loopback. Out: a server for the browsers of this
machine, until it is interrupted. It needs what `pip install 'attn-dsl[serve]'` brings.
"""

from attn_dsl.serve.drawn import Source
from attn_dsl.serve.server import listen, serve

__all__ = ["Source", "listen", "serve"]
