"""Reads a BOP dataset from what its format's description says, knowing nothing of the writer."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np


def by_number(path: Path) -> dict[int, object]:
    """A JSON object whose keys are whole numbers."""
    return {int(key): value for key, value in json.loads(path.read_text(encoding="ascii")).items()}


def load_scene(folder: Path) -> dict[int, dict[str, object]]:
    """Image id -> camera, objects and their facts, and the pictures as arrays."""
    cameras, gts, infos = (by_number(folder / f"scene_{name}.json") for name in ("camera", "gt", "gt_info"))
    assert list(cameras) == list(gts) == list(infos) == sorted(cameras)
    scene = {}
    for im_id, row in cameras.items():
        stem = f"{im_id:06d}"
        depth = cv2.imread(str(folder / "depth" / f"{stem}.png"), cv2.IMREAD_UNCHANGED)
        assert depth.dtype == np.uint16
        assert len(gts[im_id]) == len(infos[im_id])
        objects = []
        for gt_id, (gt, info) in enumerate(zip(gts[im_id], infos[im_id], strict=True)):
            masks = {}
            for kind in ("mask", "mask_visib"):
                mask = cv2.imread(str(folder / kind / f"{stem}_{gt_id:06d}.png"), cv2.IMREAD_UNCHANGED)
                assert mask.dtype == np.uint8
                assert set(np.unique(mask)) <= {0, 255}
                masks[kind] = mask > 0
            rotation, translation = np.reshape(gt["cam_R_m2c"], (3, 3)), np.reshape(gt["cam_t_m2c"], (3, 1))
            objects.append({"obj_id": gt["obj_id"], "R": rotation, "t": translation, **info, **masks})
        scene[im_id] = {
            "K": np.reshape(row["cam_K"], (3, 3)),
            "R_w2c": np.reshape(row["cam_R_w2c"], (3, 3)),
            "t_w2c": np.reshape(row["cam_t_w2c"], (3, 1)),
            "rgb": cv2.imread(str(folder / "rgb" / f"{stem}.jpg"), cv2.IMREAD_COLOR),
            "depth_mm": depth.astype(np.float64) * row["depth_scale"],
            "objects": objects,
        }
    for kind, suffix in (("rgb", "jpg"), ("depth", "png")):
        assert sorted(p.name for p in (folder / kind).iterdir()) == [f"{k:06d}.{suffix}" for k in sorted(scene)]
    for kind in ("mask", "mask_visib"):
        assert len(list((folder / kind).iterdir())) == sum(len(one["objects"]) for one in scene.values())
    return scene


def load_ply(path: Path) -> dict[str, object]:
    """Points, faces, normals, colours, texture coordinates and texture file of a binary PLY of triangles."""
    types = {"float": "<f4", "double": "<f8", "int": "<i4", "uchar": "u1"}  # all that the toolkit's reader knows
    head, _, body = path.read_bytes().partition(b"end_header\n")
    sections: dict[str, tuple[int, list[tuple[str, str]]]] = {}
    texture_file, current = None, ""
    for words in (line.split() for line in head.decode("ascii").splitlines()):
        if words[:2] == ["comment", "TextureFile"]:
            texture_file = words[2]
        elif words[0] == "format":
            assert words[1:] == ["binary_little_endian", "1.0"]
        elif words[0] == "element":
            current = words[1]
            sections[current] = (int(words[2]), [])
        elif words[:2] == ["property", "list"]:
            assert words[4] in ("vertex_indices", "vertex_index")
            sections[current][1].extend([("n", types[words[2]]), *((f"i{k}", types[words[3]]) for k in range(3))])
        elif words[0] == "property":
            sections[current][1].append((words[2], types[words[1]]))
    n_vertices, vertex = sections["vertex"]
    n_faces, face = sections["face"]
    vertices = np.frombuffer(body, np.dtype(vertex), n_vertices)
    faces = np.frombuffer(body, np.dtype(face), n_faces, offset=vertices.nbytes)
    assert len(body) == vertices.nbytes + faces.nbytes
    assert (faces["n"] == 3).all()
    columns = {
        "pts": ("x", "y", "z"),
        "normals": ("nx", "ny", "nz"),
        "colors": ("red", "green", "blue"),
        "texture_uv": ("texture_u", "texture_v"),
    }
    ply = {key: np.stack([vertices[name].astype(float) for name in names], axis=1) for key, names in columns.items()}
    corners = np.stack([faces[f"i{k}"].astype(int) for k in range(3)], axis=1)
    return ply | {"faces": corners, "texture_file": texture_file}


def calc_2d_bbox(mask: np.ndarray) -> list[int]:
    """x, y, last column - first column, last row - first row: the toolkit's boxes."""
    rows, columns = mask.nonzero()
    return [int(v) for v in (columns.min(), rows.min(), np.ptp(columns), np.ptp(rows))]


def project(points: np.ndarray, one: dict, camera: np.ndarray) -> np.ndarray:
    """(n, 2) picture coordinates of model points; the middle of the first pixel is (0, 0)."""
    seen = camera @ (one["R"] @ points.T + one["t"])
    return (seen[:2] / seen[2]).T


def model_points_under(one: dict, camera: np.ndarray, depth_mm: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """(n, 3) in the model's frame: what the depth picture shows under a mask."""
    rows, columns = mask.nonzero()
    z = depth_mm[rows, columns]
    rays = np.linalg.inv(camera) @ np.stack([columns, rows, np.ones_like(rows)])
    return (one["R"].T @ (rays * z - one["t"])).T


def model_depth_mm(one: dict, camera: np.ndarray, ply: dict, mask: np.ndarray) -> np.ndarray:
    """(n,) depth of the nearest face of a model in its pose, in millimetres, through the middles of a mask's pixels;
    inf beside it (every ray against every face: Möller and Trumbore, 1997)."""
    rows, columns = mask.nonzero()
    rays = (np.linalg.inv(camera) @ np.stack([columns, rows, np.ones_like(rows)])).T
    points = (one["R"] @ ply["pts"].T + one["t"]).T
    depth = np.full(len(rays), np.inf)
    for a, b, c in points[ply["faces"]]:
        across = np.cross(rays, c - a)
        det = across @ (b - a)
        with np.errstate(divide="ignore", invalid="ignore"):
            u, w = across @ -a / det, np.cross(-a, b - a)
            v, z = rays @ w / det, (c - a) @ w / det
        hit = (np.abs(det) > 1e-12) & (u >= -1e-9) & (v >= -1e-9) & (u + v <= 1 + 1e-9) & (z > 0)
        depth = np.where(hit & (z < depth), z, depth)
    return depth
