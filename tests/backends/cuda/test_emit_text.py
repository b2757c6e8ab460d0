"""The emitted text: a golden, what compilers say of it, names, and that nothing in it is idle."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from attn_cuda import BACKEND
from attn_cuda.attention.tiling import of_groups
from attn_cuda.cxx.helpers import HELPERS, strip_comments
from attn_cuda.cxx.intrinsics import INTRINSICS
from attn_cuda.cxx.names import RESERVED, comment, identifier, identifiers
from emit_support import attention, check, draw, graph_of, in_type, lower
from test_emit_linear import EXPRESSIONS, UNFUSED
from test_emit_models import model

from attn_dsl.backend import Options
from attn_dsl.diagnostics import DiagnosticError, Source, Span
from attn_dsl.ir import Graph, Origin

HERE = Path(__file__).parent
CAUSAL = attention('scale="1 / sqrt(D)", mask="k <= q"', name="causal")
OPTIONAL = attention(
    'scale="1 / sqrt(M)", score="tanh(s) + mask_bias", mask="doc[b, q] == doc[b, k] and mask_keep"',
    "doc: i32[B, N]",
    "mask_keep?: bool[B, H, N, M]",
    "mask_bias?: f32[B, H, N, M]",
)


GROUPED = graph_of(
    "Q: f32[B, H, N, D]",
    "K: f32[B, G, M, D]",
    "V: f32[B, G, M, E]",
    "slope: f32[H]",
    "%O = tiled_attention(%Q, %K, %V, %slope) "
    '{grouped=true, mask="k <= q", sink="slope[h]"} : f32[B, H, N, E]',
    "%L = tiled_log_sum_exp(%Q, %K, %slope) "
    '{grouped=true, mask="k <= q", sink="slope[h]"} : f32[B, H, N]',
    "%X = tiled_attention(%Q, %K, %V) "
    '{grouped=true, normalizer="none", score="sigmoid(s)", mask="k <= q"} : f32[B, H, N, E]',
    outputs=("O", "L", "X"),
)
PAGED = graph_of(
    "Q: f32[B, H, N, D]",
    "K: f32[P, S, G, D]",
    "V: f32[P, S, G, D]",
    "table: i32[B, J]",
    "length: i32[B]",
    "%O = tiled_attention(%Q, %K, %V, %length, %table) "
    '{grouped=true, mask="k < length[b]", key_page="table[b, k // S]", '
    'value_page="table[b, k // S]", page_axis=-3} : f32[B, H, N, D]',
)
HALF = in_type(CAUSAL, "bf16")
WIDE_ROWS = graph_of(
    "Q: bf16[H, N, D]",
    "K: bf16[H, M, D]",
    '%L = tiled_log_sum_exp(%Q, %K) {precision="f32"} : f32[H, N]',
)
ROWS = graph_of("Q: f32[H, N, D]", "K: f32[H, M, D]", "%L = tiled_log_sum_exp(%Q, %K) : f32[H, N]")


def test_golden(golden: Callable[[Path, str], None]) -> None:
    golden(HERE / "goldens" / "causal.cu", lower(CAUSAL, D=64, E=64).source)
    golden(HERE / "goldens" / "causal_bf16.cu", lower(HALF, D=64, E=64).source)
    golden(HERE / "goldens" / "grouped.cu", lower(GROUPED, D=64, E=64).source)
    golden(HERE / "goldens" / "paged.cu", lower(PAGED, D=64).source)


MODEL_SOURCES = {
    f"model_{element}": model("encoder block", element)[1].source for element in ("f32", "bf16")
}


def sources() -> dict[str, str]:
    inputs = ["X: f32[B, H, N, N]", "table: f32[N]", "flags: bool[N, N]", "ids: i32[N]"]
    inputs += ["bias: f32[H, 1, N]", "slope: f32[1]"]
    names = ", ".join(f"%{line.split(':')[0]}" for line in inputs)
    lines = [
        f'%r{n} = score({names}) {{value="{expression}"}} : f32[B, H, N, N]'
        for n, expression in enumerate(EXPRESSIONS)
    ]
    outputs = tuple(f"r{n}" for n in range(len(EXPRESSIONS)))
    return {
        "small": lower(CAUSAL, D=3, E=5).source,
        "large": lower(CAUSAL, D=128, E=128).source,
        "optional": lower(OPTIONAL, D=64, E=64).source,
        "single": lower(attention(batch=""), D=64, E=64).source,
        "grouped": lower(GROUPED, D=64, E=64).source,
        "paged": lower(PAGED, D=64).source,
        "half": lower(HALF, D=64, E=64).source,
        "half_large": lower(in_type(CAUSAL, "f16"), D=128, E=128).source,
        "half_huge": lower(HALF, D=256, E=256).source,
        "half_odd": lower(HALF, D=40, E=72).source,
        "half_optional": lower(in_type(OPTIONAL, "f16"), D=128, E=128).source,
        "half_grouped": lower(in_type(GROUPED, "bf16"), D=64, E=64).source,
        "half_paged": lower(in_type(PAGED, "f16"), D=128).source,
        "half_rows": lower(in_type(ROWS, "bf16"), D=64).source,
        "rows": lower(ROWS, D=64).source,
        "unfused": lower(graph_of(*UNFUSED)).source,
        **MODEL_SOURCES,
        "expressions": lower(graph_of(*inputs, *lines, outputs=outputs)).source,
    }


SOURCES = sources()


@pytest.mark.parametrize("name", [name for name in SOURCES if name not in MODEL_SOURCES])
def test_every_name_of_ours_is_reserved(name: str) -> None:
    """A diagram may use any word: those of the file itself must be known to be taken."""
    known = "X Q K V O L B H G N M D E table flags ids bias slope mask doc mask_keep mask_bias"
    known += " S C A P K_T batch heads columns rows count inner"
    known += " J length length_head place0 place1 place2"
    known += " O_parts O_sums L_parts L_sums X_parts X_sums"  # of tiles whose keys several share
    known += " doc_q_min doc_q_max doc_k_min doc_k_max O_doc_k"  # ranges have names that are free
    code = strip_comments(SOURCES[name].split("template <typename T>\nstruct View", 1)[1])
    specific = "\n".join(
        part
        for part in code.split("\n}\n")
        if re.search(
            r"\b(attention|log_sum_exp|score|mask|scale|add|matmul|relu|layer_norm|positions)_\w+\(|launch_test|launch_causal",
            part,
        )
    )
    words = set(re.findall(r"(?<![\w.])[A-Za-z]\w*", specific)) - INTRINSICS.keys()
    own = {
        w
        for w in words
        if re.fullmatch(r"(attention|log_sum_exp|score|mask|scale|add|matmul|launch)_\w+|r\d+", w)
        or re.fullmatch(r"\w+_(strides|contiguous)", w)
    }
    preprocessor = {"ifndef", "endif", "pragma", "unroll"}
    assert words - own - set(known.split()) - RESERVED <= preprocessor


def test_no_helper_is_idle() -> None:
    for text in SOURCES.values():
        code = strip_comments(text)
        for name in HELPERS:
            uses = len(re.findall(rf"\b{name}\b", code))
            assert uses != 1, name
    assert "gather" not in SOURCES["large"]
    assert "Hide" not in SOURCES["single"]
    assert "mask" not in strip_comments(SOURCES["single"])


def test_diagrams_may_use_any_name() -> None:
    graph = graph_of(
        "float: f32[scores, group, tile, D]",
        "View: f32[scores, group, M, D]",
        "α: f32[scores, group, M, batch]",
        "exp: i32[scores, tile]",
        "heads: f32[M]",
        '%query = tiled_attention(%float, %View, %α, %exp, %heads) {scale="1 / sqrt(D)", '
        'score="s + heads", mask="exp[b, q] < k + tile"} : f32[scores, group, tile, batch]',
        '%launch = scale(%query) {factor="tile + 1"} : f32[scores, group, tile, batch]',
        name="main() { }\\nwhile",
    )
    program = lower(graph, D=8, batch=4)
    sizes = {"scores": 2, "group": 2, "tile": 9, "M": 11, "D": 8, "batch": 4}
    check(program, draw(graph, **sizes))


def test_identifiers() -> None:
    assert identifier("Kᵀ") == "KT"
    assert identifier("2 x") == "x2_x"
    assert identifier("β") == "beta"
    assert identifiers(["q", "β", "beta", "..."], ["x"]) == {
        "q": "q_",
        "β": "beta",
        "beta": "beta_",
        "...": "x_",
    }
    assert comment("a \\\n b\u202e\u2028c") == "a b c"


@pytest.mark.parametrize(("dims", "keys"), [((64, 64), 64), ((128, 128), 32), ((1, 128), 64)])
def test_tiles_leave_room_for_two_blocks(dims: tuple[int, int], keys: int) -> None:
    assert of_groups(*dims).keys == keys


def test_sizes_stay_arguments() -> None:
    program = lower(CAUSAL, D=64, E=64, N=4096, H=8)
    assert program.source == lower(CAUSAL, D=64, E=64).source
    assert program.sizes == {"D": 64, "E": 64}
    assert (program.entry, program.suffix, program.target) == ("launch_causal", ".cu", "cuda")


def placed(graph: Graph) -> Graph:
    """The graph with an origin for every statement."""
    source = Source("x.attn", "fused here")
    statements = tuple(
        type(s)(s.name, s.op, s.type, (Origin("Attention", source.whole),))
        for s in graph.statements
    )
    return Graph(graph.name, statements, graph.outputs)


@pytest.mark.parametrize(
    ("graph", "sizes", "code", "message", "help"),
    [
        (CAUSAL, {"E": 64}, "E060", "head dim D of `O`", "`--set D=64`"),
        (CAUSAL, {"D": 257, "E": 64}, "E061", "head dim D of `O` is 257", "from 1 to 256"),
        (CAUSAL, {"D": 64, "E": 0}, "E061", "head dim E of `O` is 0", "from 1 to 256"),
        (WIDE_ROWS, {"D": 12}, "E061", "head dim D of `L` is 12", "8 to 256 in steps of 8"),
        (HALF, {"D": 68, "E": 64}, "E061", "head dim D of `O` is 68", "8 to 256 in steps of 8"),
        (graph_of("X: f64[N, M]"), {}, "E062", "`X` is f64[N, M]", "`--set dtype=f32`"),
        (
            graph_of("x: i32[N]", '%y = pointwise(%x) {dtype="f64", value="x / 2"} : f64[N]'),
            {},
            "E062",
            "`y` is f64[N]",
            "`--set dtype=f32`",
        ),
        (graph_of("X: f32[A, B, C, N, M]"), {}, "E063", "two batch dims at most", "`...`"),
    ],
)
def test_errors(graph: Graph, sizes: dict[str, int], code: str, message: str, help: str) -> None:
    with pytest.raises(DiagnosticError) as caught:
        BACKEND.lower(placed(graph), Options(sizes=sizes))
    (found,) = caught.value.diagnostics
    assert found.code == code
    assert message in found.message
    assert help in found.help
    assert isinstance(found.span, Span)


def test_all_errors_at_once() -> None:
    with pytest.raises(DiagnosticError) as caught:
        lower(CAUSAL)
    assert [d.help for d in caught.value.diagnostics] == ["use `--set D=64`", "use `--set E=64`"]
