"""Slabs as meshes: the boxes of the surroundings, in the form every engine takes."""

from __future__ import annotations

from collections import OrderedDict

import numpy as np

from photosynth.core.geometry import Vec3
from photosynth.core.mesh import Mesh
from photosynth.core.record import digest
from photosynth.core.scene import FILL_SIDE_PX, Slab
from photosynth.render.color import CURVE_SIZE, curve_table
from photosynth.render.fills import draw_fill
from photosynth.render.film import develop

MAX_ALBEDO = 0.95
"""Slabs return no more than this of any colour."""
CACHED_TEXTURES = 96
"""Textures kept in memory, 0.75 MiB each."""

_textures: OrderedDict[str, np.ndarray] = OrderedDict()


def _unit_box() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Corners (24, 3) in -1..1, normals (24, 3), axes along columns and rows of each corner's face (24, 2), and
    faces (12, 3). Face k looks along axis k // 2, towards its lower end when k is even."""
    corners, normals, axes, faces = [], [], [], []
    for axis in range(3):
        across, up = (0, 1) if axis == 2 else (1 - axis, 2)
        for sign in (-1.0, 1.0):
            start = len(corners)
            turn = 1 if np.cross(np.eye(3)[across], np.eye(3)[up])[axis] * sign > 0 else -1
            faces += [(start, start + 1, start + 2)[::turn], (start, start + 2, start + 3)[::turn]]
            for a, b in ((-1, -1), (1, -1), (1, 1), (-1, 1)):
                corner = np.zeros(3)
                corner[axis], corner[across], corner[up] = sign, a, b
                corners.append(corner)
                normals.append(sign * np.eye(3)[axis])
                axes.append((across, up))
    return np.array(corners), np.array(normals, np.float32), np.array(axes), np.array(faces, np.int32)


_CORNERS, _NORMALS, _FACE_AXES, _FACES = _unit_box()


def slab_mesh(slab: Slab) -> Mesh:
    """A slab as 24 vertices and 12 triangles in its own frame, six faces with flat normals.

    uv counts repeats of the fill, so it exceeds 0..1 on faces larger than `fill_size_m`; outside 0..1 the texture
    is mirrored on every other repeat. Column 0 of the first repeat touches the lower edge of its axis, row 0 (v = 1)
    the upper edge of the other: a face of the size of the fill shows it once. The texture array is shared between
    meshes of equal fill and gain; do not write to it.

    Raises:
        ConfigError: if the fill names a photo or a map that cannot be read.
    """
    vertices = _CORNERS * (np.array(slab.size_m) / 2)
    extent = np.array(slab.size_m)[_FACE_AXES] / slab.fill_size_m
    sides = np.take_along_axis(_CORNERS, _FACE_AXES, axis=1)
    uv = np.stack([(1 + sides[:, 0]) / 2 * extent[:, 0], 1 - (1 - sides[:, 1]) / 2 * extent[:, 1]], axis=1)
    return Mesh(
        vertices_m=vertices.astype(np.float32),
        normals=_NORMALS.copy(),
        uv=uv.astype(np.float32),
        faces=_FACES.copy(),
        texture=slab_texture(slab),
    )


def slab_texture(slab: Slab) -> np.ndarray:
    """(FILL_SIDE_PX, FILL_SIDE_PX, 3) uint8 sRGB: the fill times the gain, at most MAX_ALBEDO. The latest are kept."""
    key = texture_key(slab)
    if key in _textures:
        _textures.move_to_end(key)
        return _textures[key]
    texture = _bytes_of(draw_fill(slab.fill, (FILL_SIDE_PX, FILL_SIDE_PX)), slab.albedo_gain_linear)
    texture.setflags(write=False)
    _textures[key] = texture
    while len(_textures) > CACHED_TEXTURES:
        _textures.popitem(last=False)
    return texture


def _bytes_of(fill: np.ndarray, gain_linear: Vec3) -> np.ndarray:
    """(H, W, 3) uint8 sRGB of linear light times the gain, at most MAX_ALBEDO."""
    rows, texture = fill.reshape(len(fill), -1), np.empty(fill.shape, np.uint8)
    curve, steps = curve_table()[: int(MAX_ALBEDO * (CURVE_SIZE - 1)) + 1], np.float32(CURVE_SIZE - 1)
    gains, none, zero = np.array(gain_linear, np.float32), np.zeros(0, np.float32), np.float32(0)
    middle, seeds = np.zeros(2, np.float32), np.zeros(2, np.uint32)
    out = texture.reshape(rows.shape)
    develop(rows, gains, np.float32(1), none, middle, zero, zero, zero, seeds, curve, steps, out)
    return texture


def texture_key(slab: Slab) -> str:
    """Equal for slabs that show the same texture."""
    return digest((slab.fill, slab.albedo_gain_linear))
