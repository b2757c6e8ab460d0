"""Operations that are not fused, one graph each; sizes as in `SIZES`."""

from __future__ import annotations

from attn_dsl.ir import Graph, Sizes, from_text

SIZES = Sizes({"N": 5, "M": 7, "E": 6, "D": 4, "h": 2, "J": 6, "G": 3}, (2,))
X, W, B = "f32[..., N, E]", "f32[D, E]", "f32[D]"
INPUTS = {"x": X, "y": X, "w": W, "a": B, "g": "f32[E]", "c": "f32[E]", "t": "f32[M, E]"}
INPUTS |= {"i": "i32[2, N]", "j": "i64[N]", "r": "f32[1, E]", "z": "f32[N, h]"}
INPUTS |= {"e": "f32[N, E]", "o": "f32[N, E]"}
INPUTS |= {"u": "f32[..., G, N, E]", "v": "f32[J, M, D]", "f": "f32[J, G, N, E]"}
OPS = {
    "linear": ("linear(%x, %w, %a)", "f32[..., N, D]"),
    "linear_without_bias": ("linear(%x, %w)", "f32[..., N, D]"),
    "layer_norm": ("layer_norm(%x, %g, %c)", X),
    "layer_norm_epsilon": ("layer_norm(%x, %g, %c) {epsilon=0.5}", X),
    "embedding": ("embedding(%i, %t)", "f32[2, N, E]"),
    "embedding_of_long": ("embedding(%j, %t)", "f32[N, E]"),
    "positions": ("positions(%x)", X),
    "positions_odd": ("positions(%t)", "f32[M, E]"),
    "split_heads": ("split_heads(%x) {heads=3}", "f32[..., 3, N, E // 3]"),
    "repeat_heads": ('repeat_heads(%u) {heads="D + 2"}', "f32[..., D + 2, N, E]"),
    "repeat_heads_by_a_size_named_as_an_index": (
        'repeat_heads(%v) {heads="J * h"}',
        "f32[J*h, M, D]",
    ),
    "gather_pages": ("gather_pages(%v, %i)", "f32[2, M*N, D]"),
    "gather_pages_of_heads": ("gather_pages(%f, %j)", "f32[G, N*N, E]"),
    "gather_pages_before_heads": ("gather_pages(%f, %i) {axis=-3}", "f32[2, N, G*N, E]"),
    "concatenate": ("concatenate(%x, %y)", "f32[..., N, 2*E]"),
    "concatenate_rows": ("concatenate(%x, %y) {axis=-2}", "f32[..., 2*N, E]"),
    "concatenate_itself": ("concatenate(%x, %x)", "f32[..., N, 2*E]"),
    "concatenate_shared": ("concatenate(%r, %x)", "f32[..., N, 2*E]"),
    "concatenate_shared_rows": ("concatenate(%x, %t, %r) {axis=-2}", "f32[..., M + N + 1, E]"),
    "slice": ('slice(%x) {first="D - 2", count="E // 2"}', "f32[..., N, E // 2]"),
    "slice_by_a_size_named_as_an_index": ('slice(%z) {first="0", count="h"}', "f32[N, h]"),
    "row": ("row(%x)", "f32[..., N, 1, E]"),
    "vector": ("vector(%r)", "f32[E]"),
    "row_of_all": ("row(%x) {axis=-3}", "f32[..., 1, N, E]"),
    "column": ("row(%x) {axis=-1}", "f32[..., N, E, 1]"),
    "sum": ("sum(%x)", "f32[..., N]"),
    "sum_rows": ("sum(%x) {axis=-2}", "f32[..., E]"),
    "mean": ("mean(%x)", "f32[..., N]"),
    "mean_of_rows": ("mean(%x) {axis=-2}", "f32[..., E]"),
    "layer_norm_of_each_row": ("layer_norm(%x, %e, %o)", X),
    "layer_norm_of_one_row": ("layer_norm(%r, %e, %o)", "f32[N, E]"),
    "relu": ("relu(%x)", X),
    "sigmoid": ("sigmoid(%x)", X),
    "tanh": ("tanh(%x)", X),
    "identity": ("identity(%x)", X),
    "cast_to_whole": ('cast(%x) {dtype="i64"}', "i64[..., N, E]"),
    "cast_to_wider": ('cast(%x) {dtype="f64"}', "f64[..., N, E]"),
    "cast_to_condition": ('cast(%x) {dtype="bool"}', "bool[..., N, E]"),
    "cast_of_ids": ('cast(%i) {dtype="f32"}', "f32[2, N]"),
    "add": ("add(%x, %y)", X),
    "subtract": ("subtract(%x, %x)", X),
    "multiply": ("multiply(%x, %g)", X),
    "divide": ("divide(%x, %y)", X),
    "softmax_with_sink": ('softmax(%x, %g) {sink="g[q] + 1"}', X),
    "softmax_with_equal_sinks": ('softmax(%x) {sink="0"}', X),
    "log_sum_exp": ("log_sum_exp(%x)", "f32[..., N]"),
    "log_sum_exp_of_rows": ("log_sum_exp(%x) {axis=-2}", "f32[..., E]"),
    "log_sum_exp_with_sink": ('log_sum_exp(%x, %g) {sink="g[q] + 1"}', "f32[..., N]"),
    "softmax_of_rows": ("softmax(%x) {axis=-2}", X),
}


def layer(name: str) -> Graph:
    """The graph of one operation, its result called out."""
    op, type_ = OPS[name]
    lines = [f'%{n} = input() {{name="{n}", type="{t}"}} : {t}' for n, t in INPUTS.items()]
    sized = ["x", "w", "t", "z"]  # the sizes of the others follow from these
    lines = [line for line in lines if line[1] in sized or f"%{line[1]}" in op]
    body = f"%out = {op} : {type_}\n"
    graph = from_text('graph "layer"\n' + "\n".join(lines) + "\n" + body + 'return "out" = %out\n')
    outputs = [*graph.outputs, *((n, n) for n in sized)]
    return Graph.ordered(graph.name, graph.statements, outputs)


def heads() -> Graph:
    """What is split and merged is what it was."""
    return from_text(f"""graph "heads"
%x = input() {{name="x", type="{X}"}} : {X}
%parts = split_heads(%x) {{heads=2}} : f32[..., 2, N, E // 2]
%out = merge_heads(%parts) : {X}
return "out" = %out
""")
