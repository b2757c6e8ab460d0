"""The wheel holds every module and data file: an unlisted package drops out silently."""

from __future__ import annotations

import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
DATA = {".lark", ".h", ".hpp", ".cpp", ".typed", ".attn", ".html", ".css", ".js"}


def test_wheel_is_complete(tmp_path: Path) -> None:
    copy = tmp_path / "tree"
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    names = listing.stdout.split("\n") if listing.returncode == 0 else _all_files()
    for name in filter(None, names):
        if (ROOT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            (copy / name).write_bytes((ROOT / name).read_bytes())
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "-o", str(tmp_path), "."]
    subprocess.run(command, cwd=copy, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    packed = set(zipfile.ZipFile(wheel).namelist())
    assert _expected(copy) <= packed


def _all_files() -> list[str]:
    hidden = {".git", ".venv", "build"}
    paths = [p for p in ROOT.rglob("*") if not hidden & set(p.relative_to(ROOT).parts)]
    return [str(p.relative_to(ROOT)) for p in paths]


def _expected(tree: Path) -> set[str]:
    """Each file of the mapped folders, by its name in the wheel."""
    config = tomllib.loads((tree / "pyproject.toml").read_text())["tool"]["setuptools"]
    expected = set()
    for package, folder in config["package-dir"].items():
        for path in (tree / folder).rglob("*"):
            if path.suffix == ".py" or path.suffix in DATA or path.name == "py.typed":
                inside = path.relative_to(tree / folder)
                expected.add(str(Path(package.replace(".", "/")) / inside))
    assert len(expected) > 50
    return expected
