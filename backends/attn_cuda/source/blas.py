"""Matrix products by cuBLASLt, NVIDIA's library, in the place of kernels of our own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from attn_cuda.cxx.layouts import Layout
from attn_cuda.cxx.unit import Unit
from attn_cuda.kernels.kernel import Launch, Operand
from attn_cuda.kernels.product import factors, matrix_sizes, product_notes
from attn_dsl.expr import Expr, Number
from attn_dsl.ir import Statement
from attn_dsl.ir.ops import Add, Linear, Relu

BLAS_FUNCTION = "blas_product"
BLAS_PRODUCT = """\
// What cuBLASLt calls the element types.
template <typename T>
constexpr cudaDataType_t BLAS_TYPE = CUDA_R_32F;
{types}
// out = lhs rhs + bias + sum by cuBLASLt, then max(out, 0) where `relu` says so; bias and sum may
// be null. It thinks in columns, so it is asked for the transposes: outᵀ = rhsᵀ lhsᵀ. A matrix lies
// by rows or by columns, whichever stride is 1.
template <typename T>
static cudaError_t blas_product(View<const T> lhs, View<const T> rhs, View<const T> bias,
                                View<const T> sum, View<T> out, bool relu, long long batches,
                                long long heads, long long rows, long long columns,
                                long long inner, cudaStream_t stream) {{
    static cublasLtHandle_t handle = nullptr;
    if (handle == nullptr && cublasLtCreate(&handle) != 0) return cudaErrorUnknown;
    if (batches == 0 || heads == 0 || rows == 0 || columns == 0) return cudaSuccess;
    const auto describe = [&](auto view, long long lines, long long length) {{
        const long long apart = view.column == 1 ? view.row : view.column;
        const bool by_rows = view.column == 1;
        cublasLtMatrixLayout_t layout = nullptr;
        cublasLtMatrixLayoutCreate(&layout, BLAS_TYPE<T>, by_rows ? length : lines,
                                   by_rows ? lines : length,
                                   apart > 0 ? apart : by_rows ? length : lines);
        const int count = int(heads);
        cublasLtMatrixLayoutSetAttribute(layout, CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, &count,
                                         sizeof(count));
        cublasLtMatrixLayoutSetAttribute(layout, CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET,
                                         &view.head, sizeof(view.head));
        return layout;
    }};
    const cublasLtMatrixLayout_t a = describe(rhs, inner, columns);
    const cublasLtMatrixLayout_t b = describe(lhs, rows, inner);
    const cublasLtMatrixLayout_t c = describe(sum.data == nullptr ? View<const T>{{
        out.data, out.batch, out.head, out.row, out.column}} : sum, rows, columns);
    const cublasLtMatrixLayout_t d = describe(out, rows, columns);

    cublasLtMatmulDesc_t product = nullptr;
    cublasLtMatmulDescCreate(&product, CUBLAS_COMPUTE_32F, CUDA_R_32F);
    const auto set = [&](cublasLtMatmulDescAttributes_t attribute, const auto& value) {{
        cublasLtMatmulDescSetAttribute(product, attribute, &value, sizeof(value));
    }};
    set(CUBLASLT_MATMUL_DESC_TRANSA, rhs.column == 1 ? CUBLAS_OP_N : CUBLAS_OP_T);
    set(CUBLASLT_MATMUL_DESC_TRANSB, lhs.column == 1 ? CUBLAS_OP_N : CUBLAS_OP_T);
    if (bias.data != nullptr) {{
        set(CUBLASLT_MATMUL_DESC_EPILOGUE,
            relu ? CUBLASLT_EPILOGUE_RELU_BIAS : CUBLASLT_EPILOGUE_BIAS);
        set(CUBLASLT_MATMUL_DESC_BIAS_POINTER, bias.data);
        set(CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE, BLAS_TYPE<T>);
    }} else if (relu) {{
        set(CUBLASLT_MATMUL_DESC_EPILOGUE, CUBLASLT_EPILOGUE_RELU);
    }}
    cublasLtMatmulPreference_t preference = nullptr;
    cublasLtMatmulPreferenceCreate(&preference);  // without workspace
    cublasLtMatmulHeuristicResult_t found = {{}};
    int count = 0;
    cublasStatus_t status = cublasLtMatmulAlgoGetHeuristic(handle, product, a, b, c, d, preference,
                                                           1, &found, &count);
    const float one = 1.0f, of_sum = sum.data == nullptr ? 0.0f : 1.0f;
    for (long long n = 0; n < batches && status == CUBLAS_STATUS_SUCCESS; ++n) {{
        const T* from = sum.data == nullptr ? out.data + n * out.batch : sum.data + n * sum.batch;
        status = cublasLtMatmul(handle, product, &one, rhs.data + n * rhs.batch, a,
                                lhs.data + n * lhs.batch, b, &of_sum, from, c,
                                out.data + n * out.batch, d, &found.algo, nullptr, 0, stream);
    }}
    cublasLtMatmulPreferenceDestroy(preference);
    cublasLtMatmulDescDestroy(product);
    for (const cublasLtMatrixLayout_t layout : {{a, b, c, d}}) cublasLtMatrixLayoutDestroy(layout);
    return status == CUBLAS_STATUS_SUCCESS ? cudaSuccess : cudaErrorUnknown;
}}
"""
TYPES = {"f16": "CUDA_R_16F", "bf16": "CUDA_R_16BF"}


def print_blas(element_types: Iterable[str]) -> str:
    """The function that calls the library, for these C types."""
    types = [
        f"template <>\nconstexpr cudaDataType_t BLAS_TYPE<{name}> = {TYPES[name]};"
        for name in sorted({*element_types} & {*TYPES})
    ]
    return BLAS_PRODUCT.format(types="\n".join([*types, ""]))


@dataclass(frozen=True)
class BlasLaunch(Launch):
    """A call of the library. Its tensors are both sides, bias and sum if there are any, the result.

    Its numbers are batches, heads, rows, columns and the length of the sums.
    """

    bias: Operand | None = None
    total: Operand | None = None
    relu: bool = False

    @property
    def arguments(self) -> list[Operand | None]:
        """The tensors as the function takes them."""
        lhs, rhs, *_, out = self.tensors
        return [lhs, rhs, self.bias, self.total, out]


def joins_blas(before: Sequence[Statement], chain: Sequence[Statement]) -> bool:
    """Whether cuBLASLt does this with the product before: max(x, 0), or one sum."""
    return len(before) == len(chain) == 1 and isinstance(chain[0].op, Relu | Add)


def blas_launch(
    unit: Unit, chain: Sequence[Statement], joined: Expr, layouts: Mapping[str, Layout]
) -> BlasLaunch | None:
    """The call of the library, where it knows the types and the layouts; else None."""
    first, last = chain[0], chain[-1]
    lhs, rhs = factors(first)
    bias = Operand(first.op.bias) if isinstance(first.op, Linear) and first.op.bias else None
    others = [v for v in last.op.operands if v != first.name] if isinstance(last.op, Add) else []
    total = Operand(others[0]) if others else None
    out = Operand(last.name, written=True)
    matrices = [operand for operand in (lhs, rhs, total, out) if operand]
    tensors = [operand for operand in (lhs, rhs, bias, total, out) if operand]
    alike = len({unit.graph.types[operand.value].dtype for operand in tensors}) == 1
    plain = total is None or unit.shape(total.value) == unit.shape(out.value)
    if not (alike and plain and all(_has_lines(layouts[o.value]) for o in matrices)):
        return None
    inner = unit.graph.types[lhs.value].dims[-1].to_expr()
    numbers = [*matrix_sizes(unit.shape(last.name), joined), inner]
    notes = product_notes(chain)
    return BlasLaunch(
        title=", ".join(notes),
        kernel="",
        text="",
        blocks=Number(1),
        tensors=tensors,
        numbers=numbers,
        notes=notes,
        bias=bias,
        total=total,
        relu=isinstance(last.op, Relu),
    )


def _has_lines(layout: Layout) -> bool:
    """Whether neighbours in a row, or in a column, are neighbours in memory."""
    return Number(1) in layout.axes[2:]
