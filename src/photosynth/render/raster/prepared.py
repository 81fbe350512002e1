"""What is computed once for each mesh: a clean copy, its mip chain, its shadow proxy, its bounding sphere."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from photosynth.core.mesh import Mesh
from photosynth.core.rows import unique_rows
from photosynth.core.scene import FILL_SIDE_PX, Slab
from photosynth.render.raster.charts import charts_of
from photosynth.render.raster.detail import coarser
from photosynth.render.raster.probes import CASTER_FACES, Probes, few_probes, spread_probes
from photosynth.render.raster.proxies import with_faces
from photosynth.render.raster.tessellate import tessellate
from photosynth.render.raster.texture import linear_from_texels, mip_chain
from photosynth.render.slabs import CACHED_TEXTURES, slab_mesh, texture_key

PROXY_FACES = 2500
"""Meshes with more faces than this cast their shadows through a decimated copy."""
SMALL_PROXY_FACES = 600
"""As many have their copies for maps in which they are small."""
MAX_EDGE = 0.12
"""Edges longer than this many radii are cut, see tessellate."""
MAX_CUT_FACES = 12000
"""Meshes are cut into no more faces than this."""
SMALL_PX = 128
"""Meshes less than this across in the picture are drawn with fewer faces."""
MAX_ERROR = 0.002
"""What these may be off, in radii: an eighth of a pixel at SMALL_PX."""
WORTH_FACES = 500
"""Meshes with fewer faces than this are always drawn whole."""


@dataclass(frozen=True, eq=False)
class PreparedMesh:
    """A mesh as the kernels want it, in the object's frame.

    vertices (V, 3) float32; normals (V, 3) float32, unit; st (V, 2) float32 texture coordinates from the top left
    corner, t down; faces (F, 3) int32 without degenerate or non-finite triangles; charts (F,) int32 from charts_of;
    texels, levels as in mip_chain;
    proxy_vertices (P, 3) float32 welded; proxy_faces (Q, 3) int32; small_vertices, small_faces: a coarser proxy;
    caster_vertices, caster_faces: the coarsest, which hides the sky from others; albedo (3,): mean linear colour;
    probes: see Probes, or None; centre (3,) float64 and radius of a bounding sphere; nbytes: what all of it weighs;
    mirrored: every other repeat of the texture is turned over; coarse: the same mesh with fewer faces, for where it is
    small in the picture, or None.
    """

    vertices: np.ndarray
    normals: np.ndarray
    st: np.ndarray
    faces: np.ndarray
    charts: np.ndarray
    texels: np.ndarray
    levels: np.ndarray
    proxy_vertices: np.ndarray
    proxy_faces: np.ndarray
    small_vertices: np.ndarray
    small_faces: np.ndarray
    caster_vertices: np.ndarray
    caster_faces: np.ndarray
    albedo: np.ndarray
    probes: Probes | None
    centre: np.ndarray
    radius: float
    nbytes: int
    mirrored: bool = False
    coarse: PreparedMesh | None = None

    @cached_property
    def several_charts(self) -> bool:
        """Whether its faces have more than one chart."""
        return bool(self.charts.any())

    def at_size(self, across_px: float) -> PreparedMesh:
        """The mesh to draw where its bounding sphere is so many pixels across."""
        return self.coarse if self.coarse is not None and across_px < SMALL_PX else self


_slabs: OrderedDict[tuple, PreparedMesh] = OrderedDict()
_slab_mips: OrderedDict[str, tuple[np.ndarray, np.ndarray]] = OrderedDict()


def prepare_slab(slab: Slab) -> PreparedMesh:
    """A slab's box. It has no proxy: boxes block light in closed form. The latest are kept, and their mip chains by
    texture."""
    key = (slab.fill, slab.albedo_gain_linear, slab.size_m, slab.fill_size_m)
    if key not in _slabs:
        _slabs[key] = _prepared_slab(slab)
        while len(_slabs) > CACHED_TEXTURES:
            _slabs.popitem(last=False)
    _slabs.move_to_end(key)
    return _slabs[key]


def _prepared_slab(slab: Slab) -> PreparedMesh:
    mesh, key = slab_mesh(slab), texture_key(slab)
    if key not in _slab_mips:
        _slab_mips[key] = mip_chain(mesh.texture, FILL_SIDE_PX)
        while len(_slab_mips) > CACHED_TEXTURES:
            _slab_mips.popitem(last=False)
    _slab_mips.move_to_end(key)
    st = np.stack([mesh.uv[:, 0], 1 - mesh.uv[:, 1]], axis=1)
    none = np.zeros((0, 3), np.float32), np.zeros((0, 3), np.int32)
    radius = float(np.linalg.norm(slab.size_m)) / 2
    albedo = _mean_albedo(*_slab_mips[key], np.zeros((0, 2)))
    return PreparedMesh(
        mesh.vertices_m, mesh.normals, st, mesh.faces, np.zeros(len(mesh.faces), np.int32), *_slab_mips[key], *none,
        *none, *none, albedo, None, np.zeros(3), radius, 0, True,
    )  # fmt: skip


def prepare(mesh: Mesh, max_texture_px: int, ambient: bool = True) -> PreparedMesh:
    """Clean a mesh and compute what rendering needs again and again.

    Triangles with non-finite corners, corners out of range or no area are dropped; absent normals are replaced by
    area-weighted ones, absent texture coordinates by 0. Without `ambient` it gets no probes, and its faces are not cut.
    """
    vertices = np.array(mesh.vertices_m, dtype=np.float32).reshape(-1, 3)
    finite = np.isfinite(vertices).all(axis=1)
    vertices[~finite] = 0
    faces = _sound_faces(vertices, finite, np.asarray(mesh.faces, dtype=np.int64).reshape(-1, 3))
    normals = _sound_normals(vertices, faces, np.asarray(mesh.normals, dtype=np.float32))
    st = np.zeros((len(vertices), 2), np.float32)
    uv = np.asarray(mesh.uv, dtype=np.float64).reshape(-1, 2)
    if len(uv) == len(vertices):
        st = _sound_st(uv, faces)
    texels, levels = mip_chain(mesh.texture, max_texture_px)
    used = vertices[np.unique(faces)] if len(faces) else np.zeros((1, 3), np.float32)
    centre = (used.min(axis=0).astype(np.float64) + used.max(axis=0)) / 2
    radius = float(np.linalg.norm(used - centre, axis=1).max())
    proxy, whole = _proxy(vertices, faces), (vertices, normals, st, faces)
    probes = None
    if ambient:
        vertices, normals, st, faces = tessellate(*whole, MAX_EDGE * radius, MAX_CUT_FACES)
        probes = spread_probes(vertices, normals, faces, proxy, centre, max(radius, 1e-9))
    albedo = _mean_albedo(texels, levels, st[np.unique(faces)])
    copies = *proxy, *with_faces(*proxy, SMALL_PROXY_FACES), *with_faces(*proxy, CASTER_FACES)
    arrays = (vertices, normals, st, faces, charts_of(vertices, st, faces), texels, levels, *copies, albedo)
    fine = PreparedMesh(*arrays, probes, centre, radius, sum(a.nbytes for a in arrays))
    if len(whole[3]) <= WORTH_FACES:
        return fine
    coarse = _coarse(fine, *whole)
    own = sum(a.nbytes for a in (coarse.vertices, coarse.normals, coarse.st, coarse.faces, coarse.charts))
    fine = replace(fine, nbytes=fine.nbytes + own)
    return replace(fine, coarse=replace(coarse, nbytes=fine.nbytes))


def _coarse(fine: PreparedMesh, *whole: np.ndarray) -> PreparedMesh:
    """A copy of a mesh with fewer faces, from its vertices, normals, texture coordinates and faces before any cuts."""
    radius, probes = max(fine.radius, 1e-9), fine.probes
    vertices, normals, st, faces = coarser(*whole, MAX_ERROR * radius)
    if probes is not None:
        vertices, normals, st, faces = tessellate(vertices, normals, st, faces, 2 * MAX_EDGE * radius, MAX_CUT_FACES)
        probes = few_probes(probes, vertices, normals, radius)
    charts = charts_of(vertices, st, faces)
    return replace(fine, vertices=vertices, normals=normals, st=st, faces=faces, charts=charts, probes=probes)


def _mean_albedo(texels: np.ndarray, levels: np.ndarray, st: np.ndarray) -> np.ndarray:
    """(3,) float64 linear: a coarse level of the texture at texture coordinates, or all of it if there are none."""
    offset, width, height = levels[max(0, len(levels) - 7)]
    if len(st):
        at = (st[:, 1] * height).astype(int) % height * width + (st[:, 0] * width).astype(int) % width
    else:
        at = np.arange(width * height)
    return linear_from_texels(texels[offset + at]).mean(axis=0)


def _sound_faces(vertices: np.ndarray, finite: np.ndarray, faces: np.ndarray) -> np.ndarray:
    faces = faces[((faces >= 0) & (faces < len(vertices))).all(axis=1)]
    faces = faces[finite[faces].all(axis=1)]
    a, b, c = (vertices[faces[:, k]].astype(np.float64) for k in range(3))
    area = np.linalg.norm(np.cross(b - a, c - a), axis=1)
    return np.ascontiguousarray(faces[area > 0], dtype=np.int32)


def _sound_normals(vertices: np.ndarray, faces: np.ndarray, normals: np.ndarray) -> np.ndarray:
    if normals.shape != vertices.shape:
        normals = np.full(vertices.shape, np.nan, np.float32)
    length = np.linalg.norm(normals, axis=1)
    usable = np.isfinite(length) & (length > 1e-6)
    result = np.where(usable[:, None], normals / np.where(usable, length, 1)[:, None], 0).astype(np.float32)
    if not usable.all():
        a, b, c = (vertices[faces[:, k]].astype(np.float64) for k in range(3))
        weighted = np.cross(b - a, c - a)
        sums = np.zeros(vertices.shape)
        for k in range(3):
            np.add.at(sums, faces[:, k], weighted)
        sums[~(np.linalg.norm(sums, axis=1) > 0)] = (0, 0, 1)
        sums /= np.linalg.norm(sums, axis=1, keepdims=True)
        result[~usable] = sums[~usable]
    return np.ascontiguousarray(result)


def _sound_st(uv: np.ndarray, faces: np.ndarray) -> np.ndarray:
    uv = np.where(np.isfinite(uv).all(axis=1, keepdims=True), uv, 0.0)
    if len(faces):  # textures repeat: bring far-away charts near the origin, where float32 is fine
        uv = uv - np.floor(np.median(uv[faces[:, 0]], axis=0))
    st = np.stack([uv[:, 0], 1.0 - uv[:, 1]], axis=1)
    return np.ascontiguousarray(np.clip(st, -4096, 4096), dtype=np.float32)


def _proxy(vertices: np.ndarray, faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Seams closed (equal positions become one vertex), and fewer faces where there are many."""
    used, position = np.unique(faces, return_inverse=True)
    if not len(used):
        return np.zeros((0, 3), np.float32), np.zeros((0, 3), np.int32)
    points, weld, _ = unique_rows(vertices[used])
    welded = weld[position.reshape(-1)].reshape(-1, 3)
    distinct = (welded[:, 0] != welded[:, 1]) & (welded[:, 1] != welded[:, 2]) & (welded[:, 0] != welded[:, 2])
    return with_faces(points, welded[distinct], PROXY_FACES)
