"""Photos to models, measured: registration, surface, texture, time; on captures with and without known truth.

    python benchmarks/photogrammetry.py CAPTURES                     # every set below CAPTURES
    python benchmarks/photogrammetry.py CAPTURES --sets virtual_halloumi --variants all twelve ring blurred focal
    python benchmarks/photogrammetry.py CAPTURES --keep RUNS         # keep models, resume, look at them

CAPTURES holds one folder of photos for each set (directly, or in ``images/``). A set with ``cameras.json`` and
``mesh.ply`` (true cameras, true surface; made_capture.py makes more such sets) is also compared with the truth: the
model is aligned by its camera centres alone, errors are in percent of the object's diagonal, completeness counts the
true surface that is visible (above the table), and the views of ``held_out/`` are predicted from mesh and texture.

Variants of a set: ``all`` its photos; ``twelve`` evenly chosen; ``ring``, the lowest ring only (needs the truth);
``blurred``, five photos badly blurred; ``focal``, EXIF with a focal length 2.7 times too long. For these a usable
model or a refusal that says why are both right; a model that is wrong without a word is not.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

SUFFIXES = (".jpg", ".jpeg", ".png", ".heic")


def main() -> None:
    """Read the command line, run each set in a process of its own, print the table."""
    if sys.argv[1:2] == ["--one"]:
        print("RESULT " + json.dumps(one(**json.loads(sys.argv[2]))))
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("captures", type=Path)
    parser.add_argument("--sets", nargs="+", help="names of sets, such as toys/kermit; all by default")
    parser.add_argument("--variants", nargs="+", default=["all"], choices=("all", *VARIANTS))
    parser.add_argument("--keep", type=Path, help="keep captures and models here")
    options = parser.parse_args()
    print("| set | variant | registered | verdict | error, % | complete, % | held-out dB | IoU | CPU-s | GB |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for name in options.sets or [str(p.relative_to(options.captures)) for p in find_sets(options.captures)]:
        for variant in options.variants:
            with tempfile.TemporaryDirectory() as scratch:
                out = (options.keep or Path(scratch)) / name.replace("/", "-") / variant
                job = {"folder": str(options.captures / name), "variant": variant, "out": str(out)}
                command = [sys.executable, __file__, "--one", json.dumps(job)]
                run = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
            found = [line for line in run.stdout.splitlines() if line.startswith("RESULT ")]
            row = json.loads(found[-1][7:]) if found else {"verdict": f"crashed, exit code {run.returncode}"}
            cells = [
                row.get(key, "") for key in ("registered", "verdict", "error", "complete", "psnr", "iou", "cpu", "gb")
            ]
            print(f"| {name} | {variant} | " + " | ".join(str(cell) for cell in cells) + " |", flush=True)


def find_sets(captures: Path) -> list[Path]:
    """Folders with photos, or with ``images/`` that has."""
    sets = []
    for folder in sorted([captures, *(p for p in captures.rglob("*") if p.is_dir())]):
        has = any(p.suffix.lower() in SUFFIXES for p in folder.iterdir() if p.is_file())
        if has and not {"images", "held_out"} & {folder.name, folder.parent.name}:
            sets.append(folder)
        elif (folder / "images").is_dir():
            sets.append(folder)
    return sets


def one(folder: str, variant: str, out: str) -> dict:
    """Reconstruct one variant of one set; what came of it."""
    from photosynth.capture import stage as capture
    from photosynth.core.errors import PhotosynthError
    from photosynth.reconstruct import stage as reconstruct

    source, target = Path(folder), Path(out)
    photos = source / "images" if (source / "images").is_dir() else source
    photos = VARIANTS[variant](photos, source, target / "photos") if variant != "all" else photos
    began = cpu_seconds()
    try:
        taken = capture.run(capture.CaptureConfig(), photos, target / "capture", progress=Loud())
        made = reconstruct.run(reconstruct.ReconstructConfig(), taken.folder, target / "model", progress=Loud())
    except PhotosynthError as error:
        first = str(error).replace("\n", " ").replace("|", "/")
        return {"verdict": f"refused: {first[:300]}", "cpu": round(cpu_seconds() - began)}
    summary = made.manifest.summary
    row = {
        "registered": f"{summary['registered']} of {summary['photos']}",
        "verdict": summary["verdict"],
        "psnr": summary["held_out_psnr_db"],
        "cpu": round(cpu_seconds() - began),
        "gb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2),
    }
    if (source / "cameras.json").is_file() and (source / "mesh.ply").is_file():
        row.update(against_truth(made.folder, taken.folder, source, variant))
    return row


class Loud:
    """Progress on stderr."""

    def start(self, stage: str, total: int, unit: str) -> None:
        print(f"{time.strftime('%H:%M:%S')} {stage}: {total} {unit}", file=sys.stderr, flush=True)

    def advance(self, n: int = 1) -> None:
        """Nothing."""

    def note(self, text: str) -> None:
        print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)

    def finish(self) -> None:
        """Nothing."""


def cpu_seconds() -> float:
    """User and system seconds of this process and its children."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in used)


