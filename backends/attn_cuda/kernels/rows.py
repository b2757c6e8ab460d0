"""Kernels that make something of rows: softmax, log-sum-exp, sum, mean, layer norm.

The 32 threads of a warp share a row and compute in float. The axis may be any: it takes the place
of the last one by its stride.
"""

from __future__ import annotations

from dataclasses import replace

from attn_cuda.cxx.expressions import CudaPrinter
from attn_cuda.cxx.sizes import count, tiles
from attn_cuda.cxx.unit import Unit
from attn_cuda.cxx.views import c_type
from attn_cuda.kernels.kernel import (
    THREADS,
    Axes,
    Launch,
    Operand,
    index_names,
    parameter,
    remark,
    signature,
    sizes_in,
)
from attn_dsl.expr import MINUS_INF, Name, Number, tensors_in, to_text
from attn_dsl.ir import Statement
from attn_dsl.ir.ops import LayerNorm, LogSumExp, Reduction, Softmax, Sum
from attn_dsl.textbuilder import TextBuilder

NATURAL: Axes = (0, 1, 2, 3)
BY_ROW: Axes = (1, 2, 3, 0)
"""One number a row: the last axis of such a result is that of rows."""

SIZES = ["long long count", "long long heads", "long long rows", "long long columns"]
ROWS = ["View<const T> x", "View<T> out", *SIZES]
OPENING = """\
    const long long n = blockIdx.x * (THREADS / 32LL) + threadIdx.x / 32;
    if (n >= count) return;
    const long long q = n % rows, h = n / rows % heads, b = n / rows / heads;
    const int lane = threadIdx.x % 32;

"""

EXPONENTIALS = """\
    float highest = -INFINITY;
    for (long long k = lane; k < columns; k += 32) {
        highest = fmaxf(highest, float(x.at(b, h, q, k)));
    }
    highest = lane_max<32>(highest);
    // A row that is -inf throughout is not shifted, as -inf minus -inf is no number.
    const float shift = highest == -INFINITY ? 0.0f : highest;
    float total = 0.0f;
    for (long long k = lane; k < columns; k += 32) total += expf(float(x.at(b, h, q, k)) - shift);
    total = lane_sum<32>(total);
"""

SOFTMAX = """\
    for (long long k = lane; k < columns; k += 32) {
        const float weight = expf(float(x.at(b, h, q, k)) - shift);
        out.at(b, h, q, k) = T(total == 0.0f ? 0.0f : weight / total);
    }
"""

LOG_SUM_EXP = """\
    if (lane == 0) out.at(b, h, q, 0) = T(shift + logf(total));
"""

REDUCE = """\
    float sum = 0.0f;
    for (long long k = lane; k < columns; k += 32) sum += float(x.at(b, h, q, k));
    sum = lane_sum<32>(sum);
    if (lane == 0) out.at(b, h, q, 0) = T({});
"""

LAYER_NORM = """\
    float sum = 0.0f;
    for (long long k = lane; k < columns; k += 32) sum += float(x.at(b, h, q, k));
    const float mean = lane_sum<32>(sum) / float(columns);
    float squares = 0.0f;  // around the mean: one pass more, but nothing cancels
    for (long long k = lane; k < columns; k += 32) {
        const float centred = float(x.at(b, h, q, k)) - mean;
        squares += centred * centred;
    }
    const float deviation = sqrtf(lane_sum<32>(squares) / float(columns) + epsilon);
    for (long long k = lane; k < columns; k += 32) {
        const float normal = (float(x.at(b, h, q, k)) - mean) / deviation;
        out.at(b, h, q, k) = T(normal * float(gain.at(b, h, q, k)) + float(bias.at(b, h, q, k)));
    }
"""


