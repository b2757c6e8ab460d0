"""A kernel beside its peers: the same inputs, one process, turn by turn.

In: a kernel, the sizes to run it at, and who to compare it with. Out: a `Record` of times and
differences, as a table, as JSON, or as a plot.
"""

from attn_dsl.bench.environment import machine
from attn_dsl.bench.peers import Absent, Prepare, torch_peers
from attn_dsl.bench.report import table, to_json, write_plot
from attn_dsl.bench.turns import Point, Record, compare, sweep_sizes

__all__ = [
    "Absent",
    "Point",
    "Prepare",
    "Record",
    "compare",
    "machine",
    "sweep_sizes",
    "table",
    "to_json",
    "torch_peers",
    "write_plot",
]
