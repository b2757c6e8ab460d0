"""The GPU architectures that files are emitted for."""

from __future__ import annotations

from attn_cuda.kernels.kernel import Launch
from attn_cuda.source.calls import Launcher
from attn_dsl.ir import DType

ARCHITECTURES = {
    **{f"sm_{number}": number for number in (75, 80, 86, 87, 88, 89, 90, 100, 103, 110, 120, 121)},
    **{f"sm_{number}a": number for number in (90, 100, 103, 110, 120, 121)},
}
"""What CUDA 13 compiles for: names, and compute capabilities times ten. One that ends in `a` is
this architecture and no later one, with the instructions that it alone has."""


def least_architecture(launcher: Launcher, launch: Launch) -> int:
    """The least compute capability, times ten, that has what a kernel uses."""
    types = (launcher.unit.type_of(tensor.value) for tensor in launch.tensors)
    rounds = any(type_.dtype is DType.BF16 for type_ in types)
    return max(launch.architecture, 80 if rounds else 75)


def check_architecture(launcher: Launcher, name: str | None) -> None:
    """ValueError for a name that is none of them, and for one without a kernel's instructions."""
    if name is None:
        return
    if name not in ARCHITECTURES:
        known = ", ".join(sorted(ARCHITECTURES, key=lambda known: (ARCHITECTURES[known], known)))
        raise ValueError(f"there is no GPU architecture {name!r}; there are {known}")
    for _, launch in launcher.launches:
        least = least_architecture(launcher, launch)
        if least > ARCHITECTURES[name]:
            raise ValueError(
                f"{launch.title}: in 16 bits this takes sm_{least} or later, and --arch is {name}; "
                "in f32 it runs on any GPU"
            )
