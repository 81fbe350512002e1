"""The server: uvicorn with the application, until it is told to stop."""

from __future__ import annotations

import logging
import signal
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import uvicorn

from photosynth.core.errors import ConfigError
from photosynth.core.progress import Progress, Silent
from photosynth.serve.app import create_app
from photosynth.serve.config import ServeConfig, check_config
from photosynth.serve.model import read_sources
from photosynth.serve.protocol import Patience, timed_protocol
from photosynth.serve.registry import Registry

BACKLOG = 256


def run(config: ServeConfig, models: Sequence[str], *, progress: Progress | None = None) -> None:
    """Serve models until SIGINT or SIGTERM; SIGHUP looks for new models at once. Returns when all is answered.

    Args:
        config: settings.
        models: each the path of a run or of an exported model, or ``NAME=PATH``.
        progress: told where the server listens, and of models that are replaced.

    Raises:
        ConfigError: if the settings cannot work, or the address is taken.
        ArtifactError: if a model cannot be loaded.
    """
    progress = progress or Silent()
    check_config(config)
    registry = Registry(read_sources(models), config, progress.note)
    server, listener = make_server(config, registry)
    for model in registry.models:
        progress.note(f"{model.kind} {model.name}: {len(model.class_names)} classes, version {model.version}")
    for url in urls(config, listener):
        progress.note(f"serving at {url}")
    logging.getLogger("python_multipart").setLevel(logging.ERROR)
    with _signals(registry):
        server.run(sockets=[listener])


def make_server(config: ServeConfig, registry: Registry) -> tuple[uvicorn.Server, socket.socket]:
    """A server that has not begun, and the socket it will listen on. Raises ConfigError as `run`."""
    patience = Patience(
        config.receive_timeout_s, config.send_timeout_s, config.max_connections, config.max_upload_bytes
    )
    settings = uvicorn.Config(
        create_app(config, registry),
        http=timed_protocol(patience),
        ws="none",
        lifespan="on",
        log_config=None,
        log_level="error",  # clients must not fill the log with their faults
        access_log=False,
        server_header=False,
        timeout_keep_alive=max(1, round(config.keep_alive_s)),
        timeout_graceful_shutdown=max(1, round(config.shutdown_s)),
        backlog=BACKLOG,
        ssl_certfile=config.certificate,
        ssl_keyfile=config.certificate_key,
    )
    return uvicorn.Server(settings), _listen(config)


def urls(config: ServeConfig, listener: socket.socket) -> list[str]:
    """Where a browser finds the server."""
    scheme, port = ("https" if config.certificate else "http"), listener.getsockname()[1]
    hosts = [config.host]
    if config.host in ("0.0.0.0", "::"):
        hosts = ["localhost", *_own_addresses()]
    return [f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}/" for host in hosts]


def _listen(config: ServeConfig) -> socket.socket:
    try:
        family, kind, _, _, address = socket.getaddrinfo(config.host, config.port, type=socket.SOCK_STREAM)[0]
        # Said outright, the protocol passes on to connections, and asyncio then sends small packets at once.
        listener = socket.socket(family, kind, socket.IPPROTO_TCP)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(BACKLOG)
        except BaseException:
            listener.close()
            raise
        return listener
    except (OSError, OverflowError) as error:
        raise ConfigError(
            f"cannot listen on {config.host} port {config.port}: {error}; choose another --port"
        ) from error


def _own_addresses() -> Iterator[str]:
    """This computer's address in its network: the one that packets to elsewhere would leave from (none are sent)."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return
        yield probe.getsockname()[0]


@contextmanager
def _signals(registry: Registry) -> Iterator[None]:
    """SIGHUP refreshes; SIGINT and SIGTERM, which uvicorn hands on when it has stopped, end quietly."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handlers: dict[int, Any] = {signal.SIGINT: _nothing, signal.SIGTERM: _nothing}
    if hasattr(signal, "SIGHUP"):
        handlers[signal.SIGHUP] = lambda *_: registry.look_now()
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _nothing(*_: object) -> None:
    pass
