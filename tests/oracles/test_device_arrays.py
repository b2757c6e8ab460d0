"""PyTorch's tensors as the GPU's stream sees them; those of the host are seen in the same way."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from attn_cuda.runtime.stream import CudaQueue
from attn_cuda.runtime.tensors import Tensor

from attn_dsl.tensors import numpy_dtype

torch = pytest.importorskip("torch")
HOST = -1
"""DLPack's number for no stream, which is the stream of what lies on the host."""


class Device:
    default_stream = None


def queue() -> CudaQueue:
    found = CudaQueue(Device(), 0)
    found._handle = HOST
    return found


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16", "int32", "int64", "bool"])
def test_tensors_are_seen_as_they_lie(dtype: str) -> None:
    tensor = torch.zeros(2, 5, 3, 8).to(getattr(torch, dtype)).transpose(1, 2)[:, 1:]
    seen = queue().view(tensor)
    size = tensor.element_size()
    wanted = Tensor(tensor.data_ptr(), dtype, size, (2, 2, 5, 8), (120, 8, 24, 1))
    assert seen == wanted
    assert queue().view(torch.zeros(())).strides == ()


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_outputs_are_tensors_beside_the_inputs(dtype: str) -> None:
    like: Any = torch.zeros(3)
    place, result = queue().empty(like, (2, 3, 4), numpy_dtype(dtype))
    tensor = result()
    assert (tensor.dtype, tensor.shape) == (getattr(torch, dtype), (2, 3, 4))
    assert (place.pointer, place.strides) == (tensor.data_ptr(), (12, 4, 1))
    assert place.itemsize == np.dtype(numpy_dtype(dtype)).itemsize
