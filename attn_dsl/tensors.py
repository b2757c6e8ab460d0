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


def numpy_dtype(name: str) -> np.dtype[Any]:
    """NumPy's dtype of that name; `bfloat16` is that of ml_dtypes. ValueError without it."""
    if name != "bfloat16":
        return np.dtype(name)
    try:
        import ml_dtypes  # noqa: PLC0415 (few diagrams need it)
    except ImportError:
        raise ValueError("NumPy knows no bf16: pip install 'attn-dsl[bf16]' brings it") from None
    found: np.dtype[Any] = np.dtype(ml_dtypes.bfloat16)
    return found


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
    """Write an npz file, whole or not at all. Raises DiagnosticError if it cannot be written.

    The format knows no bfloat16, so that is written as float32, which has the same numbers.
    """
    buffer = io.BytesIO()
    known = {n: a.astype(np.float32) if a.dtype.kind == "V" else a for n, a in arrays.items()}
    np.savez(buffer, **known)  # type: ignore[arg-type]
    write_atomically(Path(path), buffer.getvalue())
