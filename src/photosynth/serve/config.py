"""ServeConfig: the settings of `photosynth serve`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from photosynth.core.errors import ConfigError
from photosynth.core.record import Record
from photosynth.models.exported import Precision

API_KEY_VARIABLE = "PHOTOSYNTH_API_KEY"
MB = 1_000_000


class ServeConfig(Record, frozen=True, kw_only=True):
    """How to serve."""

    host: str = "127.0.0.1"
    """Address to listen on: 127.0.0.1 for this computer alone, 0.0.0.0 for the whole network (phones)."""
    port: int = 8000
    """Port to listen on; 0 takes a free one."""
    certificate: Path | None = None
    """PEM file of a TLS certificate. Browsers on other devices hand out the camera over https only."""
    certificate_key: Path | None = None
    """PEM file of its private key, unless that is in the same file."""
    precision: Precision = "float32"
    """Which of an exported model's files is used."""
    device: Literal["cpu", "cuda"] = "cpu"
    """Where the model runs; cuda needs an onnxruntime built for it, and answers several requests in one go."""
    second_look: bool = True
    """Let the classifier that is exported beside a detector look again at what it finds, if that was fitted."""
    workers: int = 0
    """Pictures answered at the same time; 0 means one for each core (cuda: one for each picture of a batch)."""
    threads: int = 1
    """Cores that one picture may use in the model. More of them answer a lone request sooner and a crowd later."""
    queue: int = 64
    """Requests that may wait beyond those being answered; the next one is told to come again (503)."""
    max_batch: int = 16
    """Pictures that cuda answers in one go."""
    max_files: int = 16
    """Pictures in one request."""
    max_upload_mb: float = 20.0
    """Bytes of one request, in millions; more is refused (413)."""
    max_megapixels: float = 50.0
    """Pixels of one picture, in millions; more is refused (413) before anything is decoded."""
    memory_mb: float = 256.0
    """Bytes of all requests being received or waiting, in millions; beyond it requests are told to come again."""
    max_connections: int = 512
    """Open connections; the next one is told to come again."""
    receive_timeout_s: float = 30.0
    """A request must have come in whole after this, or its connection is closed (408)."""
    send_timeout_s: float = 30.0
    """A client that takes none of its answer for this long is cut off."""
    answer_timeout_s: float = 20.0
    """A request that is not answered after this is told to come again (503)."""
    keep_alive_s: float = 10.0
    """An idle connection is closed after this."""
    shutdown_s: float = 15.0
    """When told to stop, requests in flight have this long to finish."""
    watch_s: float = 2.0
    """How often a model's folder is looked at; a new model found there replaces the old one. 0: only on SIGHUP."""
    api_key_file: Path | None = None
    """A file whose first line is the key that clients must send; or set PHOTOSYNTH_API_KEY. None: open to all."""
    cors: tuple[str, ...] = ()
    """Origins of other pages that may ask, such as https://shop.example; * for any."""
    keep: Path | None = None
    """Folder for corrections: photos with the right answer that users send on purpose. None: nothing is kept."""
    keep_max_mb: float = 1000.0
    """Bytes of corrections kept, in millions; more are refused."""

    @property
    def max_upload_bytes(self) -> int:
        """`max_upload_mb` in bytes."""
        return round(self.max_upload_mb * MB)

    @property
    def max_pixels(self) -> int:
        """`max_megapixels` in pixels."""
        return round(self.max_megapixels * MB)


def check_config(config: ServeConfig) -> None:
    """Raise ConfigError for settings that cannot work."""
    positive = (
        "max_batch max_files max_upload_mb max_megapixels memory_mb max_connections receive_timeout_s send_timeout_s "
        "answer_timeout_s keep_alive_s threads"
    )
    for name in positive.split():
        if getattr(config, name) <= 0:
            raise ConfigError(f"--{name.replace('_', '-')} is {getattr(config, name)}; expected more than 0")
    for name in ("workers", "queue", "watch_s", "shutdown_s"):
        if getattr(config, name) < 0:
            raise ConfigError(f"--{name.replace('_', '-')} is {getattr(config, name)}; expected 0 or more")
    if config.max_upload_mb > config.memory_mb:
        raise ConfigError(
            f"--max-upload-mb is {config.max_upload_mb:g} and --memory-mb {config.memory_mb:g}; one upload must fit"
        )
    if config.certificate_key is not None and config.certificate is None:
        raise ConfigError("--certificate-key is given without --certificate")
    for path in (config.certificate, config.certificate_key):
        if path is not None and not path.is_file():
            raise ConfigError(f"{path} does not exist; expected a PEM file")


def worker_count(config: ServeConfig) -> int:
    """How many pictures are answered at the same time."""
    if config.workers:
        return config.workers
    if config.device == "cuda":
        return 2 * config.max_batch  # one batch computes while the next is decoded
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, cores // config.threads)


def read_api_key(config: ServeConfig) -> str | None:
    """The key that clients must send; None if the server is open.

    Raises:
        ConfigError: if the file is missing or its first line is empty.
    """
    if config.api_key_file is None:
        return os.environ.get(API_KEY_VARIABLE) or None
    try:
        key = config.api_key_file.read_text(encoding="utf-8").split("\n", 1)[0].strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{config.api_key_file} cannot be read: {error}") from error
    if not key:
        raise ConfigError(f"{config.api_key_file} begins with an empty line; expected the key in its first line")
    return key
