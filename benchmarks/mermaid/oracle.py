"""Mermaid itself, from npm, as a process that answers what it makes of flowcharts."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

SCRIPT = Path(__file__).with_name("mermaid.mjs")
PACKAGES = ("mermaid@11.17.2", "jsdom@29.1.1")
BATCH = 500


class Mermaid:
    """A running mermaid; it is installed into `folder` first where that is empty."""

    def __init__(self, folder: Path) -> None:
        install(folder)
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(
            ["node", SCRIPT], cwd=folder, stdin=pipe, stdout=pipe, encoding="utf-8"
        )

    def ask(self, texts: Sequence[str]) -> list[dict[str, Any]]:
        """Mermaid's answers, in the order of `texts`."""
        return [
            answer
            for start in range(0, len(texts), BATCH)
            for answer in self._ask(texts[start : start + BATCH])
        ]

    def _ask(self, texts: Sequence[str]) -> list[dict[str, Any]]:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(list(texts)) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("mermaid gave no answer: see what node said above")
        answers: list[dict[str, Any]] = json.loads(line)
        return answers

    def __enter__(self) -> Mermaid:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait()


def install(folder: Path) -> None:
    """Let npm put `PACKAGES` into `folder`, unless they are there."""
    done = folder / "installed.txt"
    if done.exists() and done.read_text() == " ".join(PACKAGES):
        return
    folder.mkdir(parents=True, exist_ok=True)
    command = ["npm", "install", "--no-audit", "--no-fund", "--silent", "--prefix", str(folder)]
    subprocess.run([*command, *PACKAGES], check=True)
    done.write_text(" ".join(PACKAGES))
