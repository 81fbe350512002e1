"""Intake: a request's body into memory and nowhere else, within bounds that hold while it comes in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import Request

from photosynth.serve.config import MB, ServeConfig
from photosynth.serve.refusal import Refusal, busy, too_large

MAX_PARTS = 64


class Memory:
    """How many bytes of uploads are held at the moment, against how many may be."""

    def __init__(self, limit: int) -> None:
        self.limit, self.held = limit, 0

    def take(self, count: int) -> None:
        """Hold `count` more. Raises Refusal (503) if that is too many."""
        if self.held + count > self.limit:
            raise busy("the server holds as many uploads as it can; come again in a moment", 2)
        self.held += count

    def give(self, count: int) -> None:
        """Let go of `count`."""
        self.held -= count


@dataclass
class Part:
    """One part of a form."""

    name: str
    file_name: str | None
    data: bytearray = field(default_factory=bytearray)


class Form:
    """A request's parts, in order."""

    def __init__(self, parts: list[Part]) -> None:
        self.parts = parts

    def pictures(self, name: str, most: int) -> list[bytearray]:
        """The files sent as `name`.

        Raises:
            Refusal: 422 if there is none, 413 if there are more than `most`.
        """
        found = [part.data for part in self.parts if part.name == name]
        if not found:
            names = ", ".join(sorted({repr(part.name[:40]) for part in self.parts})) or "nothing"
            raise Refusal(422, "missing_field", f"the form has no {name!r}; it has {names}")
        if len(found) > most:
            raise too_large(f"{len(found)} pictures in one request; at most {most} are taken")
        return found

    def text(self, name: str, default: str | None = None) -> str:
        """A field's text. Raises Refusal (422) if it is absent without a default, or is not UTF-8."""
        for part in self.parts:
            if part.name == name:
                try:
                    return part.data.decode("utf-8")
                except UnicodeDecodeError as error:
                    raise Refusal(422, "bad_field", f"field {name!r} is not UTF-8 text") from error
        if default is None:
            raise Refusal(422, "missing_field", f"the form has no {name!r}")
        return default


@asynccontextmanager
async def received(request: Request, config: ServeConfig, memory: Memory, raw_name: str | None) -> AsyncIterator[Form]:
    """The request's form; its bytes count against `memory` until the block ends.

    Args:
        request: multipart/form-data; or, where `raw_name` is given, a picture as the bare body, which then is the
            one part of that name.
        config: limits.
        memory: of all requests together.
        raw_name: see above.

    Raises:
        Refusal: 413 too many bytes, 415 another type of body, 422 a broken form, 503 no memory left.
    """
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    if kind == b"multipart/form-data":
        collector: _Multipart | _Bare = _Multipart(options.get(b"boundary", b""))
    elif raw_name is not None and (kind.startswith(b"image/") or kind == b"application/octet-stream"):
        collector = _Bare(raw_name)
    else:
        also = " or a picture as the body (content-type image/...)" if raw_name is not None else ""
        raise Refusal(415, "unsupported_type", f"send multipart/form-data{also}")
    held = 0
    try:
        async for chunk in request.stream():
            if held + len(chunk) > config.max_upload_bytes:
                raise too_large(f"the request is larger than {config.max_upload_bytes / MB:g} MB")
            memory.take(len(chunk))
            held += len(chunk)
            collector.feed(chunk)
        yield Form(collector.finish())
    finally:
        memory.give(held)


class _Bare:
    def __init__(self, name: str) -> None:
        self._part = Part(name, None)

    def feed(self, chunk: bytes) -> None:
        self._part.data += chunk

    def finish(self) -> list[Part]:
        return [self._part]


class _Multipart:
    """Collects the parts of multipart/form-data (RFC 7578) in memory."""

    def __init__(self, boundary: bytes) -> None:
        if not 1 <= len(boundary) <= 200:
            raise Refusal(422, "bad_form", "the content-type names no usable boundary")
        self.parts: list[Part] = []
        self._header, self._value, self._disposition = b"", b"", b""
        self._ended = False
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._begin,
                "on_header_field": self._on_header,
                "on_header_value": self._on_value,
                "on_header_end": self._on_header_end,
                "on_headers_finished": self._on_headers,
                "on_part_data": self._on_data,
                "on_end": self._on_end,
            },
        )

    def feed(self, chunk: bytes) -> None:
        try:
            self._parser.write(chunk)
        except FormParserError as error:
            raise Refusal(422, "bad_form", "the body is not well-formed multipart/form-data") from error

    def finish(self) -> list[Part]:
        if not self._ended:
            raise Refusal(422, "bad_form", "the form ends before its last boundary; send it again")
        return self.parts

    def _begin(self) -> None:
        if len(self.parts) >= MAX_PARTS:
            raise too_large(f"the form has more than {MAX_PARTS} parts")
        self._header, self._value, self._disposition = b"", b"", b""

    def _on_header(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _on_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _on_header_end(self) -> None:
        if self._header.lower() == b"content-disposition":
            self._disposition = self._value
        self._header, self._value = b"", b""

    def _on_headers(self) -> None:
        _, options = parse_options_header(self._disposition)
        if b"name" not in options:
            raise Refusal(422, "bad_form", "a part of the form has no name")
        file_name = options.get(b"filename")
        name = options[b"name"].decode("utf-8", "replace")
        self.parts.append(Part(name, None if file_name is None else file_name.decode("utf-8", "replace")))

    def _on_data(self, data: bytes, start: int, end: int) -> None:
        part = self.parts[-1]
        part.data += data[start:end]

    def _on_end(self) -> None:
        self._ended = True
