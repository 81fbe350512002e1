"""From a part's surfaces to one clean, textured surface within the limits on faces and pixels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from photosynth.catalogue.atlas import combine
from photosynth.catalogue.bake import fill_gaps, find_texels, texture_from_points, unwrap
from photosynth.catalogue.clean import clean, merge_equal, without_flat_normals
from photosynth.catalogue.config import CatalogueConfig
from photosynth.catalogue.normals import with_normals
from photosynth.catalogue.simplify import simplify
from photosynth.catalogue.surface import Surface, join, position_ids
from photosynth.core.errors import ConfigError

DEFAULT_GREY = (200, 200, 200)
"""For a part without any colour in a model whose other parts have one."""
TEXELS_PER_VERTEX = 12
REBAKE_EXCESS = 1.25
"""If simplifying along seams leaves more than this times the wanted faces, the texture is laid out anew."""


def finish_part(surfaces: tuple[Surface, ...], config: CatalogueConfig, where: str) -> tuple[Surface, tuple[str, ...]]:
    """One surface with unit normals, uv and texture.

    Surfaces with vertex colours are joined, unwrapped and baked; plain ones become patches of an atlas; then debris
    goes, and too many faces are reduced.

    Raises:
        ConfigError: if the part has no colour of any kind, or no face that can be seen.
    """
    textured = [s for s in surfaces if s.texture is not None and s.uv is not None]
    coloured = [s for s in surfaces if s not in textured and s.colors is not None]
    plain = [s for s in surfaces if s not in textured and s not in coloured]
    if not textured and not coloured and not any(s.plain for s in plain):
        has_uv = any(s.uv is not None for s in surfaces)
        raise ConfigError(
            f"{where} has no texture{'' if has_uv else ', no texture coordinates'}, no vertex colours and no material "
            "colour: nothing can be learnt from its look. Export it with its texture."
        )
    notes: list[str] = []
    ready = list(textured)
    if coloured:
        baked, more = _bake_colors(join([replace(s, uv=None, texture=None) for s in coloured]), config, where)
        ready.append(baked)
        notes += more
    if plain:
        if not ready:
            notes.append("no texture: the materials' plain colours were used")
        ready += [replace(s, plain=s.plain or DEFAULT_GREY) for s in plain]
    ready = [replace(s, normals=None) for s in ready] if any(s.normals is None for s in ready) else ready
    ready = [s for s in ready if _drawable(s)]
    if not ready:
        raise ConfigError(f"{where} has no face whose vertices are all finite; the mesh is damaged")
    surface, more = combine(ready, config.max_texture_px)
    notes += more
    surface, more = clean(replace(surface, colors=None, plain=None), config.debris_fraction, where)
    notes += more
    surface, more = _reduce(surface, config)
    return with_normals(without_flat_normals(surface)), (*notes, *more)


def _drawable(surface: Surface) -> bool:
    return bool(np.isfinite(surface.vertices).all(axis=1)[surface.faces].all(axis=1).any())


def _bake_colors(surface: Surface, config: CatalogueConfig, where: str) -> tuple[Surface, tuple[str, ...]]:
    """Vertex colours as a texture: exact between vertices, or from the nearest ones if the mesh was reduced."""
    surface, notes = clean(replace(surface, normals=None), config.debris_fraction, where)
    wanted = int(2 ** np.ceil(np.log2(np.sqrt(TEXELS_PER_VERTEX * len(surface.vertices) / 0.6))))
    side = min(config.max_texture_px, max(256, wanted))
    if len(surface.faces) > config.max_faces:
        baked = relay(surface, surface.vertices, surface.colors, config.max_faces, side)
        return baked, (*notes, f"{len(surface.faces)} faces reduced to {len(baked.faces)}", "vertex colours baked")
    index, faces, uv = unwrap(surface.vertices, surface.faces, side)
    colors = surface.colors[index].astype(float)
    texels = find_texels(uv, faces, (side, side))
    texture, covered = np.zeros((side, side, 3), np.uint8), np.zeros((side, side), bool)
    texture[texels.rows, texels.columns] = np.round(texels.interpolate(colors, faces)).astype(np.uint8)
    covered[texels.rows, texels.columns] = True
    return Surface(surface.vertices[index], faces, None, uv, fill_gaps(texture, covered)), (
        *notes,
        f"vertex colours baked into a texture of {side} px",
    )


def _reduce(surface: Surface, config: CatalogueConfig) -> tuple[Surface, tuple[str, ...]]:
    before = len(surface.faces)
    if before <= config.max_faces:
        return surface, ()
    bare = merge_equal(replace(surface, normals=None))
    uv, texture = bare.look()
    faces = simplify(bare.vertices, uv, bare.faces, config.max_faces)
    if len(faces) <= REBAKE_EXCESS * config.max_faces:
        return bare.compact(faces), (f"{before} faces reduced to {len(faces)}",)
    height, width = texture.shape[:2]
    texels = find_texels(uv, bare.faces, (width, height))
    points = texels.interpolate(bare.vertices, bare.faces)
    baked = relay(bare, points, texture[texels.rows, texels.columns], config.max_faces, max(width, height))
    return baked, (
        f"{before} faces reduced to {len(baked.faces)}; its texture had too many seams and was laid out anew",
    )


def relay(surface: Surface, points: np.ndarray, colors: np.ndarray, max_faces: int, side_px: int) -> Surface:
    """A reduced surface with a new texture layout that takes its colours (n, 3) from points (n, 3) of the old one."""
    import fast_simplification

    place = position_ids(surface.vertices)
    _, first = np.unique(place, return_index=True)
    corners = place[surface.faces]
    real = (corners[:, 0] != corners[:, 1]) & (corners[:, 1] != corners[:, 2]) & (corners[:, 2] != corners[:, 0])
    middle, span = surface.vertices.mean(axis=0), surface.diagonal()
    unit = ((surface.vertices[first] - middle) / span).astype(np.float32)
    vertices, faces = fast_simplification.simplify(
        unit, corners[real].astype(np.int32), target_count=min(max_faces, int(real.sum()) - 1)
    )
    vertices = np.asarray(vertices, float) * span + middle
    index, faces, uv = unwrap(vertices, np.asarray(faces, np.int64), side_px)
    vertices = vertices[index]
    texture = texture_from_points(points, colors, vertices, uv, faces, side_px)
    return Surface(vertices, faces, None, uv, texture)
