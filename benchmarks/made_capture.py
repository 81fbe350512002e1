"""Captures of a known object, photographed by the rasteriser: the truth for what no real set has.

    python benchmarks/made_capture.py flip MODEL OUT       # standing, then upside down, on a printed table
    python benchmarks/made_capture.py turntable MODEL OUT  # small, before plain black, the object turning
    python benchmarks/made_capture.py turntable MODEL OUT --stand         # on a still stand, before still cloth
    python benchmarks/made_capture.py turntable MODEL OUT --size 640 480 --roll 90  # small and on its side
    python benchmarks/made_capture.py flip MODEL OUT --size 4000 3000               # 60 photos of 12 megapixels

MODEL is any mesh with a texture that trimesh reads. OUT gets ``images/`` (with a folder for each side of a flip),
``cameras.json`` (the true cameras in the object's frame, the table under its standing side at z = 0) and ``mesh.ply``,
as benchmarks/photogrammetry.py wants them.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

SIZE_WH = (1000, 750)
FOCAL_REL = 1.15
"""Focal length over the longer side of a photo."""
RINGS = {"standing": ((16, 14), (38, 13), (60, 9)), "lying": ((16, 14), (45, 10))}
"""Elevation in degrees and number of photos of each ring."""
TURNTABLE = ((15, 24), (40, 12))
"""The same of the turntable."""
TURNTABLE_WH = (1400, 1050)
FILLED = 0.5
"""Share of the picture's height that the object on the turntable fills."""
CORNER_LIGHT = 0.65
"""How much of the light the lens lets into the corners of a turntable's photos."""


@dataclass(frozen=True)
class Lens:
    """size_wh of the photos in pixels, and their focal length."""

    size_wh: tuple[int, int]
    focal_px: float


@dataclass(frozen=True, eq=False)
class Behind:
    """What is round the object. radiance: of what is behind all, a number or (H, W, 1). things: solid, for a Scene.
    corner_light: what the lens leaves of the light in the corners."""

    radiance: float | np.ndarray
    things: tuple
    corner_light: float