def against_truth(model: Path, capture: Path, source: Path, variant: str) -> dict:
    """Errors of surface and texture against the true mesh and the held-out views."""
    import trimesh

    from photosynth.core.capture import read_capture
    from photosynth.core.mesh import read_glb
    from photosynth.reconstruct.sparse import read_sparse

    truth = true_cameras(source)
    names = {p.file: f"images/{Path(p.source).name}" for p in read_capture(capture).photos}
    sparse = read_sparse(model)
    pairs = [(c.position_m(), truth[names[f]].position_m()) for f, c in zip(sparse.files, sparse.cameras, strict=True)]
    matrix = similarity(np.array([a for a, _ in pairs]), np.array([b for _, b in pairs]))
    mesh = read_glb(model / "model.glb")
    vertices = mesh.vertices_m @ matrix[:3, :3].T + matrix[:3, 3]
    made = trimesh.Trimesh(vertices, mesh.faces, process=False)
    true = trimesh.load(source / "mesh.ply", process=False)
    diagonal = float(np.linalg.norm(np.ptp(true.vertices, axis=0)))
    flipped = any(p.is_dir() for p in (source / "images").iterdir())
    above = -np.inf if flipped else 0.01 * diagonal  # an object that was turned over was seen from below too
    error = distances(surface_points(made, above), true) / diagonal * 100
    missing = distances(surface_points(true, above), made) / diagonal * 100
    psnrs, overlaps = held_out(model, mesh, matrix, truth, source)
    row = {"error": f"{error.mean():.3f}", "complete": f"{(missing < 0.5).mean():.2%}"}
    if psnrs:
        row.update(psnr=f"{np.mean(psnrs):.2f}", iou=f"{np.mean(overlaps):.4f}")
    return row


def true_cameras(source: Path) -> dict:
    """Camera by file, from ``cameras.json``."""
    from photosynth.core.camera import Camera
    from photosynth.core.geometry import as_matrix4, invert_rigid

    listed = json.loads((source / "cameras.json").read_text())
    cameras = {}
    for view in listed["views"]:
        matrix = np.eye(4)
        matrix[:3, :3] = view["rotation_cam_from_world"]
        matrix[:3, 3] = next(value for key, value in view.items() if key.startswith("translation"))
        cameras[view["file"]] = Camera(
            size_wh=tuple(listed["size_wh"]),
            focal_px=listed["focal_px"],
            principal_px=tuple(listed["principal_px"]),
            world_from_cam=as_matrix4(invert_rigid(matrix)),
        )
    return cameras


