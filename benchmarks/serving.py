"""How fast and at what cost a classifier is served: ours, and LitServe with the same model in the same run.

    python benchmarks/serving.py RUN_OR_MODEL
    python benchmarks/serving.py RUN_OR_MODEL --photos FOLDER --clients 1 8 64 --seconds 10
    python benchmarks/serving.py RUN_OR_MODEL --litserve-python VENV/bin/python     # beside LitServe

Loopback only. Each client sends one photo after the other over a connection of its own. CPU-ms is what the server's
processes used (not the client's), divided by the answers; memory is their peak. The last column sends files that are
no pictures and says which statuses came back. Compare ratios within one run, and CPU time rather than wall time.

LitServe lives in an environment of its own: ``litserve onnxruntime msgspec numpy pillow pi-heif`` (see
serving_litserve.py). Without --photos, pictures of 640 x 480 are made up.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import socket
import statistics
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
WARM_UP_S = 1.5
BOUNDARY = "photosynth-benchmark"


@dataclass
class Round:
    """What one number of clients saw."""

    seconds: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)


async def client(port: int, requests: list[bytes], first: int, end: float, seen: Round) -> None:
    """Ask over one connection until `end`; a refusal is waited out as its Retry-After says, at most 0.2 s."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    k = first
    while time.perf_counter() < end:
        began = time.perf_counter()
        writer.write(requests[k % len(requests)])
        k += 1
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.split("content-length:")[1].split("\r\n")[0])
        await reader.readexactly(length)
        status = int(head.split()[1])
        seen.statuses[status] += 1
        if status == 200:
            seen.seconds.append(time.perf_counter() - began)
        elif status == 503:
            await asyncio.sleep(0.2)
        if "connection: close" in head:
            writer.close()
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.close()


async def load(port: int, requests: list[bytes], clients: int, seconds: float) -> Round:
    """So many clients for so long."""
    seen = Round()
    end = time.perf_counter() + seconds
    await asyncio.gather(*(client(port, requests, 7 * k, end, seen) for k in range(clients)))
    return seen


def form_request(data: bytes) -> bytes:
    """One POST /api with a file."""
    body = (
        f'--{BOUNDARY}\r\ncontent-disposition: form-data; name="my_image"; filename="photo.jpg"\r\n'
        f"content-type: image/jpeg\r\n\r\n"
    ).encode()
    body += data + f"\r\n--{BOUNDARY}--\r\n".encode()
    head = (
        f"POST /api HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: {len(body)}\r\n"
        f"content-type: multipart/form-data; boundary={BOUNDARY}\r\n\r\n"
    )
    return head.encode() + body


def pictures(folder: Path | None) -> list[bytes]:
    """Photos of a folder (its sub-folders too), or made-up ones."""
    if folder is not None:
        found = sorted(p for p in folder.rglob("*") if p.suffix.lower() in (".jpg", ".jpeg", ".png"))
        if not found:
            raise SystemExit(f"{folder} holds no photos")
        return [path.read_bytes() for path in found[:64]]
    import numpy as np
    from PIL import Image

    made = []
    for seed in range(16):
        rng = np.random.default_rng(seed)
        small = Image.fromarray(rng.integers(0, 256, (30, 40, 3), dtype=np.uint8))
        buffer = io.BytesIO()
        small.resize((640, 480), Image.Resampling.BICUBIC).save(buffer, "JPEG", quality=90)
        made.append(buffer.getvalue())
    return made


class Server:
    """A server in processes of its own, waited for until it answers; the context's end stops it."""

    def __init__(self, name: str, command: list[str], port: int) -> None:
        import psutil

        self.name, self.port = name, port
        self._started = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self._process = psutil.Process(self._started.pid)

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        family = self._family()
        self._started.terminate()
        try:
            self._started.wait(20)
        except subprocess.TimeoutExpired:
            self._started.kill()
        for process in family[1:]:
            if process.is_running():
                process.kill()

    def wait(self, request: bytes, seconds: float = 60.0) -> None:
        """Until one request is answered with 200."""
        end = time.perf_counter() + seconds
        while True:
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=20) as connection:
                    connection.sendall(request)
                    if b" 200 " in connection.recv(65536).split(b"\r\n")[0]:
                        return
            except OSError:
                pass
            if time.perf_counter() > end or self._started.poll() is not None:
                raise SystemExit(f"{self.name} does not answer")
            time.sleep(0.2)

    def cpu_seconds(self) -> float:
        """Used so far by its processes."""
        return sum(sum(process.cpu_times()[:2]) for process in self._family())

    def memory_mb(self) -> float:
        """Held now by its processes."""
        return sum(process.memory_info().rss for process in self._family()) / 1e6

    def _family(self) -> list:
        return [self._process, *self._process.children(recursive=True)]


def free_port() -> int:
    """A port nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        return found.getsockname()[1]


def commands(args: argparse.Namespace) -> dict[str, tuple[list[str], int]]:
    """Name to command and port."""
    ours, theirs = free_port(), free_port()
    found = {
        "photosynth": ([sys.executable, "-m", "photosynth", "serve", str(args.model), "--port", str(ours)], ours),
    }
    if args.litserve_python:
        from photosynth.models.exported import find_model

        script = str(HERE / "serving_litserve.py")
        found["litserve"] = ([args.litserve_python, script, str(find_model(args.model)), str(theirs)], theirs)
    return found


def measure(name: str, command: list[str], port: int, args: argparse.Namespace) -> list[tuple[str, ...]]:
    """One server's rows."""
    requests = [form_request(data) for data in pictures(args.photos)]
    rows = []
    with Server(name, command, port) as server:
        server.wait(requests[0])
        asyncio.run(load(port, requests, 4, WARM_UP_S))
        for clients in args.clients:
            cpu, wall = server.cpu_seconds(), time.perf_counter()
            seen = asyncio.run(load(port, requests, clients, args.seconds))
            wall, cpu = time.perf_counter() - wall, server.cpu_seconds() - cpu
            rows.append((name, str(clients), *figures(seen, wall, cpu), f"{server.memory_mb():.0f}"))
        bad = asyncio.run(load(port, [form_request(b"no picture")], 4, 1.0))
        rows.append((name, "4 rude", *figures(bad, 1.0, 0.0)[:1], "", "", "", statuses(bad), ""))
    return rows


def figures(seen: Round, wall: float, cpu: float) -> tuple[str, ...]:
    """Requests/s, p50, p99, CPU-ms a request, statuses."""
    answered = max(1, sum(seen.statuses.values()))
    times = sorted(seen.seconds) or [float("nan")]
    p99 = times[min(len(times) - 1, round(0.99 * (len(times) - 1)))]
    return (
        f"{answered / wall:.1f}",
        f"{1000 * statistics.median(times):.1f}",
        f"{1000 * p99:.1f}",
        f"{1000 * cpu / answered:.1f}",
        statuses(seen),
    )


def statuses(seen: Round) -> str:
    """Such as "200: 512, 503: 3"."""
    return ", ".join(f"{status}: {count}" for status, count in sorted(seen.statuses.items()))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--photos", type=Path)
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 8, 64])
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--litserve-python")
    args = parser.parse_args()
    rows = [("server", "clients", "requests/s", "p50 ms", "p99 ms", "CPU-ms", "answers", "MB")]
    for name, (command, port) in commands(args).items():
        rows += measure(name, command, port, args)
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


if __name__ == "__main__":
    main()
