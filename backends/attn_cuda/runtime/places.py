"""Places in compiled code, told by the line and the function of the source that stand there."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

# What the emulator writes: `{line 0x1f3}`, `{kernel 0x1f3}`, from the start of the library.
PLACE = re.compile(r"\{(line|kernel) (0x[0-9a-f]+)\}")


def name_places(message: str, library: Path) -> str:
    """The message, with each place named by the library's line table.

    Where that table cannot be read (addr2line comes with g++, but may be gone since), the place
    stays an address.
    """
    tool = shutil.which("addr2line")

    def name(match: re.Match[str]) -> str:
        kind, address = match.groups()
        if tool is not None:
            function, line = look_up(tool, library, address)
            named = function if kind == "kernel" else line
            if named is not None:
                return f"{kind} {named}"
        return f"address {address}"

    return PLACE.sub(name, message)


def look_up(tool: str, library: Path, address: str) -> tuple[str | None, str | None]:
    """The function without its parameters, and the line in the ``.cu`` file; None if unknown.

    Of what is inlined there, that is the innermost part which the file itself says.
    """
    command = [tool, "-C", "-f", "-i", "-e", str(library), address]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    found = result.stdout.splitlines()
    for function, place in zip(found[::2], found[1::2], strict=False):
        line = re.search(r"\.cu:(\d+)", place)
        if line is not None:
            named = re.search(r"[\w:]+(<.*>)?$", function.split("(")[0])
            return (named[0] if named else function), line[1]
    return None, None