def similarity(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """The (4, 4) similarity that takes (n, 3) points nearest to others (Umeyama, PAMI 1991)."""
    a, b = source - source.mean(axis=0), target - target.mean(axis=0)
    u, s, vt = np.linalg.svd(b.T @ a)
    flip = np.diag([1.0, 1.0, np.sign(np.linalg.det(u @ vt))])
    scale = float((s * np.diag(flip)).sum() / (a**2).sum())
    matrix = np.eye(4)
    matrix[:3, :3] = scale * u @ flip @ vt
    matrix[:3, 3] = target.mean(axis=0) - matrix[:3, :3] @ source.mean(axis=0)
    return matrix


def surface_points(mesh, above: float, count: int = 40_000) -> np.ndarray:
    """Points spread over a mesh by area, those above the table."""
    import trimesh

    points, _ = trimesh.sample.sample_surface(mesh, count, seed=0)
    return np.asarray(points)[np.asarray(points)[:, 2] > above]


def distances(points: np.ndarray, mesh, candidates: int = 24) -> np.ndarray:
    """Distance of each point to a mesh: exact to the nearest of the triangles whose middles are nearest."""
    import trimesh
    from scipy.spatial import cKDTree

    best = np.full(len(points), np.inf)
    nearest = cKDTree(mesh.triangles_center).query(points, k=candidates)[1]
    for k in range(candidates):
        closest = trimesh.triangles.closest_point(mesh.triangles[nearest[:, k]], points)
        best = np.minimum(best, np.linalg.norm(closest - points, axis=1))
    return best


def held_out(model: Path, mesh, matrix: np.ndarray, truth: dict, source: Path) -> tuple[list[float], list[float]]:
    """PSNR of each held-out view predicted from mesh and texture, and the silhouettes' overlap above the table."""
    import trimesh

    from photosynth.reconstruct.atlas import Unwrapped
    from photosynth.reconstruct.predict import predict, psnr
    from photosynth.reconstruct.surface import Surface
    from photosynth.reconstruct.texture import Texture
    from photosynth.reconstruct.views import load_view

    def surface(vertices: np.ndarray, faces: np.ndarray, uv: np.ndarray, image: np.ndarray, seen: np.ndarray):
        cut = Unwrapped(np.arange(len(vertices)), np.asarray(faces, np.int64), uv)
        return Surface(vertices, np.asarray(faces, np.int64), True), Texture(image, seen, cut, seen.any(), np.ones(3))

    import cv2

    seen = cv2.imread(str(model / "seen.png"), cv2.IMREAD_GRAYSCALE) > 127
    uv = np.stack([mesh.uv[:, 0], 1 - mesh.uv[:, 1]], axis=1).astype(float)
    ours = surface(mesh.vertices_m @ matrix[:3, :3].T + matrix[:3, 3], mesh.faces, uv, mesh.texture, seen)
    true = trimesh.load(source / "mesh.ply", process=False)
    blank = np.zeros((4, 4, 3), np.uint8)
    above, faces, _ = trimesh.intersections.slice_faces_plane(  # the table hides what is below it
        np.asarray(true.vertices, float), true.faces, plane_normal=[0, 0, 1], plane_origin=[0, 0, 0]
    )
    real = surface(above, faces, np.zeros((len(above), 2)), blank, blank[..., 0] == 0)
    psnrs, overlaps = [], []
    for file in sorted(f for f in truth if f.startswith("held_out")):
        view = load_view(source, file, truth[file])
        mine, outline = predict(view, *ours), predict(view, *real).coverage > 0.5
        psnrs.append(psnr(mine, view.image, inside=(mine.coverage > 0.99) & outline))
        both = (mine.coverage > 0.5) & outline
        overlaps.append(float(both.sum() / max(((mine.coverage > 0.5) | outline).sum(), 1)))
    return psnrs, overlaps


def _photos(folder: Path) -> list[Path]:
    return sorted(p for p in folder.iterdir() if p.suffix.lower() in SUFFIXES)


def _copy(paths: list[Path], target: Path) -> Path:
    target.mkdir(parents=True, exist_ok=True)
    for path in paths:
        (target / path.name).write_bytes(path.read_bytes())
    return target


def _twelve(photos: Path, source: Path, target: Path) -> Path:
    paths = _photos(photos)
    return _copy([paths[k] for k in np.linspace(0, len(paths) - 1, 12).round().astype(int)], target)


def _ring(photos: Path, source: Path, target: Path) -> Path:
    truth = true_cameras(source)
    height = {p: truth[f"images/{p.name}"].position_m()[2] for p in _photos(photos)}
    low = min(height.values())
    return _copy([p for p, z in height.items() if z < 1.3 * low], target)


def _blurred(photos: Path, source: Path, target: Path) -> Path:
    from PIL import Image, ImageFilter

    paths = _photos(photos)
    _copy(paths, target)
    for k in np.linspace(2, len(paths) - 3, 5).round().astype(int):
        with Image.open(paths[k]) as image:
            image.filter(ImageFilter.GaussianBlur(image.width / 150)).save(target / paths[k].name, quality=92)
    return target


def _focal(photos: Path, source: Path, target: Path) -> Path:
    from PIL import Image

    truth = true_cameras(source)
    target.mkdir(parents=True, exist_ok=True)
    for path in _photos(photos):
        camera = truth[f"images/{path.name}"]
        with Image.open(path) as image:
            exif = image.getexif()
            exif.get_ifd(0x8769)[0xA405] = round(2.7 * 36.0 * camera.focal_px / camera.size_wh[0])
            image.save(target / path.name, quality=95, exif=exif)
    return target


VARIANTS = {"twelve": _twelve, "ring": _ring, "blurred": _blurred, "focal": _focal}

if __name__ == "__main__":
    main()
