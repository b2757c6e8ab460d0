"""What runs on a GPU, on a fake driver whose memory and kernels are the emulator's."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import Any

import cuda.bindings
import cuda.core  # what it takes of the driver, it takes when it is loaded
import numpy as np
import pytest
from attn_cuda import BACKEND
from attn_cuda.cxx.unit import make_unit
from attn_cuda.runtime import driver as real_driver
from attn_cuda.runtime.device import Device
from attn_cuda.runtime.gpu import check_device, device_number
from attn_cuda.runtime.runner import make_runner
from attn_cuda.runtime.sessions import KEPT, Plans
from attn_cuda.source.calls import make_launcher
from emit_support import Array, attention, draw, graph_of, lower
from gpu_support import H200, DeviceArray, FakeDriver, on_gpu
from test_emit_linear import UNFUSED

import attn_dsl
from attn_dsl import pipeline
from attn_dsl.backend import Program, Unavailable
from attn_dsl.ir import bind, evaluate

SIZES = {"B": 2, "H": 3, "N": 5, "M": 7, "D": 4, "E": 6}
GRAPH = attention('scale="1 / sqrt(D)", mask="k <= q"')
PROGRAM = lower(GRAPH, D=4, E=6)
ARRAYS = draw(GRAPH, **SIZES)


def call(program: Program, machine: Any, arrays: dict[str, Any]) -> list[Any]:
    return make_runner(program, machine)(arrays, bind(program.graph, arrays))


def reference(program: Program, arrays: dict[str, Array]) -> list[Array]:
    return list(evaluate(program.graph, arrays).values())


def test_numpy_in_numpy_out() -> None:
    gpu, driver = on_gpu(PROGRAM)
    (found,) = call(PROGRAM, gpu, ARRAYS)
    assert isinstance(found, np.ndarray)
    np.testing.assert_allclose(found, reference(PROGRAM, ARRAYS)[0], atol=1e-5)
    assert [launch.kernel for launch in driver.launched] == ["attention_O"]
    assert [number for number, _ in driver.loads] == [0]


def test_arrays_of_a_device_are_taken_as_they_lie() -> None:
    gpu, driver = on_gpu(PROGRAM)
    apart = {n: np.swapaxes(np.swapaxes(a, 1, 2).copy(), 1, 2) for n, a in ARRAYS.items()}
    given: dict[str, Any] = {name: driver.array(array) for name, array in apart.items()}
    (found,) = call(PROGRAM, gpu, given)
    assert isinstance(found, DeviceArray)
    np.testing.assert_allclose(driver.fetch(found), reference(PROGRAM, ARRAYS)[0], atol=1e-5)
    views = [argument[:8] for argument in driver.launched[0].arguments[:3]]
    assert views == [given[name].tensor.pointer.to_bytes(8, "little") for name in "QKV"]


def test_numpy_arrays_may_stand_beside_those_of_a_device() -> None:
    gpu, driver = on_gpu(PROGRAM)
    (found,) = call(PROGRAM, gpu, {**ARRAYS, "K": driver.array(ARRAYS["K"])})
    np.testing.assert_allclose(driver.fetch(found), reference(PROGRAM, ARRAYS)[0], atol=1e-5)


def test_kernels_after_each_other_with_memory_between() -> None:
    program = lower(graph_of(*UNFUSED))
    arrays = draw(program.graph, B=2, H=2, N=5, M=7, D=4, E=6)
    gpu, driver = on_gpu(program)
    for found, wanted in zip(call(program, gpu, arrays), reference(program, arrays), strict=True):
        np.testing.assert_allclose(found, wanted, atol=1e-5)
    assert len(driver.launched) == 3


def test_it_is_compiled_once_for_each_device() -> None:
    gpu, driver = on_gpu(PROGRAM, H200, Device(1, "NVIDIA A100", 80, 163 * 1024))
    for number in (1, 0, 1):
        given: dict[str, Any] = {n: driver.array(a, number) for n, a in ARRAYS.items()}
        (found,) = call(PROGRAM, gpu, given)
        assert found.number == number
    assert [number for number, _ in driver.loads] == [0, 1]
    assert driver.loads[0][1].code != driver.loads[1][1].code


def test_a_kernel_of_the_api_takes_arrays_of_the_device(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a user calls it: by name, an optional mask given and left out, weights loaded once."""
    text = """flowchart TD
        Q["Q : f32[N, D]"] & K["K : f32[M, D]"] --> S[MatMul] --> W["Mask (opt.)"] --> P[Softmax]
        P & V["V : f32[M, D]"] --> O[MatMul]
    """
    source = pipeline.lower(pipeline.analyse(pipeline.read(text), {"D": 4}), "cuda").source
    driver = FakeDriver(source)
    monkeypatch.setattr("attn_cuda.backend.find_driver", lambda: driver)
    kernel = attn_dsl.compile(text, target="cuda", settings={"D": 4})
    arrays = draw(kernel.program.graph, N=3, M=5, D=4)
    keep = np.array([[True, False, True, True, False]])
    for mask in (None, keep):
        optional = {} if mask is None else {"W": mask}
        wanted = attn_dsl.compile(text, settings={"D": 4})(**arrays, **optional)
        given = {name: driver.array(array) for name, array in (arrays | optional).items()}
        found = kernel(**given)
        np.testing.assert_allclose(driver.fetch(found), wanted, atol=1e-6)
        np.testing.assert_allclose(kernel(**arrays, **optional), wanted, atol=1e-6)
    kernel.load({"K": driver.array(arrays["K"])})
    found = kernel(driver.array(arrays["Q"]), driver.array(arrays["V"]))
    assert isinstance(found, DeviceArray)
    with pytest.raises(TypeError, match="input 'Q' is int32, and has to be float32"):
        kernel(driver.array(np.zeros((3, 4), np.int32)), driver.array(arrays["V"]))


