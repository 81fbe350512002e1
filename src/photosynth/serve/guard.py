"""Guard: what happens to every request before its body is read, and to every answer before it leaves."""

from __future__ import annotations

import hmac
import json
import time
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from photosynth.serve.config import MB, ServeConfig
from photosynth.serve.metrics import Metrics
from photosynth.serve.refusal import Refusal, too_large
from photosynth.serve.workers import Workers

COSTLY = ("/api", "/detector", "/v1/classify", "/v1/detect", "/v1/corrections")
"""Paths whose POST needs a place among the workers."""
KEYED = ("/api", "/detector", "/metrics", "/v1/")
"""Beginnings of the paths that need the key, if there is one. The page, the documents and the probes do not."""
CONTENT_SECURITY = (
    "default-src 'self'; script-src 'self' 'wasm-unsafe-eval' blob:; worker-src 'self' blob:; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; media-src 'self' data: blob: mediastream:; "
    "connect-src 'self' data: blob:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)


def security_headers(config: ServeConfig) -> list[tuple[bytes, bytes]]:
    """Headers of every answer. The two cross-origin ones isolate the page, which is what lets WASM use threads."""
    headers = {
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-embedder-policy": "require-corp",
        "cross-origin-resource-policy": "cross-origin" if config.cors else "same-origin",
        "content-security-policy": CONTENT_SECURITY,
        "permissions-policy": "camera=(self), microphone=(), geolocation=()",
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
    }
    return [(name.encode(), value.encode()) for name, value in headers.items()]


class Guard:
    """ASGI middleware: key, announced size and free places checked first; headers added, requests counted.

    Args:
        app: what answers.
        config: limits.
        workers: asked whether there is room.
        metrics: told of every request.
        api_key: what clients must send as ``Authorization: Bearer KEY`` or ``X-API-Key: KEY``; None: nothing.
    """

    def __init__(
        self, app: ASGIApp, config: ServeConfig, workers: Workers, metrics: Metrics, api_key: str | None
    ) -> None:
        self._app, self._config, self._workers, self._metrics = app, config, workers, metrics
        self._key = None if api_key is None else api_key.encode()
        self._headers = security_headers(config)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status = time.perf_counter(), 0

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                given = {name for name, _ in message.get("headers", ())}
                more = [header for header in self._headers if header[0] not in given]
                message = {**message, "headers": [*message.get("headers", ()), *more]}
            await send(message)

        try:
            self._check(scope)
        except Refusal as refusal:
            await refuse(refusal, answer)
        else:
            await self._app(scope, receive, answer)
        finally:
            self._metrics.request(_route(scope), _method(scope), status or 499, time.perf_counter() - began)

    def _check(self, scope: Scope) -> None:
        path, headers = scope["path"], dict(scope["headers"])
        if self._key is not None and path.startswith(KEYED):
            given = headers.get(b"x-api-key") or headers.get(b"authorization", b"").removeprefix(b"Bearer ")
            if not hmac.compare_digest(given, self._key):
                raise Refusal(401, "key_needed", "send the key as 'Authorization: Bearer KEY' or 'X-API-Key: KEY'")
        if scope["method"] == "POST" and headers.get(b"sec-fetch-site") == b"cross-site" and not self._config.cors:
            raise Refusal(403, "other_site", "pages of other sites may not ask; allow them with --cors ORIGIN")
        length = headers.get(b"content-length", b"0")
        if length.isdigit() and int(length[:20]) > self._config.max_upload_bytes:
            raise too_large(f"the request is larger than {self._config.max_upload_bytes / MB:g} MB")
        if scope["method"] == "POST" and path in COSTLY:
            self._workers.check()


async def refuse(refusal: Refusal, send: Send) -> None:
    """Send a Refusal as its JSON."""
    body = json.dumps(refusal.body).encode()
    headers = {"content-type": "application/json", "content-length": str(len(body)), **refusal.headers}
    start: dict[str, Any] = {"type": "http.response.start", "status": refusal.status}
    await send({**start, "headers": [(name.encode(), value.encode()) for name, value in headers.items()]})
    await send({"type": "http.response.body", "body": body})


METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


def _method(scope: Scope) -> str:
    return scope["method"] if scope["method"] in METHODS else "OTHER"  # clients must not invent label values


def _route(scope: Scope) -> str:
    route = getattr(scope.get("route"), "path", None)
    if route is not None:
        return route
    return scope["path"] if scope["path"] in COSTLY else "page"
