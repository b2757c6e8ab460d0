"""Writing files so that a reader never meets half of one."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from pathlib import Path

from attn_dsl.diagnostics import Diagnostic, DiagnosticError


def write_atomically(path: Path, data: bytes) -> None:
    """Put `data` at `path`, all of it or nothing: write beside it, then rename.

    What is no file, such as a pipe or `/dev/stdout`, is written to as it is. Raises
    DiagnosticError with the system's reason.
    """
    try:
        if path.is_dir():
            raise IsADirectoryError(None, "is a directory")
        if path.exists() and not os.access(path, os.W_OK):
            raise PermissionError(None, "permission denied")
        if path.exists() and not path.is_file():
            path.write_bytes(data)
        else:
            _replace(path.resolve(), data)
    except (OSError, ValueError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        message = f"cannot write `{path}`: {reason.lower()}"
        raise DiagnosticError([Diagnostic("E081", message)]) from None


def _replace(path: Path, data: bytes) -> None:
    beside = path.with_name(f".{secrets.token_hex(8)}.tmp")
    try:
        beside.write_bytes(data)
        if path.exists():
            shutil.copymode(path, beside)
        beside.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            beside.unlink()
        raise
