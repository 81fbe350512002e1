"""How fast labelled pictures are rendered: ours, Cycles and BlenderProc on the same object in the same run.

    python benchmarks/render.py                                  # our rasteriser, all cases
    python benchmarks/render.py --engines raster cycles-16 cycles-128 --cases one-300
    python benchmarks/render.py --blenderproc-python VENV/bin/python --engines raster blenderproc
    python benchmarks/render.py --processes 1 2 4                # scaling
    python benchmarks/render.py --threads 2                      # the same with threads of one process
    python benchmarks/render.py --growth 20000                   # does a picture cost more, the longer it runs?
    python benchmarks/render.py --objects runs/catalogue         # your own objects

Each picture shows new lights and a new direction; composed, finished, and written as JPEG (quality 90, 4:2:0). Every
line is measured in processes of its own, after some pictures to warm up: CPU time and peak memory include worker
subprocesses. Compare ratios within one run, and CPU time rather than wall time.

- ``cuda``: our rasteriser on an NVIDIA GPU (extra cuda); "skipped" and why where there is none to use.
- ``cycles-16``: 16 samples, 4 bounces, denoised. ``cycles-128``: 128 samples, 1 bounce, as the 2018 pipeline did.
- ``blenderproc``: BlenderProc 2.8 in an environment of its own (GPL: never imported here) that has `blenderproc` and
  `bpy`; 16 samples and its denoiser, one object, its own PNG-free colour output encoded by us.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
ENGINES = ("raster", "cuda", "cycles-16", "cycles-128", "blenderproc")
OURS = ("raster", "cuda")
PICTURES = {"raster": 100, "cuda": 100, "cycles-16": 8, "cycles-128": 4, "blenderproc": 8}
WARM_UP = {"raster": 12, "cuda": 12, "cycles-16": 1, "cycles-128": 1, "blenderproc": 1}


def worker(job: dict) -> dict:
    """Render `images` pictures of a case in this process; runs in a process of its own. Returns what it cost."""
    import psutil
    import simplejpeg
    from render_cases import CASES, meshes_of, scene_of

    from photosynth.render.compose import compose

    case = CASES[job["case"]]
    meshes, parts = meshes_of(Path(job["objects"]) if job["objects"] else None)
    engines = [_engine(job["engine"], meshes) for _ in range(job["threads"])]
    memory = Memory(psutil.Process())
    folder = Path(tempfile.mkdtemp())

    def one(index: int, thread: int) -> None:
        frame = compose(scene := scene_of(index, case, meshes, parts), engines[thread].render(scene))
        data = simplejpeg.encode_jpeg(frame.color, quality=90, colorspace="RGB", colorsubsampling="420")
        (folder / f"{thread}.jpg").write_bytes(data)

    def share(thread: int) -> None:
        for i in range(thread, job["images"], len(engines)):
            one(job["first"] + i, thread)
            if job["mark"] and (i + 1) % job["mark"] == 0:
                marks.append(memory.cpu_seconds())

    for thread in range(len(engines)):
        for i in range(max(WARM_UP[job["engine"]], len(parts) if job["engine"] in OURS else 1)):
            one(i, thread)
    before = _phases(engines)
    marks, wall, cpu = [], time.perf_counter(), memory.cpu_seconds()
    with ThreadPoolExecutor(len(engines)) as pool:
        list(pool.map(share, range(len(engines))))
    memory.look()
    return {
        "wall": time.perf_counter() - wall,
        "cpu": memory.cpu_seconds() - cpu,
        "memory": memory.peak,
        "marks": [b - a for a, b in zip([cpu, *marks], marks, strict=False)],
        "phases": {name: value - before[name] for name, value in _phases(engines).items()},
    }


def _phases(engines: list) -> dict[str, float]:
    """CPU seconds by phase, of all engines together, if they say."""
    each = [getattr(engine, "seconds", {}) for engine in engines]
    return {name: sum(one[name] for one in each) for name in each[0]}


class Memory:
    """CPU time and peak resident memory of a process and its children."""

    def __init__(self, process) -> None:
        self.process, self.peak = process, 0

    def _all(self) -> list:
        return [self.process, *self.process.children(recursive=True)]

    def cpu_seconds(self) -> float:
        """User and system seconds so far."""
        return sum(p.cpu_times().user + p.cpu_times().system for p in self._all())

    def look(self) -> None:
        """Take the peak of each process (the kernel's own high-water mark where it has one)."""
        total = 0
        for p in self._all():
            status = Path(f"/proc/{p.pid}/status")
            marks = [line for line in status.read_text().splitlines() if "VmHWM" in line] if status.exists() else []
            total += int(marks[0].split()[1]) * 1024 if marks else p.memory_info().rss
        self.peak = max(self.peak, total)


def _engine(name: str, meshes):
    if name == "raster":
        from photosynth.render.raster.engine import RasterEngine

        return RasterEngine(meshes)
    if name == "cuda":
        from photosynth.render.cuda.engine import CudaEngine

        return CudaEngine(meshes)
    from photosynth.render.cycles.engine import CyclesEngine, CyclesOptions

    if name == "cycles-16":
        return CyclesEngine(meshes, CyclesOptions(samples=16, bounces=4, denoise=True, threads=1))
    return CyclesEngine(meshes, CyclesOptions(samples=128, bounces=1, denoise=False, threads=1))


def measure(engine: str, case: str, images: int, processes: int, options, mark: int = 0, threads: int = 1) -> dict:
    """Run `processes` workers of `threads` each side by side; their figures put together."""
    jobs = []
    for k in range(processes):
        job = {"engine": engine, "case": case, "images": images, "first": 100 + k * images, "mark": mark}
        job["threads"] = threads
        job["objects"] = str(options.objects) if options.objects else None
        command = [sys.executable, __file__, "--worker", json.dumps(job)]
        if engine == "blenderproc":
            job["folder"] = export_object(options.objects)
            command = [str(options.blenderproc_python), str(HERE / "blenderproc_worker.py"), json.dumps(job)]
        jobs.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
    parts = []
    for job in jobs:
        printed, _ = job.communicate()
        if job.returncode != 0:
            raise SystemExit(f"{engine} failed with exit code {job.returncode}; its messages are above")
        parts.append(json.loads(printed.strip().splitlines()[-1].removeprefix("RESULT ")))
    total = images * processes
    phases = {name: 1e3 * sum(p["phases"][name] for p in parts) / total for name in parts[0]["phases"]}
    return {
        "rate": sum(images / p["wall"] for p in parts),
        "cpu_ms": 1e3 * sum(p["cpu"] for p in parts) / total,
        "memory_mb": sum(p["memory"] for p in parts) / 2**20,
        "marks": parts[0]["marks"],
        "phases": phases,
    }


def export_object(objects: Path | None) -> str:
    """The first object as OBJ with a PNG texture in a folder of its own, for other programs."""
    from PIL import Image
    from render_cases import meshes_of

    meshes, parts = meshes_of(objects)
    mesh = meshes.mesh(*parts[0][:2])
    folder = Path(tempfile.mkdtemp())
    Image.fromarray(mesh.texture).save(folder / "texture.png")
    (folder / "object.mtl").write_text("newmtl surface\nKd 1 1 1\nmap_Kd texture.png\n")
    lines = ["mtllib object.mtl", "usemtl surface"]
    lines += [f"v {x:.7g} {y:.7g} {z:.7g}" for x, y, z in mesh.vertices_m.tolist()]
    lines += [f"vt {u:.7g} {v:.7g}" for u, v in mesh.uv.tolist()]
    lines += [f"f {a}/{a} {b}/{b} {c}/{c}" for a, b, c in (mesh.faces + 1).tolist()]
    (folder / "object.obj").write_text("\n".join(lines) + "\n")
    return str(folder)


def table(options) -> None:
    """Print the Markdown table of all engines and cases."""
    print("| case | engine | processes | threads | images/s | CPU-ms an image | CPU time against ours | memory, MB |")
    print("|---|---|---|---|---|---|---|---|")
    details = []
    for case in options.cases:
        ours: dict[int, float] = {}
        for engine in options.engines:
            if engine == "blenderproc" and (options.blenderproc_python is None or not case.startswith("one")):
                continue
            if why_not := _why_not(engine):
                print(f"| {case} | {engine} | | | skipped: {why_not} | | | |", flush=True)
                continue
            sizes = [(processes, 1) for processes in options.processes]
            sizes += [(1, threads) for threads in options.threads] if engine in OURS else []
            for processes, threads in sizes:
                images = options.images or PICTURES[engine]
                runs = [measure(engine, case, images, processes, options, 0, threads) for _ in range(options.repeat)]
                best = min(runs, key=_cpu)
                if engine == "raster" and threads == 1:
                    ours[processes] = best["cpu_ms"]
                if engine in OURS:
                    spent = ", ".join(f"{name} {ms:.2f}" for name, ms in best["phases"].items())
                    size = f"{processes} process(es), {threads} thread(s)"
                    details.append(f"{case}, {engine}, {size}, engine's CPU-ms by phase: {spent}")
                ratio = f"{best['cpu_ms'] / ours[processes]:.0f}x" if processes in ours else ""
                print(
                    f"| {case} | {engine} | {processes} | {threads} | {best['rate']:.3g} | {best['cpu_ms']:.2f} "
                    f"| {ratio} | {best['memory_mb']:.0f} |",
                    flush=True,
                )
    print("\n" + "\n".join(details))


def _why_not(engine: str) -> str | None:
    """Why an engine cannot be measured here, if so."""
    if engine != "cuda":
        return None
    from photosynth.render.cuda.device import probe_cuda

    return None if (choice := probe_cuda()).cuda else choice.reason


def _cpu(result: dict) -> float:
    return result["cpu_ms"]


def growth(options) -> None:
    """CPU time of a picture from the first thousand to the last."""
    step = max(1, options.growth // 20)
    for engine in options.engines:
        if why_not := _why_not(engine):
            print(f"{engine}: skipped: {why_not}")
            continue
        marks = measure(engine, options.cases[0], options.growth, 1, options, step)["marks"]
        each = ", ".join(f"{1e3 * seconds / step:.2f}" for seconds in marks)
        print(f"{engine}, {options.cases[0]}: CPU-ms a picture for every {step} of {options.growth}: {each}")
        print(f"    last against first: {marks[-1] / marks[0]:.3f}")


def main() -> None:
    """Read the command line; measure."""
    if sys.argv[1:2] == ["--worker"]:
        print("RESULT " + json.dumps(worker(json.loads(sys.argv[2]))))
        return
    from render_cases import CASES

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--objects", type=Path, help="a catalogue folder; its objects take turns")
    parser.add_argument("--engines", nargs="+", choices=ENGINES, default=["raster"])
    parser.add_argument("--cases", nargs="+", choices=tuple(CASES), default=["one-300", "one-640", "six-300"])
    parser.add_argument("--images", type=int, help="pictures in each process; by default as suits the engine")
    parser.add_argument("--processes", type=int, nargs="+", default=[1])
    parser.add_argument("--threads", type=int, nargs="+", default=[], help="also one process with so many threads")
    parser.add_argument("--repeat", type=int, default=1, help="measure so often and take the least CPU time")
    parser.add_argument("--growth", type=int, help="render so many pictures and show the cost along the way")
    parser.add_argument("--blenderproc-python", type=Path, help="python of an environment with blenderproc and bpy")
    options = parser.parse_args()
    if options.growth:
        growth(options)
    else:
        table(options)


if __name__ == "__main__":
    main()
