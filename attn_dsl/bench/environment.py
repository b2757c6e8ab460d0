"""What a record says of the machine and the versions that it was measured on."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path


def machine() -> dict[str, str | int]:
    """The processor, its cores, the system, Python, NumPy and the date."""
    cpuinfo = Path("/proc/cpuinfo")
    names = cpuinfo.read_text().split("\n") if cpuinfo.exists() else []
    model = next((n.split(":")[1].strip() for n in names if n.startswith("model name")), "")
    return {
        "processor": model or platform.machine(),
        "cores": os.cpu_count() or 1,
        "system": platform.platform(),
        "python": platform.python_version(),
        "numpy": version("numpy"),
        "attn-dsl": version("attn-dsl"),
        "date": datetime.now(UTC).date().isoformat(),
    }
