"""Captures of a known object, photographed by the rasteriser: the truth for what no real set has.

    python benchmarks/made_capture.py flip MODEL OUT       # standing, then upside down, on a printed table
    python benchmarks/made_capture.py turntable MODEL OUT  # small, before plain black, the object turning

MODEL is any mesh with a texture that trimesh reads. OUT gets ``images/`` (with a folder for each side of a flip),
``cameras.json`` (the true cameras in the object's frame, the table under its standing side at z = 0) and ``mesh.ply``,
as benchmarks/photogrammetry.py wants them.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

SIZE_WH = (1000, 750)
FOCAL_PX = 1150.0
RINGS = {"standing": ((16, 14), (38, 13), (60, 9)), "lying": ((16, 14), (45, 10))}
"""Elevation in degrees and number of photos of each ring."""
SMALL = ((12, 14), (40, 12))
"""The same of the turntable."""


def main() -> None:
    """Read the command line and photograph."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=("flip", "turntable"))
    parser.add_argument("model", type=Path)
    parser.add_argument("out", type=Path)
    options = parser.parse_args()
    mesh = standing(options.model)
    options.out.mkdir(parents=True, exist_ok=True)
    views = flip(mesh, options.out) if options.kind == "flip" else turntable(mesh, options.out)
    listed = {"size_wh": SIZE_WH, "focal_px": FOCAL_PX, "principal_px": [s / 2 for s in SIZE_WH], "views": views}
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


def flip(mesh, out: Path) -> list[dict]:
    """Both sides; the second with the object turned over on the same table."""
    height = float(mesh.vertices_m[:, 2].max())
    over = np.diag([1.0, -1.0, -1.0, 1.0])
    over[2, 3] = height
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
                photograph(mesh, world_from_object, pose, True, out / "images" / side / file, rng)
                views.append(view(f"images/{file}", np.linalg.inv(world_from_object) @ pose))
                number += 1
    return views


def turntable(mesh, out: Path) -> list[dict]:
    """A still camera at two heights before black; the object turns under a still light."""
    height = float(mesh.vertices_m[:, 2].max())
    rng = np.random.default_rng(7)
    views, number = [], 0
    for elevation, count in SMALL:
        pose = stand(-90.0, elevation, 0.7, height / 2, rng)
        for turn in np.radians(np.arange(count) * 360 / count):
            spin = np.eye(4)
            spin[:2, :2] = [[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]
            file = f"turn_{number:02d}.jpg"
            photograph(mesh, spin, pose, False, out / "images" / file, rng)
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


def photograph(mesh, world_from_object: np.ndarray, world_from_cam: np.ndarray, table: bool, path: Path, rng) -> None:
    """Render one photo with a little noise and a little of another exposure."""
    from PIL import Image

    from photosynth.core.camera import Camera
    from photosynth.core.geometry import as_matrix4
    from photosynth.core.meshes import FixedMeshes
    from photosynth.core.registry import render_engine
    from photosynth.core.scene import Background, Environment, Light, Placement, PlainFill, Scene

    scene = Scene(
        index=0,
        camera=Camera(
            size_wh=SIZE_WH,
            focal_px=FOCAL_PX,
            principal_px=(SIZE_WH[0] / 2, SIZE_WH[1] / 2),
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
        surroundings=newspapers() if table else (),
        lights=(Light(position_m=(0.5, -0.6, 1.1), radius_m=0.25, power_w=25.0),),
        environment=Environment(strength=0.5),
        background=Background(fill=PlainFill(color_srgb=(0.0, 0.0, 0.0))),
    )
    layers = render_engine("raster", FixedMeshes({("a", "whole"): mesh})).render(scene)
    back = 0.25 if table else 0.002
    light = (layers.radiance + back * (1 - layers.coverage[..., None])) * np.exp(rng.normal(0, 0.04))
    light = np.clip(light + rng.normal(0, 1, light.shape) * np.sqrt(0.000004 + 0.0001 * light), 0, 1)
    srgb = np.where(light < 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.rint(255 * srgb).astype(np.uint8)).save(path, quality=94, subsampling=0)


if __name__ == "__main__":
    main()
