"""Assets: the page, and the files of the API's documents, with types and caching that suit them."""

from __future__ import annotations

import html
import mimetypes
import os
from pathlib import Path
from typing import Any

from starlette.datastructures import Headers
from starlette.responses import FileResponse, HTMLResponse, PlainTextResponse, Response
from starlette.staticfiles import NotModifiedResponse, StaticFiles
from starlette.types import Scope

from photosynth.serve.registry import Registry

WEB_FOLDER = Path(__file__).parent / "web"
HASHED_FOLDER = "assets"
"""Files in this folder of the page carry a hash in their name and never change."""
FOREVER = "public, max-age=31536000, immutable"
ASK_AGAIN = "no-cache"
"""Kept, but asked about (ETag) each time."""
TYPES = {
    ".wasm": "application/wasm",
    ".mjs": "text/javascript",
    ".js": "text/javascript",
    ".webmanifest": "application/manifest+json",
    ".onnx": "application/octet-stream",
    ".json": "application/json",
    ".svg": "image/svg+xml",
}
"""Types that systems disagree about."""
ENCODINGS = (("br", ".br"), ("gzip", ".gz"))
"""Encoding and the suffix of a file that holds another one so encoded."""


class Assets(StaticFiles):
    """A folder of files. ``NAME.br`` and ``NAME.gz`` beside ``NAME`` are sent instead to those who can read them."""

    def file_response(
        self, full_path: Any, stat_result: os.stat_result, scope: Scope, status_code: int = 200
    ) -> Response:
        """One file, or 304."""
        headers = Headers(scope=scope)
        path, extra = str(full_path), {"cache-control": _caching(str(full_path), str(self.directory))}
        sent, sent_stat = path, stat_result
        accepted = {token.split(";")[0].strip() for token in headers.get("accept-encoding", "").split(",")}
        if "range" not in headers:
            for encoding, suffix in ENCODINGS:
                if encoding in accepted and os.path.isfile(path + suffix):
                    sent, sent_stat = path + suffix, os.stat(path + suffix)
                    extra["content-encoding"] = encoding
                    break
        if any(os.path.isfile(path + suffix) for _, suffix in ENCODINGS):
            extra["vary"] = "accept-encoding"
        response = FileResponse(
            sent, status_code=status_code, stat_result=sent_stat, headers=extra, media_type=media_type(path)
        )
        if self.is_not_modified(response.headers, headers):
            return NotModifiedResponse(response.headers)
        return response


def media_type(path: str) -> str:
    """The content-type of a file, the same on every system."""
    suffix = Path(path).suffix.lower()
    return TYPES.get(suffix) or mimetypes.guess_type(path)[0] or "application/octet-stream"


def _caching(path: str, folder: str) -> str:
    inside = Path(os.path.relpath(path, os.path.realpath(folder))).parts
    return FOREVER if len(inside) > 1 and inside[0] == HASHED_FOLDER else ASK_AGAIN


def swagger_folder() -> Path:
    """The folder of swagger-ui-bundle.js and swagger-ui.css."""
    import fastapi_offline

    return Path(fastapi_offline.__file__).parent / "static"


DOCS_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>photosynth API</title><link rel="stylesheet" href="/docs/files/swagger-ui.css">
<link rel="icon" href="/docs/files/favicon.png"></head>
<body><div id="api"></div><script src="/docs/files/swagger-ui-bundle.js"></script><script src="/docs/start.js"></script>
</body></html>"""
DOCS_SCRIPT = """SwaggerUIBundle({url: "/openapi.json", dom_id: "#api", deepLinking: true, validatorUrl: null,
  presets: [SwaggerUIBundle.presets.apis], layout: "BaseLayout"});"""


def docs_page() -> Response:
    """Swagger UI, from this server alone."""
    return HTMLResponse(DOCS_PAGE)


def docs_script() -> Response:
    """What starts it."""
    return PlainTextResponse(DOCS_SCRIPT, media_type="text/javascript")


INDEX_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>photosynth</title>
<style>:root{{color-scheme:light dark}}
body{{font:1rem/1.6 system-ui,sans-serif;max-width:42rem;margin:3rem auto;padding:0 1rem}}
code{{background:#8882;padding:.1em .3em;border-radius:.2em}}</style></head>
<body><h1>photosynth</h1><p>This server names objects in pictures.</p>
<ul>{models}</ul>
<form action="/v1/classify" method="post" enctype="multipart/form-data">
<p><label>A picture: <input type="file" name="image" accept="image/*" required></label>
<button>What is it?</button></p></form>
<p><a href="/docs">The API</a> · <code>curl -F image=@photo.jpg {url}v1/classify</code></p></body></html>"""


def index_page(registry: Registry, url: str) -> Response:
    """A plain page for when the real one is not built."""
    items = "".join(
        f"<li><b>{html.escape(model.name)}</b>, a {model.kind} of {len(model.class_names)} classes: "
        f"{html.escape(', '.join(model.class_names))}</li>"
        for model in registry.models
    )
    return HTMLResponse(INDEX_PAGE.format(models=items, url=html.escape(url)))
