"""Pictures of boxes whose every pixel is known, and the catalogues and renders that they seem to come from."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import simplejpeg
import trimesh
from ray_cast import box_depth

from photosynth.core.artifact import ArtifactWriter, open_artifact
from photosynth.core.asset import NONE_CLASS, Asset, AssetPart, class_names, read_assets
from photosynth.core.camera import Camera
from photosynth.core.codec import layers_npz, rle_from_mask, write_jsonl
from photosynth.core.frame import OCCLUDER_ID, FrameInstance, FrameRecord
from photosynth.core.geometry import as_matrix4, look_at
from photosynth.core.glb import glb_bytes
from photosynth.core.mesh import Mesh
from photosynth.core.record import Record, to_json

SIZES_M = {
    "brick": (0.2, 0.1, 0.06),
    "tall": (0.06, 0.08, 0.24),
    "toy": (0.1, 0.1, 0.1),
    "can/top": (0.08, 0.1, 0.2),
    "can/bottom": (0.1, 0.09, 0.16),
}
"""By asset, or by asset and part: the can's halves disagree, as those of scans do."""
ROLES = {"brick": "object", "tall": "object", "toy": "distractor", "can": "object"}
ALL_BUT_CAN = ("brick", "tall", "toy")
WHOLE_DEG = {"whole": (-90.0, 90.0)}
HALVES_DEG = {"top": (0.0, 90.0), "bottom": (-90.0, 0.0)}
MARGIN_PX = 400


class Settings(Record, frozen=True, kw_only=True):
    """Of the drawn artifacts."""

    keep_layers: bool = True


def box_mesh(size_m, colour=(200, 60, 30)) -> Mesh:
    box = trimesh.creation.box(size_m)
    box.unmerge_vertices()
    texture = np.full((8, 16, 3), colour, np.uint8)
    texture[:, 8:] //= 2
    return Mesh(
        vertices_m=box.vertices.astype(np.float32),
        normals=box.vertex_normals.astype(np.float32),
        uv=np.random.default_rng(0).random((len(box.vertices), 2)).astype(np.float32),
        faces=box.faces.astype(np.int32),
        texture=texture,
    )


def pose(x, y, z, turn=(0.0, 0.0, 0.0), scale=1.0) -> np.ndarray:
    rotation, _ = cv2.Rodrigues(np.array(turn, float))
    world_from_object = np.eye(4)
    world_from_object[:3, :3], world_from_object[:3, 3] = rotation * scale, (x, y, z)
    return world_from_object


def draw(index: int, things, size_wh=(120, 90), focal_px=240.0, principal_px=(61.3, 44.2), hidden=None):
    """A picture of boxes seen from the side, its record and its layers; `hidden` (H, W) bool is under an occluder."""
    camera = Camera(
        size_wh=size_wh,
        focal_px=focal_px,
        principal_px=principal_px,
        world_from_cam=as_matrix4(look_at(np.array([-1.0, 0.2, 0.3]), np.array([0.0, 0.0, 0.05]), roll_rad=0.2)),
    )
    boxes = [box_depth(camera, at, SIZES_M[name], MARGIN_PX) for name, at in things]
    inner = (slice(MARGIN_PX, MARGIN_PX + size_wh[1]), slice(MARGIN_PX, MARGIN_PX + size_wh[0]))
    depth = np.stack([np.full(size_wh[::-1], np.inf), *(one[inner] for one in boxes)])
    ids = depth.argmin(axis=0)
    depth = depth.min(axis=0)
    if hidden is not None:
        ids[hidden], depth[hidden] = OCCLUDER_ID, 0.0
    instances = []
    for k, ((shown, at), one) in enumerate(zip(things, boxes, strict=True)):
        full_px, visible = max(1.0, float(np.isfinite(one).sum())), ids == k + 1
        name = shown.partition("/")[0]
        instances.append(
            FrameInstance(
                asset_id=name,
                class_name=name if ROLES[name] == "object" else NONE_CLASS,
                role=ROLES[name],
                visible=rle_from_mask(visible),
                amodal=rle_from_mask(np.isfinite(one[inner])),
                full_area_px=full_px,
                visible_fraction=float(visible.sum()) / full_px,
                cam_from_object=as_matrix4(camera.cam_from_world() @ at),
            )
        )
    stem = f"{index // 1000:03d}/{index:06d}"
    frame = FrameRecord(
        index=index,
        image_file=f"images/{stem}.jpg",
        size_wh=size_wh,
        kind="object",
        instances=tuple(instances),
        camera=camera,
        layers_file=f"layers/{stem}.npz",
    )
    picture = np.stack([ids % 256 * 60, ids * 0 + 90, np.full_like(ids, 120)], axis=-1).astype(np.uint8)
    return frame, picture, layers_npz(depth, ids.astype(np.uint16), np.zeros((*ids.shape, 3))), boxes


def write_catalogue(folder: Path, note: str = "", names=ALL_BUT_CAN, can_deg=HALVES_DEG) -> Path:
    with ArtifactWriter(folder, "catalogue", 1, Settings(), None, {"note": note}) as writer:
        assets = []
        for name in names:
            parts = can_deg if name == "can" else WHOLE_DEG
            files = {part: f"{name}-{part}.glb" for part in parts}
            sizes = {part: SIZES_M[name if part == "whole" else f"{name}/{part}"] for part in parts}
            for part, file in files.items():
                writer.write(file, glb_bytes(box_mesh(sizes[part])))
            x, y, z = (float(v) for v in np.mean(list(sizes.values()), axis=0))
            assets.append(
                Asset(
                    asset_id=name,
                    class_name=name if ROLES[name] == "object" else NONE_CLASS,
                    parts=tuple(AssetPart(name=p, model_file=files[p], elevation_deg=parts[p]) for p in parts),
                    size_m=(x, y, z),
                    scale_known=True,
                    role=ROLES[name],
                )
            )
        writer.write("assets.json", to_json(assets))
        writer.finish()
    return folder


def write_render(folder: Path, catalogue: Path, scenes, settings=None, change=lambda frame: frame) -> Path:
    inputs = {"catalogue": open_artifact(catalogue).key}
    classes = class_names(read_assets(catalogue))
    with ArtifactWriter(folder, "render", 1, settings or Settings(), None, inputs) as writer:
        writer.write("classes.json", to_json(classes))
        for number, first in enumerate(range(0, len(scenes), 3)):
            frames = []
            for index in list(scenes)[first : first + 3]:
                frame, picture, layers, _ = draw(index, **scenes[index])
                writer.write(frame.image_file, simplejpeg.encode_jpeg(picture, quality=90))
                writer.write(frame.layers_file, layers)
                frames.append(change(frame))
            write_jsonl(writer.folder / f"frames-{number:06d}.jsonl", frames)
        writer.finish()
    return folder
