// What emitted files ask of cuBLASLt, computed on the host in a plain loop: it holds the calls, their
// layouts and transposes against NVIDIA's documentation, not the library against anything.
#pragma once

#include <math.h>
#include <string.h>

enum cudaDataType_t { CUDA_R_32F = 0, CUDA_R_16F = 2, CUDA_R_16BF = 14 };
enum cublasComputeType_t { CUBLAS_COMPUTE_32F = 68 };
enum cublasStatus_t { CUBLAS_STATUS_SUCCESS = 0, CUBLAS_STATUS_INVALID_VALUE = 7 };
enum cublasOperation_t { CUBLAS_OP_N = 0, CUBLAS_OP_T = 1 };
enum cublasLtEpilogue_t {
    CUBLASLT_EPILOGUE_DEFAULT = 1,
    CUBLASLT_EPILOGUE_RELU = 2,
    CUBLASLT_EPILOGUE_BIAS = 4,
    CUBLASLT_EPILOGUE_RELU_BIAS = 6,
};
enum cublasLtMatrixLayoutAttribute_t {
    CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT = 5,
    CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET = 6,
};
enum cublasLtMatmulDescAttributes_t {
    CUBLASLT_MATMUL_DESC_TRANSA = 3,
    CUBLASLT_MATMUL_DESC_TRANSB = 4,
    CUBLASLT_MATMUL_DESC_EPILOGUE = 7,
    CUBLASLT_MATMUL_DESC_BIAS_POINTER = 8,
    CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE = 26,
};

// Column by column: element (i, j) is i + j * ld elements after the first.
struct BlasLayout {
    cudaDataType_t type;
    unsigned long long rows, columns;
    long long ld;
    int count = 1;
    long long offset = 0;
};
struct BlasProduct {
    cublasOperation_t transa = CUBLAS_OP_N, transb = CUBLAS_OP_N;
    cublasLtEpilogue_t epilogue = CUBLASLT_EPILOGUE_DEFAULT;
    const void* bias = nullptr;
    cudaDataType_t bias_type = CUDA_R_32F;
};
using cublasLtHandle_t = struct BlasHandle*;
using cublasLtMatrixLayout_t = BlasLayout*;
using cublasLtMatmulDesc_t = BlasProduct*;
using cublasLtMatmulPreference_t = struct BlasPreference*;
struct cublasLtMatmulAlgo_t {};
struct cublasLtMatmulHeuristicResult_t {
    cublasLtMatmulAlgo_t algo;
};

inline cublasStatus_t cublasLtCreate(cublasLtHandle_t* handle) {
    static char something;
    *handle = reinterpret_cast<cublasLtHandle_t>(&something);
    return CUBLAS_STATUS_SUCCESS;
}
inline void cublasLtMatrixLayoutCreate(cublasLtMatrixLayout_t* layout, cudaDataType_t type,
                                       unsigned long long rows, unsigned long long columns,
                                       long long ld) {
    *layout = new BlasLayout{type, rows, columns, ld};
}
inline void cublasLtMatrixLayoutDestroy(cublasLtMatrixLayout_t layout) { delete layout; }
inline void cublasLtMatrixLayoutSetAttribute(cublasLtMatrixLayout_t layout,
                                             cublasLtMatrixLayoutAttribute_t attribute,
                                             const void* value, size_t size) {
    if (attribute == CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT) memcpy(&layout->count, value, size);
    if (attribute == CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET) {
        memcpy(&layout->offset, value, size);
    }
}
inline void cublasLtMatmulDescCreate(cublasLtMatmulDesc_t* product, cublasComputeType_t,
                                     cudaDataType_t) {
    *product = new BlasProduct;
}
inline void cublasLtMatmulDescDestroy(cublasLtMatmulDesc_t product) { delete product; }
inline void cublasLtMatmulDescSetAttribute(cublasLtMatmulDesc_t product,
                                           cublasLtMatmulDescAttributes_t attribute,
                                           const void* value, size_t size) {
    if (attribute == CUBLASLT_MATMUL_DESC_TRANSA) memcpy(&product->transa, value, size);
    if (attribute == CUBLASLT_MATMUL_DESC_TRANSB) memcpy(&product->transb, value, size);
    if (attribute == CUBLASLT_MATMUL_DESC_EPILOGUE) memcpy(&product->epilogue, value, size);
    if (attribute == CUBLASLT_MATMUL_DESC_BIAS_POINTER) memcpy(&product->bias, value, size);
    if (attribute == CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE) memcpy(&product->bias_type, value, size);
}
inline void cublasLtMatmulPreferenceCreate(cublasLtMatmulPreference_t*) {}
inline void cublasLtMatmulPreferenceDestroy(cublasLtMatmulPreference_t) {}

