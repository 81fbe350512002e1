"""Writing a mesh as a GLB: one mesh, one material, one embedded picture, glTF's +y up."""

from __future__ import annotations

import io
import json
import struct
from typing import Any

import numpy as np

from photosynth.core.mesh import Mesh, y_up_from_z_up

ARRAY_BUFFER, ELEMENT_ARRAY_BUFFER = 34962, 34963
FLOAT, UNSIGNED_INT, UNSIGNED_SHORT = 5126, 5125, 5123
SMALL_PX = 256
"""Textures up to this size are stored without loss."""
JPEG_QUALITY = 95


def glb_bytes(mesh: Mesh) -> bytes:
    """A mesh as binary glTF 2.0; the same mesh gives the same bytes.

    Written here and not through trimesh, which stores JPEG textures at quality 75.
    """
    picture, media_type = encode_picture(mesh.texture)
    uv = np.stack([mesh.uv[:, 0], 1.0 - mesh.uv[:, 1]], axis=1)
    small = len(mesh.vertices_m) < 65535
    indices = mesh.faces.astype(np.uint16 if small else np.uint32).ravel()
    blobs = [
        (y_up_from_z_up(mesh.vertices_m).astype("<f4").tobytes(), ARRAY_BUFFER),
        (y_up_from_z_up(mesh.normals).astype("<f4").tobytes(), ARRAY_BUFFER),
        (np.ascontiguousarray(uv, dtype="<f4").tobytes(), ARRAY_BUFFER),
        (indices.tobytes(), ELEMENT_ARRAY_BUFFER),
        (picture, None),
    ]
    binary, views = _views(blobs)
    positions = y_up_from_z_up(mesh.vertices_m).astype(np.float32)
    n = len(positions)
    tree = {
        "asset": {"version": "2.0", "generator": "photosynth"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0}],
        "meshes": [
            {"primitives": [{"attributes": {"POSITION": 0, "NORMAL": 1, "TEXCOORD_0": 2}, "indices": 3, "material": 0}]}
        ],
        "materials": [
            {"pbrMetallicRoughness": {"baseColorTexture": {"index": 0}, "metallicFactor": 0.0, "roughnessFactor": 0.8}}
        ],
        "textures": [{"source": 0, "sampler": 0}],
        "samplers": [{"magFilter": 9729, "minFilter": 9987, "wrapS": 33071, "wrapT": 33071}],
        "images": [{"bufferView": 4, "mimeType": media_type}],
        "accessors": [
            _accessor(0, FLOAT, n, "VEC3")
            | {"min": positions.min(axis=0).tolist(), "max": positions.max(axis=0).tolist()},
            _accessor(1, FLOAT, n, "VEC3"),
            _accessor(2, FLOAT, n, "VEC2"),
            _accessor(3, UNSIGNED_SHORT if small else UNSIGNED_INT, len(indices), "SCALAR"),
        ],
        "bufferViews": views,
        "buffers": [{"byteLength": len(binary)}],
    }
    text = json.dumps(tree, separators=(",", ":"), sort_keys=True).encode()
    text += b" " * (-len(text) % 4)
    total = 12 + 8 + len(text) + 8 + len(binary)
    head = struct.pack("<4sII", b"glTF", 2, total)
    return head + struct.pack("<I4s", len(text), b"JSON") + text + struct.pack("<I4s", len(binary), b"BIN\0") + binary


def encode_picture(texture: np.ndarray) -> tuple[bytes, str]:
    """A texture as bytes and media type: PNG when small, else JPEG of quality 95 with full chroma."""
    from PIL import Image

    data = io.BytesIO()
    if max(texture.shape[:2]) <= SMALL_PX:
        Image.fromarray(texture).save(data, "PNG")
        return data.getvalue(), "image/png"
    Image.fromarray(texture).save(data, "JPEG", quality=JPEG_QUALITY, subsampling=0)
    return data.getvalue(), "image/jpeg"


def _views(blobs: list[tuple[bytes, int | None]]) -> tuple[bytes, list[dict[str, Any]]]:
    binary, views = b"", []
    for blob, target in blobs:
        view = {"buffer": 0, "byteOffset": len(binary), "byteLength": len(blob)}
        views.append(view if target is None else view | {"target": target})
        binary += blob + b"\0" * (-len(blob) % 4)
    return binary, views


def _accessor(view: int, component: int, count: int, kind: str) -> dict[str, Any]:
    return {"bufferView": view, "componentType": component, "count": count, "type": kind}
