"""The scenes that benchmarks/render.py measures: one object, or six on a table, under three shadowed lights."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from photosynth.core.camera import Camera
from photosynth.core.engine import MeshSource
from photosynth.core.geometry import as_matrix4, look_at
from photosynth.core.mesh import Mesh
from photosynth.core.meshes import CatalogueMeshes, FixedMeshes
from photosynth.core.scene import Background, Environment, Light, Placement, PlainFill, PrintFill, Scene, Slab


@dataclass(frozen=True)
class Case:
    """One line of the table."""

    title: str
    size_px: int
    objects: int


CASES = {
    "one-300": Case("1 object, 300 px", 300, 1),
    "one-640": Case("1 object, 640 px", 640, 1),
    "six-300": Case("6 objects + ground, 300 px", 300, 6),
    "six-640": Case("6 objects + ground, 640 px", 640, 6),
}


def meshes_of(objects: Path | None) -> tuple[MeshSource, list[tuple[str, str, float]]]:
    """What is rendered: the assets of a catalogue, or the built-in sphere. Also (asset, part, diagonal) of each."""
    if objects is None:
        return FixedMeshes({("sphere", "whole"): bumpy_sphere()}), [("sphere", "whole", 0.42)]
    catalogue = CatalogueMeshes(objects)
    assets = [a for a in catalogue.assets.values() if a.role == "object"]
    return catalogue, [(a.asset_id, a.parts[0].name, a.diagonal_m()) for a in assets]


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


def scene_of(index: int, case: Case, meshes: MeshSource, parts: list[tuple[str, str, float]]) -> Scene:
    """Picture `index` of a case: objects take turns; camera and lights are new each time."""
    rng = np.random.default_rng(index)
    diagonal = float(np.mean([parts[(index + k) % len(parts)][2] for k in range(case.objects)]))
    azimuth = rng.uniform(0, 2 * np.pi)
    elevation = rng.uniform(-0.3, 1.2) if case.objects == 1 else rng.uniform(0.3, 1.2)
    direction = np.array([np.cos(elevation) * np.cos(azimuth), np.cos(elevation) * np.sin(azimuth), np.sin(elevation)])
    lights = []
    for _ in range(3):
        towards = np.array([*rng.uniform(-1, 1, 2), rng.uniform(0.2, 1)])
        position = towards / np.linalg.norm(towards) * 4 * diagonal
        power = 60 * diagonal**2 * rng.uniform(0.4, 1.6)
        lights.append(Light(position_m=tuple(position.tolist()), radius_m=0.15 * diagonal, power_w=power))
    return Scene(
        index=index,
        camera=Camera(
            size_wh=(case.size_px, case.size_px),
            focal_px=1.39 * case.size_px,
            principal_px=(case.size_px / 2, case.size_px / 2),
            world_from_cam=as_matrix4(look_at(direction * (1.3 if case.objects == 1 else 3.2) * diagonal, np.zeros(3))),
        ),
        placements=_placements(index, case, meshes, parts, diagonal, rng),
        surroundings=(_ground(index, diagonal),) if case.objects > 1 else (),
        lights=tuple(lights),
        environment=Environment(map_file="package:apartment.exr", rotation_rad=float(rng.uniform(0, 6)), strength=0.4),
        background=Background(fill=PlainFill(color_srgb=(0.4, 0.4, 0.4))),
    )


def _placements(index, case, meshes, parts, diagonal, rng) -> tuple[Placement, ...]:
    placements = []
    for k in range(case.objects):
        asset_id, part, own = parts[(index + k) % len(parts)]
        matrix = np.eye(4)
        turn = rng.uniform(0, 2 * np.pi)
        matrix[:2, :2] = [[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]
        if case.objects > 1:
            matrix[:3, :3] *= diagonal / own
            lowest = float(meshes.mesh(asset_id, part).vertices_m[:, 2].min()) * diagonal / own
            matrix[:3, 3] = (k % 3 - 1) * 0.75 * diagonal, (k // 3 - 0.5) * 0.75 * diagonal, -lowest
        placements.append(
            Placement(asset_id=asset_id, part=part, class_name="object", world_from_object=as_matrix4(matrix))
        )
    return tuple(placements)


def _ground(index: int, diagonal: float) -> Slab:
    matrix = np.eye(4)
    matrix[2, 3] = -0.05 * diagonal  # its upper side is at z = 0
    palette = ((0.75, 0.7, 0.62), (0.35, 0.3, 0.28), (0.6, 0.2, 0.2))
    return Slab(
        size_m=(8 * diagonal, 8 * diagonal, 0.1 * diagonal),
        world_from_slab=as_matrix4(matrix),
        fill=PrintFill(seed=index % 8, palette_srgb=palette),
        fill_size_m=diagonal,
    )
