/* An attention kernel called from C.

   On a machine with a GPU and CUDA's compiler, in this folder:

       attn compile ../variants/causal.attn --target cuda --set D=64 -o causal.cu
       nvcc -O3 -arch=native -shared -Xcompiler -fPIC -o libcausal.so causal.cu
       nvcc -Xcompiler -std=c11 -o main main.c -L. -lcausal -lm
       LD_LIBRARY_PATH=. ./main

   It computes causal attention for a few heads and compares it with plain loops. The first line
   also writes causal.h, which declares the launcher and says what its arguments are. nvcc calls the
   C compiler for main.c, and knows where CUDA's own header and library are. */

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include <cuda_runtime_api.h>

#include "causal.h"

enum { BATCH = 2, HEADS = 3, LENGTH = 150, DIM = 64 }; /* DIM is what was compiled in */

/* Queries, keys and values as a projection makes them, [batch, position, head, dim]: the kernel
   wants [batch, head, position, dim], and takes them as they lie by these strides. */
static const long long STRIDES[] = {LENGTH * HEADS * DIM, DIM, HEADS * DIM, 1};
enum { COUNT = BATCH * LENGTH * HEADS * DIM };

static size_t place(int b, int h, int n, int d) {
    return b * STRIDES[0] + h * STRIDES[1] + n * STRIDES[2] + d;
}

static void check(int error, const char* what) {
    if (error == cudaSuccess) return;
    fprintf(stderr, "%s: %s\n", what, cudaGetErrorString((cudaError_t)error));
    exit(1);
}

/* Numbers between -1 and 1, the same on every machine. */
static float* draw(unsigned* state) {
    float* numbers = malloc(COUNT * sizeof(float));
    if (numbers == NULL) exit(1);
    for (int i = 0; i < COUNT; ++i) {
        *state = *state * 1664525u + 1013904223u;
        numbers[i] = (float)(*state >> 8) / (float)(1 << 23) - 1.0f;
    }
    return numbers;
}

static float* on_device(const float* numbers) {
    void* memory = NULL;
    check(cudaMalloc(&memory, COUNT * sizeof(float)), "cudaMalloc");
    check(cudaMemcpy(memory, numbers, COUNT * sizeof(float), cudaMemcpyHostToDevice), "cudaMemcpy");
    return memory;
}

/* One row of the result: a softmax over the keys up to the query, and the mean of their values. */
static void attend(const float* q, const float* k, const float* v, int b, int h, int n,
                   double* out) {
    double weights[LENGTH], highest = -INFINITY, total = 0;
    for (int m = 0; m <= n; ++m) {
        weights[m] = 0;
        for (int d = 0; d < DIM; ++d) {
            weights[m] += (double)q[place(b, h, n, d)] * k[place(b, h, m, d)] / sqrt(DIM);
        }
        highest = fmax(highest, weights[m]);
    }
    for (int m = 0; m <= n; ++m) total += weights[m] = exp(weights[m] - highest);
    for (int d = 0; d < DIM; ++d) {
        out[d] = 0;
        for (int m = 0; m <= n; ++m) out[d] += weights[m] / total * v[place(b, h, m, d)];
    }
}

int main(void) {
    unsigned state = 1;
    float *q = draw(&state), *k = draw(&state), *v = draw(&state), *out = draw(&state);
    float *device_q = on_device(q), *device_k = on_device(k), *device_v = on_device(v);
    float* device_out = on_device(out); /* [batch, head, position, dim], without gaps */

    check(launch_causal(device_q, device_k, device_v, device_out, BATCH, HEADS, LENGTH, STRIDES,
                        STRIDES, STRIDES, NULL),
          "launch_causal");
    check(cudaMemcpy(out, device_out, COUNT * sizeof(float), cudaMemcpyDeviceToHost), "the kernel");

    double worst = 0;
    for (int b = 0; b < BATCH; ++b) {
        for (int h = 0; h < HEADS; ++h) {
            for (int n = 0; n < LENGTH; ++n) {
                double row[DIM];
                attend(q, k, v, b, h, n, row);
                const float* found = out + ((size_t)(b * HEADS + h) * LENGTH + n) * DIM;
                for (int d = 0; d < DIM; ++d) worst = fmax(worst, fabs(found[d] - row[d]));
            }
        }
    }
    printf("%d numbers, at most %.1e from plain loops\n", COUNT, worst);

    cudaFree(device_q), cudaFree(device_k), cudaFree(device_v), cudaFree(device_out);
    free(q), free(k), free(v), free(out);
    return worst < 1e-5 ? 0 : 1;
}
