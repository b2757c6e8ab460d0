"""The GPU architectures that files are emitted for."""

from __future__ import annotations

from attn_cuda.source.calls import Launcher

ARCHITECTURES = {
    **{f"sm_{number}": number for number in (75, 80, 86, 87, 88, 89, 90, 100, 103, 110, 120, 121)},
    **{f"sm_{number}a": number for number in (90, 100, 103, 110, 120, 121)},
}
"""What CUDA 13 compiles for: names, and compute capabilities times ten. One that ends in `a` is
this architecture and no later one, with the instructions that it alone has."""


def check_architecture(launcher: Launcher, name: str | None) -> None:
    """ValueError for a name that is none of them, and for one without a kernel's instructions."""
    if name is None:
        return
    if name not in ARCHITECTURES:
        known = ", ".join(sorted(ARCHITECTURES, key=lambda known: (ARCHITECTURES[known], known)))
        raise ValueError(f"there is no GPU architecture {name!r}; there are {known}")
    for _, launch in launcher.launches:
        if launch.architecture > ARCHITECTURES[name]:
            raise ValueError(
                f"{launch.title}: this kernel uses tensor cores as sm_{launch.architecture} and "
                f"later have them, and {name} has not: use `--set dtype=f32`, or --arch "
                f"sm_{launch.architecture}"
            )
