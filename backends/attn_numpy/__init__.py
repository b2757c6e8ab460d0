"""The NumPy backend: a graph as a module that reads as if a person had written it.

In: a fused `Graph`. Out: the text of one Python module, which needs NumPy and the standard
library only; and, loaded, the function that runs it.
"""

from attn_numpy.backend import NumpyBackend

BACKEND = NumpyBackend()

__all__ = ["BACKEND", "NumpyBackend"]