def softmax_launch(unit: Unit, statement: Statement, op: Softmax | LogSumExp) -> Launch:
    """Softmax, or the logarithm of its sum. One with a sink has a kernel of its own."""
    axes = _last(op.axis)
    if isinstance(op, Softmax):
        name, target, end, said = "softmax_rows", axes, SOFTMAX, "softmax of each row of x"
    else:
        name, target, end = "log_sum_exp_rows", BY_ROW, LOG_SUM_EXP
        said = "the logarithm of the sum of exponentials of each row of x"
    start, captured, sizes = EXPONENTIALS, [], []
    title = f"{statement.name} = {op.mnemonic}({op.x}), axis {op.axis}"
    if op.sink != MINUS_INF:
        name, said = unit.kernels[statement.name], f"{said} and one more logit, the sink"
        title = f"{title}, sink {to_text(op.sink)}"
        value = CudaPrinter(unit, index_names(unit.shape(op.x))).print(op.sink)
        start, sizes = _with_sink(value), sizes_in(unit, value)
        captured = [Operand(v) for v in tensors_in(op.sink)]
    parameters = [*(parameter(unit, tensor) for tensor in captured), *ROWS]
    parameters += [f"long long {unit.symbols[size]}" for size in sizes]
    text = _kernel(name, f"out = {said}.", parameters, start + end)
    operands = [*captured, Operand(op.x, axes=axes), _out(statement, target)]
    launch = _launch(unit, name, text, operands, title, (op.x, axes))
    return replace(launch, numbers=[*launch.numbers, *map(Name, sizes)])


def _with_sink(value: str) -> str:
    """The sum of exponentials that counts one more, of which every lane knows."""
    text = EXPONENTIALS.replace("highest = -INFINITY;", "highest = sink;", 1)
    text = text.replace("lane_sum<32>(total);", "lane_sum<32>(total) + expf(sink - shift);")
    return f"    const float sink = {value};\n{text}"


def reduction_launch(unit: Unit, statement: Statement, op: Reduction) -> Launch:
    """The sum or the mean of each row."""
    is_sum = isinstance(op, Sum)
    name, result = ("sum_rows", "sum") if is_sum else ("mean_rows", "sum / float(columns)")
    comment = f"out = the {op.mnemonic} of each row of x."
    text = _kernel(name, comment, ROWS, REDUCE.format(result))
    operands = [Operand(op.x, axes=_last(op.axis)), _out(statement, BY_ROW)]
    title = f"{statement.name} = {op.mnemonic}({op.x}), axis {op.axis}"
    return _launch(unit, name, text, operands, title, (op.x, _last(op.axis)))


def layer_norm_launch(unit: Unit, statement: Statement, op: LayerNorm) -> Launch:
    """Layer norm of each row; gain and bias may differ from row to row."""
    views = [f"View<const T> {name}" for name in ("x", "gain", "bias")]
    parameters = [*views, "View<T> out", "float epsilon", *SIZES]
    comment = "out = (x - mean) / sqrt(variance + epsilon) * gain + bias, row by row."
    text = _kernel("layer_norm_rows", comment, parameters, LAYER_NORM)
    operands = [Operand(value) for value in (op.x, op.gain, op.bias)]
    operands.append(_out(statement, NATURAL))
    title = f"{statement.name} = layer_norm({op.x})"
    rows = (statement.name, NATURAL)
    launch = _launch(unit, "layer_norm_rows", text, operands, title, rows)
    return replace(launch, scale=Number(op.epsilon))


def _launch(
    unit: Unit, name: str, text: str, operands: list[Operand], title: str, rows: tuple[str, Axes]
) -> Launch:
    """The launch of a row kernel for the `rows` of a value, its axes in that order."""
    shape = unit.shape(rows[0])
    dims = tuple(shape[axis] for axis in rows[1])
    sizes = count(dims[:3]), *(dim.to_expr() for dim in dims[1:])
    kernel = f"{name}<{c_type(unit, operands[-1].value)}>"
    return Launch(title, kernel, text, tiles(sizes[0], THREADS // 32), operands, sizes)


def _last(axis: int) -> Axes:
    """The axes with `axis` moved to the end."""
    order = [0, 1, 2, 3]
    order.append(order.pop(axis))
    return order[0], order[1], order[2], order[3]


def _out(statement: Statement, axes: Axes) -> Operand:
    return Operand(statement.name, written=True, axes=axes)


def _kernel(name: str, comment: str, parameters: list[str], body: str) -> str:
    """A template over the element type, with a warp for each row."""
    head = f"template <typename T>\n__global__ void __launch_bounds__(THREADS)\n{name}"
    out = TextBuilder()
    remark(out, f"{comment} The 32 threads of a warp share a row.")
    return f"{out.text}{signature(head, parameters, ' {')}\n{OPENING}{body}}}\n"
