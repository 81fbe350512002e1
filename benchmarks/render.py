"""How fast the rasteriser renders: pictures a second, CPU time a picture, and where it goes.

    python benchmarks/render.py
    python benchmarks/render.py --processes 2 --sizes 300
    python benchmarks/render.py --objects runs/catalogue

Each picture shows one object under three shadowed lights and an environment map, from a new direction, and is
encoded as JPEG (quality 90, 4:2:0). Without --objects, a built-in sphere of 5,000 faces with a 2048 px texture.
"""

from __future__ import annotations

import argparse
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np

from photosynth.core.camera import Camera
from photosynth.core.geometry import as_matrix4, look_at
from photosynth.core.mesh import Mesh
from photosynth.core.meshes import CatalogueMeshes, FixedMeshes
from photosynth.core.scene import Background, Environment, Light, Placement, PlainFill, Scene

WARM_UP = 8
"""Pictures rendered before the clock starts."""


def bumpy_sphere(rings: int = 36, texture_px: int = 2048) -> Mesh:
    """A dented sphere of about 5,000 faces and 0.25 m, with a noisy texture."""
    i, j = (a.ravel() for a in np.meshgrid(np.arange(rings + 1), np.arange(2 * rings + 1), indexing="ij"))
    elevation, azimuth = np.pi * (i / rings - 0.5), np.pi * j / rings
    unit = np.stack([np.cos(elevation) * np.cos(azimuth), np.cos(elevation) * np.sin(azimuth), np.sin(elevation)], 1)
    radius = 0.125 * (0.85 + 0.15 * np.cos(4 * azimuth) * np.cos(elevation) ** 2)
    row = 2 * rings + 1
    k = (np.arange(rings)[:, None] * row + np.arange(2 * rings)).ravel()
    faces = np.concatenate([np.stack([k, k + 1, k + row + 1], 1), np.stack([k, k + row + 1, k + row], 1)])
    rng = np.random.default_rng(0)
    coarse = rng.integers(40, 220, (texture_px // 16, texture_px // 16, 3), dtype=np.uint8)
    texture = coarse.repeat(16, axis=0).repeat(16, axis=1) + rng.integers(0, 30, (texture_px, texture_px, 1), np.uint8)
    return Mesh(
        vertices_m=(unit * radius[:, None]).astype(np.float32),
        normals=unit.astype(np.float32),
        uv=np.stack([j / rings / 2, i / rings], axis=1).astype(np.float32),
        faces=faces.astype(np.int32),
        texture=texture,
    )


def scene_of(index: int, size: int, parts: list[tuple[str, str, float]]) -> Scene:
    """Object `index` modulo their number, filling about a third of the picture."""
    rng = np.random.default_rng(index)
    asset_id, part, diagonal_m = parts[index % len(parts)]
    azimuth, elevation = rng.uniform(0, 2 * np.pi), rng.uniform(-0.3, 1.2)
    level = np.cos(elevation)
    direction = np.array([level * np.cos(azimuth), level * np.sin(azimuth), np.sin(elevation)])
    lights = []
    for _ in range(3):
        towards = np.array([*rng.uniform(-1, 1, 2), rng.uniform(0.2, 1)])
        position = towards / np.linalg.norm(towards) * 4 * diagonal_m
        power = 60 * diagonal_m**2 * rng.uniform(0.4, 1.6)
        lights.append(Light(position_m=tuple(position.tolist()), radius_m=0.15 * diagonal_m, power_w=power))
    return Scene(
        index=index,
        camera=Camera(
            size_wh=(size, size),
            focal_px=1.39 * size,
            principal_px=(size / 2, size / 2),
            world_from_cam=as_matrix4(look_at(direction * 2 * diagonal_m, np.zeros(3))),
        ),
        placements=(Placement(asset_id=asset_id, part=part, class_name="object"),),
        lights=tuple(lights),
        environment=Environment(map_file="package:lobby.exr", rotation_rad=float(rng.uniform(0, 6)), strength=0.4),
        background=Background(fill=PlainFill(color_srgb=(0.4, 0.4, 0.4))),
    )


def measure(size: int, images: int, objects: Path | None, first: int) -> dict[str, float]:
    """Render `images` pictures in this process: wall and CPU seconds, covered pixels, and CPU seconds by phase."""
    import simplejpeg

    from photosynth.render.raster.engine import RasterEngine

    if objects is None:
        engine = RasterEngine(FixedMeshes({("sphere", "whole"): bumpy_sphere()}))
        parts = [("sphere", "whole", 0.25)]
    else:
        catalogue = CatalogueMeshes(objects)
        engine = RasterEngine(catalogue)
        parts = [(a.asset_id, a.parts[0].name, a.diagonal_m()) for a in catalogue.assets.values()]
    for i in range(max(WARM_UP, len(parts))):
        engine.render(scene_of(i, size, parts))
    scenes = [scene_of(first + i, size, parts) for i in range(images)]
    engine.seconds = dict.fromkeys(engine.seconds, 0.0)
    seconds = {"tone": 0.0, "jpeg": 0.0}
    covered = 0
    wall, cpu = time.perf_counter(), time.process_time()
    for scene in scenes:
        layers = engine.render(scene)
        a = time.thread_time()
        covered += int(np.count_nonzero(layers.coverage))
        picture = to_srgb(layers.radiance + (1 - layers.coverage[..., None]) * np.float32(0.15))
        b = time.thread_time()
        simplejpeg.encode_jpeg(picture, quality=90, colorspace="RGB", colorsubsampling="420")
        seconds["tone"] += b - a
        seconds["jpeg"] += time.thread_time() - b
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return {"wall": wall, "cpu": cpu, "covered": covered, **engine.seconds, **seconds}


def to_srgb(linear: np.ndarray) -> np.ndarray:
    """8-bit sRGB through a table, for the JPEG only; the product's own finish is the compositor's work."""
    light = np.arange(4096) / 4095
    curve = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return (curve * 255 + 0.5).astype(np.uint8)[(np.clip(linear, 0, 1) * 4095 + 0.5).astype(np.int16)]


def report(size: int, images: int, processes: int, objects: Path | None) -> None:
    """Print one line of totals and one of phases."""
    if processes == 1:
        parts = [measure(size, images, objects, 0)]
    else:
        with ProcessPoolExecutor(processes) as pool:
            jobs = [pool.submit(measure, size, images, objects, k * images) for k in range(processes)]
            parts = [job.result() for job in jobs]
    total = images * processes
    rate = sum(images / p["wall"] for p in parts)
    cpu_ms = 1e3 * sum(p["cpu"] for p in parts) / total
    covered = sum(p["covered"] for p in parts) // total
    phases = [k for k in parts[0] if k not in ("wall", "cpu", "covered")]
    each_ms = {k: 1e3 * sum(p[k] for p in parts) / total for k in phases}
    engine_ms = sum(each_ms.values()) - each_ms["tone"] - each_ms["jpeg"]
    print(f"{size} px, {processes} process(es): {rate:.0f} images/s, {cpu_ms:.2f} CPU-ms an image, of which the engine")
    print(f"    {engine_ms:.2f}; {covered} of {size * size} pixels covered; CPU-ms by phase:")
    print("    " + ", ".join(f"{k} {value:.2f}" for k, value in each_ms.items()))


def main() -> None:
    """Read the command line and report each size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--objects", type=Path, help="a catalogue folder; its assets take turns")
    parser.add_argument("--sizes", type=int, nargs="+", default=[300, 640], help="picture sides in pixels")
    parser.add_argument("--images", type=int, default=100, help="pictures in each process")
    parser.add_argument("--processes", type=int, default=1)
    options = parser.parse_args()
    for size in options.sizes:
        report(size, options.images, options.processes, options.objects)


if __name__ == "__main__":
    main()
