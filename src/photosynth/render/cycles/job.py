"""Jobs: a scene written down for the worker, with its meshes, textures and environment map as files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from photosynth.core.engine import MeshSource
from photosynth.core.mesh import Mesh
from photosynth.core.scene import Environment, Placement, Scene, Slab
from photosynth.render.cycles.options import CyclesOptions
from photosynth.render.environment import load_environment
from photosynth.render.slabs import slab_mesh
from photosynth.render.sunlight import with_suns

MAX_NAME = 50
"""Blender cuts names at 63 bytes."""


class JobFolder:
    """Writes jobs for scenes; each asset part and each environment map is written once.

    Args:
        folder: where the files go.
        meshes: hands out the meshes that scenes name.
        options: settings of the engine.
    """

    def __init__(self, folder: Path, meshes: MeshSource, options: CyclesOptions) -> None:
        self.folder, self.meshes, self.options = Path(folder), meshes, options
        self.light_file, self.centre_file = self.folder / "light.exr", self.folder / "centre.exr"
        self._assets: dict[tuple[str, str], dict[str, str]] = {}
        self._maps: dict[str, str] = {}

    def job(self, scene: Scene, op: str, **more: Any) -> dict[str, Any]:
        """The job of one scene, plain values. Placement k is object number k + 1, slabs follow.

        Args:
            scene: what to render.
            op: ``"render"`` or ``"save"``.
            more: further entries.

        Raises:
            ConfigError: for an unknown asset, or a map or photo that cannot be read.
        """
        count = len(scene.placements)
        objects = [self._placement(k + 1, one) for k, one in enumerate(scene.placements)]
        objects += [self._slab(count + k + 1, k + 1, one) for k, one in enumerate(scene.surroundings)]
        camera, options = scene.camera, self.options
        return {
            "op": op,
            "index": scene.index,
            "size_wh": list(camera.size_wh),
            "focal_px": camera.focal_px,
            "principal_px": list(camera.principal_px),
            "world_from_cam": camera.world_from_cam,
            "samples": options.samples,
            "bounces": options.bounces,
            "denoise": options.denoise,
            "threads": options.threads,
            "device": options.device,
            "objects": objects,
            "lights": [
                {
                    "position_m": light.position_m,
                    "radius_m": light.radius_m,
                    "power_w": light.power_w,
                    "color_linear": light.color_linear,
                }
                for light in with_suns(scene).lights
            ],
            "environment": self._environment(scene.environment),
            "light_file": str(self.light_file),
            "centre_file": str(self.centre_file),
            **more,
        }

    def _placement(self, number: int, one: Placement) -> dict[str, Any]:
        key = (one.asset_id, one.part)
        if key not in self._assets:
            stem = f"{one.asset_id[:MAX_NAME]}-{one.part}-{len(self._assets) + 1}"
            self._assets[key] = self._write_mesh(stem, self.meshes.mesh(*key))
        name = f"{number} {one.asset_id}"
        return {
            **self._assets[key],
            "keep": True,
            "mirrored": False,
            **_thing(number, name, one.world_from_object, one),
        }

    def _slab(self, number: int, nth: int, one: Slab) -> dict[str, Any]:
        files = self._write_mesh(f"slab-{nth}", slab_mesh(one))  # overwritten by the next scene
        thing = _thing(number, f"{number} slab", one.world_from_slab, one)
        return {**files, "keep": False, "mirrored": True, **thing, "albedo_gain_linear": (1.0, 1.0, 1.0)}

    def _write_mesh(self, stem: str, mesh: Mesh) -> dict[str, str]:
        import cv2

        vertices = np.asarray(mesh.vertices_m, np.float32)
        faces = np.asarray(mesh.faces, np.int32)
        a, b, c = faces.T
        sound = (a != b) & (b != c) & (a != c) & np.isfinite(vertices).all(axis=1)[faces].all(axis=1)
        mesh_file, texture_file = self.folder / f"{stem}.npz", self.folder / f"{stem}.png"
        np.savez(
            mesh_file,
            vertices=np.nan_to_num(vertices),
            normals=np.nan_to_num(np.asarray(mesh.normals, np.float32)),
            uv=np.asarray(mesh.uv, np.float32),
            faces=np.ascontiguousarray(faces[sound]),
        )
        texture = np.ascontiguousarray(mesh.texture[..., ::-1])
        cv2.imwrite(str(texture_file), texture, [cv2.IMWRITE_PNG_COMPRESSION, 1])
        return {"mesh_file": str(mesh_file), "texture_file": str(texture_file)}

    def _environment(self, environment: Environment) -> dict[str, Any]:
        name = environment.map_file
        if name is not None and name not in self._maps:
            path = self.folder / f"environment-{len(self._maps) + 1}.exr"
            _write_exr(path, load_environment(name).radiance)
            self._maps[name] = str(path)
        file = None if name is None else self._maps[name]
        return {"file": file, "rotation_rad": environment.rotation_rad, "strength": environment.strength}


def _thing(number: int, name: str, world_from_object: Any, one: Placement | Slab) -> dict[str, Any]:
    return {
        "number": number,
        "name": name[:MAX_NAME],
        "world_from_object": world_from_object,
        "roughness": one.roughness,
        "specular_f0": one.specular_f0,
        "albedo_gain_linear": one.albedo_gain_linear,
    }


def _write_exr(path: Path, radiance: np.ndarray) -> None:
    import OpenEXR

    header = {"compression": OpenEXR.NO_COMPRESSION, "type": OpenEXR.scanlineimage}
    with OpenEXR.File(header, {"RGB": np.ascontiguousarray(radiance, np.float32)}) as file:
        file.write(str(path))
