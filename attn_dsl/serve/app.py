"""The web application: a page, and word of later versions of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from attn_dsl.serve.drawn import Drawn

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


class Shown:
    """What is shown now, and word of it to those who wait; used by one event loop."""

    def __init__(self, drawn: Drawn) -> None:
        self.drawn = drawn
        self._open = True
        self._changed = asyncio.Event()

    def show(self, drawn: Drawn) -> None:
        """Show `drawn` from now on."""
        self.drawn = drawn
        self._tell()

    def end(self) -> None:
        """Nothing more will be shown: nobody has to wait any longer."""
        self._open = False
        self._tell()

    async def versions(self) -> AsyncIterator[int]:
        """The version that is shown, and each later one; of several at once the last."""
        while self._open:
            changed = self._changed
            yield self.drawn.version
            await changed.wait()

    def _tell(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()


def application(shown: Shown, hosts: frozenset[str]) -> ASGIApp:
    """The page at `/`, server-sent events with its versions at `/events`, for these `hosts`."""

    async def page(request: Request) -> Response:
        return HTMLResponse(shown.drawn.html, headers=HEADERS)

    async def events(request: Request) -> Response:
        lines = (f"data: {version}\n\n" async for version in shown.versions())
        return StreamingResponse(lines, media_type="text/event-stream", headers=HEADERS)

    return _only(hosts, Starlette(routes=[Route("/", page), Route("/events", events)]))


def _only(hosts: frozenset[str], app: ASGIApp) -> ASGIApp:
    """Refuse requests for another host.

    A page of a stranger can give its own name the address of this machine; the browser then lets
    it read what is served here, but says for whom it asks.
    """

    async def checked(scope: Scope, receive: Receive, send: Send) -> None:
        if Headers(scope=scope).get("host") in hosts:
            await app(scope, receive, send)
        else:
            refused = PlainTextResponse("This server is for this machine alone.\n", 421)
            await refused(scope, receive, send)

    return checked
