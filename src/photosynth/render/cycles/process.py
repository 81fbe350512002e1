"""WorkerProcess: one process that answers jobs, and how it is launched.

A job is a line of JSON on its standard input. Whatever it prints is kept as its log, but for lines that start with
PREFIX, which are answers. It is expected to exit when its standard input ends.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import queue
import shutil
import subprocess
import sys
import threading
import time
import weakref
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from photosynth.core.errors import ConfigError, DependencyError
from photosynth.render.cycles.options import CyclesOptions, check_cycles_options

PREFIX = "@photosynth "
"""Starts an answer's line; the same as in worker.py."""
WORKER_FILE = Path(__file__).with_name("worker.py")
LOG_LINES = 12
"""Lines of a worker's talk that are kept for its obituary."""
QUIT_S = 3.0
"""How long a worker may take to quit before it is killed."""
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


def check_cycles(options: CyclesOptions) -> None:
    """Raise ConfigError for unusable options, DependencyError if there is no Blender."""
    check_cycles_options(options)
    worker_command(options.blender, Path())


class WorkerLost(Exception):
    """A worker died or was killed for its silence; the message holds the last lines it said."""


def worker_command(blender: str | None, folder: Path) -> list[str]:
    """How to start the worker: the named Blender, else Python with bpy, else a `blender` on the path.

    Raises:
        ConfigError: if the named Blender is not an executable.
        DependencyError: if there is neither bpy nor Blender.
    """
    tail = ["--", str(folder)]
    if blender is not None:
        found = shutil.which(blender)
        if found is None:
            raise ConfigError(f"cycles.blender is {blender!r}, which is no executable; give the path of Blender")
    elif importlib.util.find_spec("bpy") is not None:
        return [sys.executable, "-P", str(WORKER_FILE), *tail]
    else:
        found = shutil.which("blender")
        if found is None:
            raise DependencyError(
                "the cycles engine needs Blender: pip install photosynth[cycles] (bpy has wheels for Python 3.11 and "
                "3.13), or install Blender and name its executable with --cycles.blender"
            )
    return [found, "--background", "--factory-startup", "--python", str(WORKER_FILE), *tail]


class WorkerProcess:
    """A running worker. It is killed when this object goes, and leaves by itself when this process dies.

    Args:
        command: how to start it.
        start_timeout_s: how long its first answer may take.

    Raises:
        WorkerLost: if it does not start.
    """

    def __init__(self, command: Sequence[str], start_timeout_s: float = 120.0) -> None:
        self.frames = 0
        self._log: deque[str] = deque(maxlen=LOG_LINES)
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
            env={**os.environ, **ONE_THREAD},
            start_new_session=True,  # an interrupt in the terminal is the parent's to handle
        )
        threading.Thread(target=_pump, args=(self._process.stdout, self._lines), daemon=True).start()
        self._finalizer = weakref.finalize(self, _end, self._process)
        self.version = str(self._receive(start_timeout_s).get("ready", ""))

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def ask(self, job: dict[str, Any], timeout_s: float) -> dict[str, Any]:
        """Hand in one job and wait for its answer. Raises WorkerLost if none comes in time."""
        self.frames += 1
        try:
            self._process.stdin.write(json.dumps(job) + "\n")
            self._process.stdin.flush()
        except OSError as error:
            raise self._lost(f"the worker process is gone ({error.strerror})") from error
        return self._receive(timeout_s)

    def close(self) -> None:
        """Ask it to quit; kill it if it does not."""
        with contextlib.suppress(OSError, ValueError):
            self._process.stdin.write('{"op": "quit"}\n')
            self._process.stdin.flush()
            self._process.wait(QUIT_S)
        self.kill()

    def kill(self) -> None:
        """End it at once."""
        self._finalizer()

    def _receive(self, timeout_s: float) -> dict[str, Any]:
        deadline = time.monotonic() + timeout_s
        while True:
            try:
                line = self._lines.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise self._lost(f"no answer within {timeout_s:g} s") from None
            if line is None:
                raise self._lost(f"the worker process ended with exit code {self._process.wait()}")
            if line.startswith(PREFIX):
                return json.loads(line[len(PREFIX) :])
            if line.strip():
                self._log.append(line.rstrip())

    def _lost(self, what: str) -> WorkerLost:
        self.kill()
        return WorkerLost("\n".join([what, *self._log]))


def _pump(stream: Any, lines: queue.Queue[str | None]) -> None:
    with contextlib.suppress(ValueError):  # closed under our hands
        for line in stream:
            lines.put(line)
    lines.put(None)


def _end(process: subprocess.Popen[str]) -> None:
    process.kill()
    with contextlib.suppress(OSError):
        process.stdin.close()
    process.wait()
