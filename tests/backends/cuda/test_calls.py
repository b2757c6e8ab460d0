"""The launch list evaluated in Python, held against what the emitted launcher launches."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from pathlib import Path

import pytest
from attn_cuda import BACKEND
from attn_cuda.cxx.unit import Unit, is_optional, make_unit
from attn_cuda.runtime.calls import Call, plan_calls, scratch_places
from attn_cuda.runtime.host import build_emulated
from attn_cuda.runtime.library import Library
from attn_cuda.source.calls import Launcher, make_launcher
from attn_cuda.source.file import entry_name
from emit_support import attention, graph_of, in_type, lower
from test_emit_linear import UNFUSED
from test_emit_text import CAUSAL, GROUPED, OPTIONAL, PAGED, ROWS

from attn_dsl.backend import Options, Program
from attn_dsl.ir import Graph
from attn_dsl.pipeline import analyse, read

EXAMPLES = Path(__file__).parents[3] / "examples"
VARIANTS = sorted((EXAMPLES / "variants").glob("*.attn"))
KNOWN = {"D": 24, "E": 16, "R": 40}
GRAPHS: dict[str, Graph] = {
    "scale": attention('scale="1 / sqrt(M)", mask="k <= q"'),
    "grouped": GROUPED,
    "paged": PAGED,
    "rows": ROWS,
    "unfused": graph_of(*UNFUSED),
    "parts": graph_of(
        "X: f32[H, N, D]",
        "Y: f32[H, M, D]",
        "%Z = concatenate(%X, %Y) {axis=-2} : f32[H, N + M, D]",
        "%W = transpose(%X) : f32[H, D, N]",
        "%P = matmul(%Z, %W) : f32[H, N + M, N]",
        "%S = softmax(%P) {axis=-2} : f32[H, N + M, N]",
        outputs=("S", "W", "X"),
    ),
    "layers": graph_of(
        "X: f32[B, N, 24]", "T: f32[V, 24]", "W: f32[24, 24]", "C: f32[24]", "ids: i32[B, N]",
        "%Y = embedding(%ids, %T) : f32[B, N, 24]",
        "%P = positions(%Y) : f32[B, N, 24]",
        "%L = layer_norm(%P, %C, %C) : f32[B, N, 24]",
        "%Z = linear(%L, %W, %C) : f32[B, N, 24]",
        "%R = split_heads(%Z) {heads=3} : f32[B, 3, N, 8]",
        "%O = tiled_attention(%R, %R, %R) : f32[B, 3, N, 8]",
        "%M_ = merge_heads(%O) : f32[B, N, 24]",
        '%S = slice(%M_) {first="1", count="5"} : f32[B, N, 5]',
        '%Q = scale(%S) {factor="1 / N"} : f32[B, N, 5]',
        "%U = mean(%Q) : f32[B, N]",
    ),
}  # fmt: skip
SCRATCH = 1 << 40  # where scratch memory lies, as far as Python knows


def programs() -> Iterator[tuple[str, Program]]:
    for file in VARIANTS:
        symbols = analyse(read(file)).drawn.symbols
        compiled = analyse(read(file), {d: KNOWN[d] for d in KNOWN if d in symbols})
        yield file.stem, BACKEND.lower(compiled.fused, Options(sizes=compiled.settings.dims))
    for name, graph in GRAPHS.items():
        yield name, lower(graph, D=24, E=16)
    whole = analyse(read(str(EXAMPLES / "attention.md#4")), {"heads": 4, "d_model": 64, "N": 2})
    yield "transformer", BACKEND.lower(whole.fused, Options(sizes=whole.settings.dims))
    for dim in (64, 128, 256):
        yield f"causal_bf16_{dim}", lower(in_type(CAUSAL, "bf16"), D=dim, E=dim)
    for name in ("optional", "grouped", "paged"):
        graph = {"optional": OPTIONAL, "grouped": GROUPED, "paged": PAGED}[name]
        yield f"{name}_f16", lower(in_type(graph, "f16"), D=64, E=64)


PROGRAMS = dict(programs())


def sizes_of(unit: Unit) -> dict[str, int]:
    """Sizes at which all fits together: heads are a multiple of groups."""
    several = {"H": 12, "G": 4, "N": 1000, "M": 1337}
    return {s: several.get(s, 3 + n) for n, s in enumerate(unit.runtime)}


def strides_of(unit: Unit, *, apart: bool) -> dict[str, tuple[int, ...] | None]:
    """Strides that no other dim has; or none, for tensors without gaps."""
    found: dict[str, tuple[int, ...] | None] = {}
    for place, statement in enumerate(unit.graph.inputs):
        rank = len(statement.type.dims)
        last = 0 if is_optional(statement) else 1
        steps = (*(1000 * place + 8 * dim + 24 for dim in range(rank - 1)), last)
        found[statement.name] = steps if apart and rank else None
    return found


def launched(program: Program, unit: Unit, launcher: Launcher, *, apart: bool) -> list[list[str]]:
    """What the emitted launcher launches, with memory at made-up addresses."""
    names = [s.name for s in unit.graph.inputs] + [pointer for pointer, _ in launcher.outputs]
    arguments = [ctypes.c_void_p((place + 1) << 20) for place, _ in enumerate(names)]
    numbers = [ctypes.c_longlong(size) for size in sizes_of(unit).values()]
    steps = [
        (ctypes.c_longlong * len(given))(*given) if given else None
        for given in strides_of(unit, apart=apart).values()
    ]
    library = Library(build_emulated(program.source))
    return library.record(program.entry, [*arguments, *numbers, *steps])


def in_python(unit: Unit, launcher: Launcher, *, apart: bool) -> list[Call]:
    """The same by the launch list."""
    names = [s.name for s in unit.graph.inputs] + [pointer for pointer, _ in launcher.outputs]
    pointers = {name: (place + 1) << 20 for place, name in enumerate(names)}
    _, begins = scratch_places(launcher, sizes_of(unit))
    pointers |= {value: SCRATCH + begin for value, begin in begins.items()}
    plans = plan_calls(launcher, strides_of(unit, apart=apart), sizes_of(unit))
    return [plan.at(pointers) for plan in plans]


@pytest.mark.parametrize("apart", [False, True], ids=["together", "apart"])
@pytest.mark.parametrize("name", PROGRAMS)
def test_python_launches_what_c_launches(name: str, apart: bool) -> None:
    program = PROGRAMS[name]
    unit = make_unit(program.graph, program.sizes)
    launcher = make_launcher(unit, entry_name(unit))
    expected = launched(program, unit, launcher, apart=apart)
    found = in_python(unit, launcher, apart=apart)
    assert len(found) == len(expected) > 0
    apart_by: set[int] = set()  # from our scratch memory to theirs
    for call, (kernel, *numbers) in zip(found, expected, strict=True):
        assert call.kernel == kernel
        shape = [call.blocks, 1, 1, call.threads, 1, 1, call.shared_bytes]
        assert shape == [int(number) for number in numbers[:7]]
        theirs = [bytes.fromhex(argument) for argument in numbers[7:]]
        assert [len(a) for a in call.arguments] == [len(a) for a in theirs]
        for ours, there in zip(call.arguments, theirs, strict=True):
            address = int.from_bytes(ours[:8], "little")
            if len(ours) == 40 and address >= SCRATCH:
                apart_by.add(int.from_bytes(there[:8], "little") - address)
                assert ours[8:] == there[8:]
            else:
                assert ours == there
    assert len(apart_by) <= 1


def test_scratch_is_as_large_as_its_values() -> None:
    program = PROGRAMS["parts"]
    launcher = make_launcher(make_unit(program.graph, program.sizes), "x")
    sizes = {"H": 2, "N": 30, "M": 5, "D": 4}
    total, begins = scratch_places(launcher, sizes)
    z, p = 4 * 2 * 35 * 4, 4 * 2 * 35 * 30
    assert begins == {"Z": 0, "P": (z + 255) // 256 * 256}
    assert total == begins["P"] + (p + 255) // 256 * 256


def test_nothing_is_launched_for_nothing() -> None:
    unit = make_unit(PROGRAMS["scale"].graph, PROGRAMS["scale"].sizes)
    launcher = make_launcher(unit, "x")
    assert list(plan_calls(launcher, {}, {"B": 0, "H": 1, "N": 1, "M": 1})) == []
    with pytest.raises(ValueError, match="takes 4294967296 blocks, more than a GPU starts"):
        list(plan_calls(launcher, {}, {"B": 2**16, "H": 2**16, "N": 1, "M": 1}))


def test_heads_that_are_no_multiple_are_refused() -> None:
    unit = make_unit(PROGRAMS["grouped"].graph, PROGRAMS["grouped"].sizes)
    sizes = {"B": 1, "H": 3, "G": 2, "N": 1, "M": 1}
    with pytest.raises(ValueError, match="heads is no multiple"):
        list(plan_calls(make_launcher(unit, "x"), {}, sizes))
