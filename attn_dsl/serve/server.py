"""The server: on loopback, until it is interrupted."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable

import uvicorn

from attn_dsl.backend import Failure
from attn_dsl.serve.app import Shown, application
from attn_dsl.serve.drawn import Source, draw
from attn_dsl.serve.watch import watch

LOOPBACK = "127.0.0.1"
NAMES = (LOOPBACK, "localhost", "[::1]")
"""What browsers call this machine, where they reach it from itself."""


def listen(port: int) -> socket.socket:
    """A socket on loopback; 0 takes a port that is free. Failure if `port` cannot be had."""
    found = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((LOOPBACK, port))
        found.listen()
    except OSError as error:
        found.close()
        reason = (error.strerror or str(error)).lower()
        raise Failure(f"cannot serve on port {port}: {reason}; --port 0 takes a free one") from None
    return found


def serve(source: Source, on: socket.socket, ready: Callable[[str], None]) -> None:
    """Serve the page of `source` until Ctrl-C; `ready` is told its address, once it is there."""
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(source, on, ready))


async def _serve(source: Source, on: socket.socket, ready: Callable[[str], None]) -> None:
    drawn = await asyncio.to_thread(draw, source)
    shown, port = Shown(drawn), on.getsockname()[1]
    app = application(shown, frozenset(f"{name}:{port}" for name in NAMES))
    server = _Server(uvicorn.Config(app, lifespan="off", log_level="warning"), shown)
    async with asyncio.TaskGroup() as tasks:
        watching = tasks.create_task(watch(source, drawn, shown.show))
        ready(f"http://{LOOPBACK}:{port}/")
        await server.serve([on])
        watching.cancel()


class _Server(uvicorn.Server):
    """Ends the streams of events, for which it would wait, when it ends itself."""

    def __init__(self, config: uvicorn.Config, shown: Shown) -> None:
        super().__init__(config)
        self._shown = shown

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._shown.end()
        await super().shutdown(sockets)
