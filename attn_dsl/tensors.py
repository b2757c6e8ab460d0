"""Named arrays in files: npz and safetensors."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from attn_dsl.files import write_atomically

NDArray = np.ndarray[Any, Any]


def read_tensors(path: str | Path) -> dict[str, NDArray]:
    """The arrays of an npz or safetensors file; ValueError if it cannot be read."""
    path = Path(path)
    try:
        if path.suffix == ".safetensors":
            from safetensors.numpy import load_file  # noqa: PLC0415 (few runs need it)

            return load_file(path)
        with np.load(path, allow_pickle=False) as archive:
            if not isinstance(archive, Mapping):
                raise ValueError("it holds one array without a name")
            return dict(archive)
    except OSError as error:
        raise ValueError(f"`{path}` cannot be read: {error.strerror or error}") from None
    except (ValueError, zipfile.BadZipFile, EOFError) as error:
        raise ValueError(f"`{path}` is no npz file: {error}") from None
    except Exception as error:  # safetensors raises a type of its own for a damaged file
        raise ValueError(f"`{path}` is no safetensors file: {error}") from None


def write_tensors(path: str | Path, arrays: Mapping[str, NDArray]) -> None:
    """Write an npz file, whole or not at all. Raises DiagnosticError if it cannot be written."""
    buffer = io.BytesIO()
    np.savez(buffer, **dict(arrays))  # type: ignore[arg-type]
    write_atomically(Path(path), buffer.getvalue())
