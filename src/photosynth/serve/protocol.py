"""TimedProtocol: uvicorn's HTTP/1.1 with the patience of a server that faces the internet.

uvicorn closes idle kept-alive connections, and otherwise waits: for headers, for a body, for a client to take its
answer. It also bounds neither headers nor connections. All of that is bounded here.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MAX_HEAD_BYTES = 64_000


@dataclass(frozen=True)
class Patience:
    """How long and how much."""

    receive_s: float
    """From the first byte of a request, or the beginning of a connection, to the request's end."""
    send_s: float
    """A client takes none of its answer."""
    max_connections: int
    """Open at the same time."""
    max_body_bytes: int
    """A body this large was refused already; three times as much is read and thrown away, so that the client comes
    to read the refusal, and then the connection is closed."""


def timed_protocol(patience: Patience) -> type[HttpToolsProtocol]:
    """The protocol class to give to uvicorn."""

    class Timed(TimedProtocol):
        _patience = patience

    return Timed


class TimedProtocol(HttpToolsProtocol):
    """See the module. Subclasses set `_patience`."""

    _patience: Patience

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._receiving: asyncio.TimerHandle | None = None
        self._sending: asyncio.TimerHandle | None = None
        self._request_bytes, self._in_head = 0, True

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client is there; it has to say something soon."""
        super().connection_made(transport)
        if len(self.connections) > self._patience.max_connections:
            self._say_and_close(503, "busy", "too many connections; come again in a moment", "retry-after: 2\r\n")
            return
        self._receiving = self.loop.call_later(self._patience.receive_s, self._too_slow)

    def connection_lost(self, exc: Exception | None) -> None:
        """It went."""
        self._stop_waiting()
        if self._sending is not None:
            self._sending.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Bytes of one or more requests."""
        if self.transport.is_closing():
            return
        self._request_bytes += len(data)
        super().data_received(data)
        if self.transport.is_closing():
            return
        if self._in_head and self._request_bytes > MAX_HEAD_BYTES:
            self._say_and_close(431, "headers_too_large", "the headers are too large")
        elif self._request_bytes > 4 * self._patience.max_body_bytes + MAX_HEAD_BYTES:
            self.transport.abort()

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self._request_bytes, self._in_head = 0, True
        self._stop_waiting()
        self._receiving = self.loop.call_later(self._patience.receive_s, self._too_slow)

    def on_headers_complete(self) -> None:
        """Its headers are in."""
        self._in_head = False
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """It is in whole."""
        self._stop_waiting()
        self._request_bytes = 0
        super().on_message_complete()

    def pause_writing(self) -> None:
        """The client does not take its answer as fast as it is made."""
        super().pause_writing()
        if self._sending is None:
            self._sending = self.loop.call_later(self._patience.send_s, self._not_taken)

    def resume_writing(self) -> None:
        """It took some."""
        if self._sending is not None:
            self._sending.cancel()
            self._sending = None
        super().resume_writing()

    def _stop_waiting(self) -> None:
        if self._receiving is not None:
            self._receiving.cancel()
            self._receiving = None

    def _too_slow(self) -> None:
        answered = self.cycle is not None and self.cycle.response_started
        if self.transport.is_closing():
            return
        if answered:
            self.transport.abort()
        else:
            self._say_and_close(408, "too_slow", "the request did not come in time")

    def _not_taken(self) -> None:
        self.transport.abort()

    def _say_and_close(self, status: int, code: str, message: str, header: str = "") -> None:
        body = json.dumps({"error": code, "message": message})
        head = f"HTTP/1.1 {status} {code}\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n"
        self.transport.write(f"{head}{header}connection: close\r\n\r\n{body}".encode())
        self.transport.close()
