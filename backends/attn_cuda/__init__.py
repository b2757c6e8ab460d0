"""The CUDA backend: a graph as one `.cu` file that a person can read, build and call.

In: a fused `Graph`. Out: the text of one CUDA C++ file (kernels, and an `extern "C"` launcher);
and, loaded, the function that runs it: on a GPU, or on the host by an emulator.
"""

from attn_cuda.backend import CudaBackend

BACKEND = CudaBackend()

__all__ = ["BACKEND", "CudaBackend"]