def main() -> None:
    """Read the command line and photograph."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=("flip", "turntable"))
    parser.add_argument("model", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--size", type=int, nargs=2, help="of the photos in pixels, width and height")
    parser.add_argument("--roll", type=float, default=0.0, help="turn the turntable's camera about its axis, degrees")
    parser.add_argument("--stand", action="store_true", help="a still stand and cloth behind the turntable, faintly")
    options = parser.parse_args()
    mesh = standing(options.model)
    options.out.mkdir(parents=True, exist_ok=True)
    if options.kind == "flip":
        lens = _lens(options.size or SIZE_WH)
        views = flip(mesh, options.out, lens)
    else:
        lens = _lens(options.size or TURNTABLE_WH)
        views = turntable(mesh, options.out, lens, options.roll, options.stand)
    principal_px = [s / 2 for s in lens.size_wh]
    listed = {"size_wh": lens.size_wh, "focal_px": lens.focal_px, "principal_px": principal_px, "views": views}
    (options.out / "cameras.json").write_text(json.dumps(listed, indent=1))
    import trimesh

    trimesh.Trimesh(mesh.vertices_m, mesh.faces, process=False).export(options.out / "mesh.ply")


def standing(path: Path):
    """The mesh with a diagonal of 0.25 m, its middle over the origin, on the table."""
    import trimesh

    from photosynth.core.mesh import Mesh

    loaded = trimesh.load(path, process=False, force="mesh")
    material = loaded.visual.material
    image = getattr(material, "image", None) or material.baseColorTexture
    vertices = np.asarray(loaded.vertices, float)
    vertices *= 0.25 / np.linalg.norm(np.ptp(vertices, axis=0))
    low, high = vertices.min(axis=0), vertices.max(axis=0)
    vertices -= [(low[0] + high[0]) / 2, (low[1] + high[1]) / 2, low[2]]
    uv = np.asarray(loaded.visual.uv, float)
    return Mesh(
        vertices_m=vertices.astype(np.float32),
        normals=np.asarray(loaded.vertex_normals, np.float32),
        uv=uv.astype(np.float32),
        faces=np.asarray(loaded.faces, np.int32),
        texture=np.ascontiguousarray(np.asarray(image.convert("RGB"))),
    )


def _lens(size) -> Lens:
    return Lens(tuple(size), FOCAL_REL * max(size))


def flip(mesh, out: Path, lens: Lens) -> list[dict]:
    """Both sides; the second with the object turned over on the same table."""
    height = float(mesh.vertices_m[:, 2].max())
    over = np.diag([1.0, -1.0, -1.0, 1.0])
    over[2, 3] = height
    table = Behind(0.25, newspapers(), 1.0)
    turn = np.radians(35.0)
    spin = np.eye(4)
    spin[:2, :2] = [[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]
    views = []
    for side, world_from_object in (("standing", np.eye(4)), ("lying", spin @ over)):
        rng = np.random.default_rng(len(side))
        number = 0
        for elevation, count in RINGS[side]:
            for azimuth in np.arange(count) * 360 / count + rng.uniform(0, 360):
                pose = stand(azimuth + rng.normal(0, 2), elevation + rng.normal(0, 2), 0.62, height / 2, rng)
                file = f"{side}_{number:02d}.jpg"
                photograph(mesh, world_from_object, pose, table, out / "images" / side / file, rng, lens)
                views.append(view(f"images/{file}", np.linalg.inv(world_from_object) @ pose))
                number += 1
    return views


def turntable(mesh, out: Path, lens: Lens, roll_deg: float, stand_seen: bool) -> list[dict]:
    """A still camera at two heights before black; the object turns under a still light."""
    low, high = mesh.vertices_m.min(axis=0), mesh.vertices_m.max(axis=0)
    tall = max(high[2] - low[2], 0.7 * float(np.linalg.norm((high - low)[:2])))
    picture = lens.size_wh[0] if roll_deg % 180 == 90 else lens.size_wh[1]
    distance = lens.focal_px * tall / (FILLED * picture)
    rng = np.random.default_rng(7)
    behind = Behind(cloth(lens.size_wh) if stand_seen else 0.003, still_stand() if stand_seen else (), CORNER_LIGHT)
    turned = np.eye(4)
    c, s = np.cos(np.radians(roll_deg)), np.sin(np.radians(roll_deg))
    turned[:2, :2] = [[c, -s], [s, c]]
    views, number = [], 0
    for elevation, count in TURNTABLE:
        pose = stand(-90.0, elevation, distance, float(high[2]) / 2, rng) @ turned
        for turn in np.radians(np.arange(count) * 360 / count + elevation):
            spin = np.eye(4)
            spin[:2, :2] = [[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]
            file = f"turn_{number:02d}.jpg"
            photograph(mesh, spin, pose, behind, out / "images" / file, rng, lens)
            views.append(view(f"images/{file}", np.linalg.inv(spin) @ pose))
            number += 1
    return views


def stand(azimuth_deg: float, elevation_deg: float, distance: float, aim_z: float, rng) -> np.ndarray:
    """world_from_cam of a hand-held camera."""
    from photosynth.core.geometry import look_at

    a, e = np.radians([azimuth_deg, elevation_deg])
    aim = np.array([0.0, 0.0, aim_z]) + rng.normal(0, 0.006, 3)
    eye = aim + distance * (1 + rng.normal(0, 0.02)) * np.array(
        [np.cos(e) * np.cos(a), np.cos(e) * np.sin(a), np.sin(e)]
    )
    return look_at(eye, aim, rng.normal(0, 0.03))


def view(file: str, object_from_cam: np.ndarray) -> dict:
    """One line of ``cameras.json``."""
    from photosynth.core.geometry import invert_rigid

    inverse = invert_rigid(object_from_cam)
    return {
        "file": file,
        "rotation_cam_from_world": inverse[:3, :3].tolist(),
        "translation_cam_from_world_m": inverse[:3, 3].tolist(),
    }


def newspapers() -> tuple:
    """A table top of 25 printed sheets, each of its own."""
    from photosynth.core.geometry import as_matrix4
    from photosynth.core.scene import PrintFill, Slab

    inks = ((0.9, 0.88, 0.82), (0.1, 0.1, 0.12), (0.7, 0.2, 0.1), (0.1, 0.3, 0.6))
    sheets = []
    for k in range(25):
        at = np.eye(4)
        at[:3, 3] = (0.2 * (k % 5 - 2), 0.2 * (k // 5 - 2), -0.01)
        fill = PrintFill(seed=k, palette_srgb=inks, density=1.0)
        sheets.append(Slab(size_m=(0.2, 0.2, 0.02), world_from_slab=as_matrix4(at), fill=fill, fill_size_m=0.2))
    return tuple(sheets)


def still_stand() -> tuple:
    """A dark box under the turning object, faintly printed, that does not turn with it."""
    from photosynth.core.geometry import as_matrix4
    from photosynth.core.scene import PrintFill, Slab

    inks = ((0.13, 0.13, 0.14), (0.17, 0.17, 0.18), (0.1, 0.1, 0.1))
    at = np.eye(4)
    at[:3, 3] = (0, 0, -0.03)
    fill = PrintFill(seed=4, palette_srgb=inks, density=1.0)
    return (Slab(size_m=(0.22, 0.22, 0.06), world_from_slab=as_matrix4(at), fill=fill, fill_size_m=0.22),)


def cloth(size_wh: tuple[int, int]) -> np.ndarray:
    """(H, W, 1) radiance of a dark cloth with folds and stains."""
    import cv2

    rng = np.random.default_rng(3)
    noise = rng.normal(0, 1, size_wh[::-1]).astype(np.float32)
    layers = [cv2.GaussianBlur(noise, (0, 0), s) * s for s in (3.0, 12.0, 40.0)]
    return np.maximum(0.008 + 0.006 * sum(layers), 0.001)[..., None]


def photograph(
    mesh, world_from_object: np.ndarray, world_from_cam: np.ndarray, behind: Behind, path: Path, rng, lens: Lens
) -> None:
    """Render one photo with a little noise and a little of another exposure."""
    from PIL import Image

    from photosynth.core.camera import Camera
    from photosynth.core.geometry import as_matrix4
    from photosynth.core.meshes import FixedMeshes
    from photosynth.core.registry import render_engine
    from photosynth.core.scene import Background, Environment, Light, Placement, PlainFill, Scene

    width, height = lens.size_wh
    scene = Scene(
        index=0,
        camera=Camera(
            size_wh=lens.size_wh,
            focal_px=lens.focal_px,
            principal_px=(width / 2, height / 2),
            world_from_cam=as_matrix4(world_from_cam),
        ),
        placements=(
            Placement(
                asset_id="a",
                part="whole",
                class_name="a",
                roughness=0.7,
                world_from_object=as_matrix4(world_from_object),
            ),
        ),
        surroundings=behind.things,
        lights=(Light(position_m=(0.5, -0.6, 1.1), radius_m=0.25, power_w=25.0),),
        environment=Environment(strength=0.5),
        background=Background(fill=PlainFill(color_srgb=(0.0, 0.0, 0.0))),
    )
    layers = render_engine("raster", FixedMeshes({("a", "whole"): mesh})).render(scene)
    y, x = np.mgrid[:height, :width]
    off = ((x - width / 2) ** 2 + (y - height / 2) ** 2) / (width**2 + height**2) * 4
    lens_light = 1 - (1 - behind.corner_light) * off[..., None]
    light = (layers.radiance + behind.radiance * (1 - layers.coverage[..., None])) * np.exp(rng.normal(0, 0.04))
    light = light * lens_light
    light = np.clip(light + rng.normal(0, 1, light.shape) * np.sqrt(0.000004 + 0.0001 * light), 0, 1)
    srgb = np.where(light < 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.rint(255 * srgb).astype(np.uint8)).save(path, quality=94, subsampling=0)


if __name__ == "__main__":
    main()