inline float blas_read(cudaDataType_t type, const void* data, long long at) {
    if (type == CUDA_R_32F) return static_cast<const float*>(data)[at];
    const unsigned short bits = static_cast<const unsigned short*>(data)[at];
    return type == CUDA_R_16F ? widen_f16(bits) : __uint_as_float(unsigned(bits) << 16);
}
inline void blas_write(cudaDataType_t type, void* data, long long at, float value) {
    if (type == CUDA_R_32F) {
        static_cast<float*>(data)[at] = value;
    } else {
        const bool half = type == CUDA_R_16F;
        static_cast<unsigned short*>(data)[at] = half ? round_to_f16(value) : round_to_bf16(value);
    }
}

// As the library: a matrix has its size before it is transposed, and ld reaches over a column.
inline bool blas_fits(const BlasLayout& x, cublasOperation_t op, unsigned long long rows,
                      unsigned long long columns) {
    const bool turned = op == CUBLAS_OP_T;
    return (turned ? x.columns : x.rows) == rows && (turned ? x.rows : x.columns) == columns &&
           x.ld >= static_cast<long long>(x.rows);
}
inline cublasStatus_t cublasLtMatmulAlgoGetHeuristic(
    cublasLtHandle_t, cublasLtMatmulDesc_t p, cublasLtMatrixLayout_t a, cublasLtMatrixLayout_t b,
    cublasLtMatrixLayout_t c, cublasLtMatrixLayout_t d, cublasLtMatmulPreference_t, int,
    cublasLtMatmulHeuristicResult_t*, int* count) {
    const unsigned long long inner = p->transa == CUBLAS_OP_T ? a->rows : a->columns;
    *count = blas_fits(*a, p->transa, d->rows, inner) &&
             blas_fits(*b, p->transb, inner, d->columns) &&
             blas_fits(*c, CUBLAS_OP_N, d->rows, d->columns) &&
             blas_fits(*d, CUBLAS_OP_N, d->rows, d->columns);
    return *count == 1 ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_INVALID_VALUE;
}
inline cublasStatus_t cublasLtMatmul(cublasLtHandle_t, cublasLtMatmulDesc_t p, const float* alpha,
                                     const void* a, cublasLtMatrixLayout_t la, const void* b,
                                     cublasLtMatrixLayout_t lb, const float* beta, const void* c,
                                     cublasLtMatrixLayout_t lc, void* d, cublasLtMatrixLayout_t ld,
                                     const cublasLtMatmulAlgo_t*, void*, size_t, cudaStream_t) {
    const bool turn_a = p->transa == CUBLAS_OP_T, turn_b = p->transb == CUBLAS_OP_T;
    const long long inner = turn_a ? la->rows : la->columns;
    const long long rows = ld->rows, columns = ld->columns;
    for (int n = 0; n < ld->count; ++n) {
        for (long long i = 0; i < rows; ++i) {
            for (long long j = 0; j < columns; ++j) {
                float sum = 0;
                for (long long k = 0; k < inner; ++k) {
                    const long long from_a = turn_a ? k + i * la->ld : i + k * la->ld;
                    const long long from_b = turn_b ? j + k * lb->ld : k + j * lb->ld;
                    sum += blas_read(la->type, a, n * la->offset + from_a) *
                           blas_read(lb->type, b, n * lb->offset + from_b);
                }
                sum *= *alpha;
                const long long from_c = n * lc->offset + i + j * lc->ld;
                if (*beta != 0) sum += *beta * blas_read(lc->type, c, from_c);
                if (p->epilogue & 4) sum += blas_read(p->bias_type, p->bias, i);
                if (p->epilogue & 2) sum = fmaxf(sum, 0);
                blas_write(ld->type, d, n * ld->offset + i + j * ld->ld, sum);
            }
        }
    }
    return CUBLAS_STATUS_SUCCESS;
}
