"""The same file gives the same bytes, in any process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from attn_dsl.pipeline import read
from attn_dsl.render import encode
from attn_dsl.views import VIEWS, picture_of

EXAMPLES = Path(__file__).parents[2] / "examples"
DRAWN = {
    "causal.attn": {"N": 64, "D": 8},
    "variants/documents.attn": {"N": 256, "D": 8},
    "attention.md#3": {"heads": 2, "D": 8, "Dv": 8},
}
SCRIPT = """
import hashlib, sys
from attn_dsl.page import make_page
from attn_dsl.pipeline import read
from attn_dsl.render import encode
from attn_dsl.render.page import page_html
from attn_dsl.views import VIEWS, picture_of
for source, settings in {drawn}.items():
    block = read({examples!r} + "/" + source)
    found = [encode(picture_of(block, view, settings), "svg") for view in VIEWS]
    found.append(page_html(make_page(block, settings)).encode())
    print(source, *(hashlib.sha256(data).hexdigest() for data in found))
"""


def digests(seed: str) -> str:
    """What another process makes of all views and of the page, where sets have another order."""
    script = SCRIPT.format(drawn=DRAWN, examples=str(EXAMPLES))
    environment = {**os.environ, "PYTHONHASHSEED": seed}
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
    return done.stdout


def test_pictures_are_the_same_in_every_process() -> None:
    first = digests("1")
    assert len(first.split()) == len(DRAWN) * (2 + len(VIEWS))
    assert digests("2") == first


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("source", DRAWN)
def test_svgs_say_what_they_show(source: str, view: str) -> None:
    picture = picture_of(read(f"{EXAMPLES / source}"), view, DRAWN[source])
    root = ElementTree.fromstring(encode(picture, "svg"))
    assert (root.findtext("{*}title") or "").strip()
    assert len((root.findtext("{*}desc") or "").split()) > 3
    assert root.get("role") == "img"