def test_plans_are_kept_for_sizes_and_strides_that_come_again() -> None:
    plans = Plans(make_launcher(make_unit(PROGRAM.graph, PROGRAM.sizes), "x"))
    sizes = {"B": 2, "H": 3, "N": 5, "M": 7}
    first = plans.find([None, None, None], sizes)
    assert plans.find([None, None, None], dict(sizes)) is first
    assert plans.find([(60, 4, 12, 1), None, None], sizes) is not first
    for length in range(KEPT):
        plans.find([None, None, None], {**sizes, "N": length})
    assert plans.find([None, None, None], {**sizes, "M": 8})[1] != first[1]
    assert plans.find([None, None, None], sizes) is not first  # of the last calls alone


# ---- What is refused ---------------------------------------------------------------------------


def test_arrays_on_different_devices() -> None:
    gpu, driver = on_gpu(PROGRAM)
    given = {name: driver.array(array) for name, array in ARRAYS.items()}
    given["K"].number = 1
    with pytest.raises(ValueError, match=r"'Q' on cuda:0, 'K' on cuda:1.*move all to one"):
        call(PROGRAM, gpu, dict(given))


class HostArray(DeviceArray):
    """An array of the same library, in the host's memory."""

    def __dlpack_device__(self) -> tuple[int, int]:
        return 1, 0


def test_an_array_of_the_host_beside_those_of_a_device() -> None:
    gpu, driver = on_gpu(PROGRAM)
    given: dict[str, Any] = {name: driver.array(array) for name, array in ARRAYS.items()}
    given["K"] = HostArray(given["K"].tensor)
    with pytest.raises(ValueError, match=r"'Q' on cuda:0, 'K' on the host.*move all to one"):
        call(PROGRAM, gpu, given)
    assert device_number({"K": given["K"]}) is None


def test_columns_apart() -> None:
    gpu, driver = on_gpu(PROGRAM)
    wide = np.zeros((2, 3, 7, 8), np.float32)
    given: dict[str, Any] = {name: driver.array(array) for name, array in ARRAYS.items()}
    given["K"] = driver.array(wide[..., ::2])
    with pytest.raises(ValueError, match=r"input 'K' has strides .*its last dim.*x.contiguous\(\)"):
        call(PROGRAM, gpu, given)


def test_a_gradient() -> None:
    gpu, driver = on_gpu(PROGRAM)
    given = {name: driver.array(array) for name, array in ARRAYS.items()}
    given["V"].requires_grad = True
    with pytest.raises(TypeError, match=r"'V' requires a gradient.*V.detach\(\)"):
        call(PROGRAM, gpu, dict(given))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"name": "Tesla V100", "capability": 70}, r"V100 is sm_70, and CUDA 13 compiles.*numpy"),
        ({"shared_bytes": 1000}, r"needs \d+ bytes of shared memory, and NVIDIA H200 has 1000"),
    ],
)
def test_devices_that_cannot_run_it(change: dict[str, Any], words: str) -> None:
    with pytest.raises(Unavailable, match=words):
        on_gpu(PROGRAM, replace(H200, **change))


def test_devices_without_the_instructions_of_a_kernel() -> None:
    launcher = make_launcher(make_unit(PROGRAM.graph, PROGRAM.sizes), "x")
    ((name, launch),) = launcher.launches
    tensor_cores = replace(launcher, launches=((name, replace(launch, architecture=80)),))
    check_device(tensor_cores, H200)
    with pytest.raises(Unavailable, match=r"takes sm_80 or later, and NVIDIA T4 is sm_75; in f32"):
        check_device(tensor_cores, Device(0, "NVIDIA T4", 75, 64 * 1024))


def test_what_is_missing_is_said_with_two_ways_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        raise Unavailable("NVIDIA's driver finds no GPU")

    monkeypatch.setattr("attn_cuda.backend.find_driver", missing)
    with pytest.raises(Unavailable) as caught:
        BACKEND.load(PROGRAM)
    for words in ("finds no GPU", "--emulate", "attn compile --target cuda -o x.cu"):
        assert words in str(caught.value)


def test_no_cuda_core(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cuda.core", None)
    with pytest.raises(Unavailable, match=r"cuda-core is missing.*attn-dsl\[cuda\]"):
        real_driver.find_driver()


class Answers:
    """NVIDIA's driver, as far as it is asked whether there is a GPU."""

    class CUresult:
        CUDA_SUCCESS = 0

    def __init__(self, start: Any, count: Any = (0, 0)) -> None:
        self.start, self.count = start, count

    def cuInit(self, flags: int) -> Any:
        if isinstance(self.start, Exception):
            raise self.start
        return (self.start,)

    def cuDeviceGetCount(self) -> Any:
        return self.count


class Failed:
    name = "CUDA_ERROR_SYSTEM_DRIVER_MISMATCH"


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        (Answers(RuntimeError("no library")), "libcuda.so.1, NVIDIA's driver library, cannot be"),
        (Answers(Failed()), "does not start: cuInit returns CUDA_ERROR_SYSTEM_DRIVER_MISMATCH"),
        (Answers(0, (0, 0)), "NVIDIA's driver finds no GPU"),
    ],
)
def test_no_driver(answers: Answers, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cuda.bindings, "driver", answers)
    with pytest.raises(Unavailable, match=words):
        real_driver.find_driver()


def test_a_driver_with_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cuda.bindings, "driver", Answers(0, (0, 2)))
    assert isinstance(real_driver.find_driver(), real_driver.CudaCore)
    assert cuda.core.Device
