"""`attn serve`: a page that follows its file, on this machine alone."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

COMMAND = [sys.executable, "-c", "from attn_dsl.cli import main; main()", "serve"]
DRAWING = """flowchart TD
    Q(["Q : f32[N, 8]"]) & K(["K : f32[M, 8]"]) --> S[MatMul]
    S --> P[Softmax]
    P & V(["V : f32[M, 8]"]) --> O[{last}]
"""
MODULE = 'flowchart TD\n    x(["x : f32[N, D]"]) --> y[{name}]\n'
CALL = 'flowchart TD\n    x(["x : f32[N, D]"]) --> y["Part"]@{ op: parts/part.attn }\n'


@dataclass
class Served:
    """A server, the file that it serves, and where."""

    process: subprocess.Popen[str]
    file: Path
    port: int

    def get(self, path: str = "/", host: str | None = None) -> HTTPResponse:
        """The answer to a request; its `Host` is the right one unless another is given."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request("GET", path, headers={"Host": host} if host else {})
        return connection.getresponse()


Serve = Callable[[str], Served]


@contextmanager
def serving(file: Path) -> Iterator[Served]:
    """A server of `file` on a free port."""
    pytest.importorskip("starlette", reason="attn-dsl[serve] is not installed")
    command = [*COMMAND, str(file), "--port", "0"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            assert process.stdout is not None
            found = re.search(r"http://127\.0\.0\.1:(\d+)/", process.stdout.readline())
            assert found
            yield Served(process, file, int(found[1]))
        finally:
            process.kill()


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """`serve(text)` serves a file with this text."""
    with ExitStack() as stack:

        def start(text: str) -> Served:
            file = tmp_path / "drawing.attn"
            file.write_text(text)
            return stack.enter_context(serving(file))

        yield start


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One server for those who only ask."""
    file = tmp_path_factory.mktemp("served") / "drawing.attn"
    file.write_text(DRAWING.format(last="MatMul"))
    with serving(file) as found:
        yield found


@pytest.fixture
def live(browser: Browser) -> Iterator[Callable[[Served], Page]]:
    """Shows what is served; a page that says anything on the console fails the test."""
    context, found = browser.new_context(reduced_motion="reduce"), []

    def show(served: Served) -> Page:
        page = context.new_page()
        page.on("console", lambda message: found.append(message.text))
        page.on("pageerror", lambda error: found.append(str(error)))
        page.goto(f"http://127.0.0.1:{served.port}/")
        return page

    yield show
    context.close()
    assert found == []


def test_a_page_follows_its_file(serve: Serve, live: Callable[[Served], Page]) -> None:
    served = serve(DRAWING.format(last="MatMul"))
    page = live(served)
    box = page.locator("#diagram").get_by_role("button", name="Matrix Multiply")
    assert box.count() == 0
    served.file.write_text(DRAWING.format(last='"Matrix Multiply"'))
    box.wait_for()
    served.file.write_text(DRAWING.format(last="MutMal"))
    page.get_by_role("alert").wait_for()
    error = page.get_by_role("alert").inner_text()
    assert "drawing.attn:4:" in error
    assert re.search(r"\n {5}\| +\^+", error)
    assert box.is_visible()  # the last good one
    beside = served.file.with_suffix(".new")
    beside.write_text(DRAWING.format(last="MatMul"))
    beside.replace(served.file)  # as many editors save
    page.get_by_role("alert").wait_for(state="detached")
    box.wait_for(state="detached")


def test_what_the_reader_did_stays(serve: Serve, live: Callable[[Served], Page]) -> None:
    served = serve(DRAWING.format(last="MatMul"))
    page = live(served)
    page.locator("#theme").click()
    page.get_by_role("tab", name="CUDA").click()
    page.get_by_role("button", name="100 % of Fused graph").click()
    page.locator("#diagram [data-link='Q']").click()
    page.locator("#source-2").evaluate("(e) => e.scrollTo(0, 700)")
    page.wait_for_function("document.querySelector('#source-2').scrollTop === 700")
    served.file.write_text("---\ntitle: Another\n---\n" + DRAWING.format(last="MatMul"))
    page.get_by_role("heading", name="Another").wait_for()
    assert page.title() == "Another"
    assert page.locator("#theme").inner_text() == "Theme: light"
    assert page.locator("[role=tab][aria-selected=true]").inner_text() == "CUDA"
    assert page.locator("#source-2").evaluate("(e) => e.scrollTop") == 700
    assert page.locator("#fused.zoomed").count() == 1
    assert page.locator("#diagram [data-link='Q'].lit").count() == 1
    assert page.locator("#lit").inner_text().startswith("Kept: Q")
    assert page.evaluate("document.activeElement.dataset.link") == "Q"


def test_a_module_is_watched_too(serve: Serve, live: Callable[[Served], Page]) -> None:
    served = serve(CALL)
    page = live(served)
    assert "parts/part.attn" in page.get_by_role("alert").inner_text()
    module = served.file.parent / "parts" / "part.attn"
    module.parent.mkdir()
    module.write_text(MODULE.format(name="Softmax"))
    page.locator("#fused").get_by_role("button", name="Softmax").wait_for()
    module.write_text(MODULE.format(name="ReLU"))
    page.locator("#fused").get_by_role("button", name="ReLU").wait_for()


def test_it_says_that_it_has_ended(serve: Serve, browser: Browser) -> None:
    served = serve(DRAWING.format(last="MatMul"))
    page = browser.new_page()
    page.goto(f"http://127.0.0.1:{served.port}/")
    page.wait_for_function("document.documentElement.dataset.version")
    served.process.send_signal(signal.SIGINT)
    assert served.process.wait(10) == 0, "with a page that listens"
    page.get_by_text("attn serve has ended").wait_for()
    page.close()


def test_ctrl_c_ends_it_quietly(serve: Serve) -> None:
    served = serve(DRAWING.format(last="MatMul"))
    served.process.send_signal(signal.SIGINT)
    said, _ = served.process.communicate(timeout=10)
    assert said == ""
    assert served.process.returncode == 0


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:{port}", "127.0.0.1", "localhost:1"]
)
def test_another_host_is_refused(served: Served, host: str) -> None:
    """A name that leads here is not this machine's: its pages could read what is served."""
    for path in ("/", "/events"):
        assert served.get(path, host.format(port=served.port)).status == 421


@pytest.mark.parametrize("host", ["localhost:{port}", "127.0.0.1:{port}", "[::1]:{port}"])
def test_this_machine_is_served(served: Served, host: str) -> None:
    answer = served.get("/", host.format(port=served.port))
    assert answer.status == 200
    assert answer.headers["Content-Security-Policy"] == "frame-ancestors 'none'"
    assert b"<!doctype html>" in answer.read()
    assert served.get("/../pyproject.toml").status == 404


@pytest.mark.parametrize(
    ("family", "address"), [(socket.AF_INET, "127.0.0.2"), (socket.AF_INET6, "::1")]
)
def test_no_other_address_is_listened_to(
    served: Served, family: socket.AddressFamily, address: str
) -> None:
    with socket.socket(family) as other:
        other.settimeout(5)
        assert other.connect_ex((address, served.port)) != 0


def test_a_port_in_use_is_an_error(served: Served) -> None:
    command = [*COMMAND, str(served.file), "--port", str(served.port)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert result.stderr == (
        f"error: cannot serve on port {served.port}: address already in use; "
        "--port 0 takes a free one\n"
    )


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    command = [*COMMAND, str(tmp_path / "none.attn")]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert "attn[E001]" in result.stderr
