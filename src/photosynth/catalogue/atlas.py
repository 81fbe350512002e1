"""Atlas: several surfaces with several textures become one surface with one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from photosynth.catalogue.pictures import resize
from photosynth.catalogue.surface import Surface, join, position_ids

PAD_PX = 4
"""Each picture's edge is repeated this far."""
PLAIN_PX = 8
"""Side of the patch of a material that is one colour."""
MAX_TILES = 8
"""A texture that repeats more often than this along an axis is shown less often, with a note."""
UNIT_SLACK = 1e-3


def combine(surfaces: list[Surface], max_texture_px: int) -> tuple[Surface, tuple[str, ...]]:
    """One textured surface from several, each with uv and texture or with one plain colour.

    Texture coordinates outside the unit square (tiled textures) are brought inside first, by shifting whole pieces
    and, where one piece repeats the picture, by repeating it in the atlas.

    Args:
        surfaces: one for each material.
        max_texture_px: longest side of the atlas.
    """
    notes: list[str] = []
    tiled = []
    for surface in surfaces:
        inside, note = _inside_unit(_with_patch(surface))
        tiled.append(inside)
        notes += [note] if note and note not in notes else []
    if len(tiled) == 1:
        _, texture = tiled[0].look()
        scale = min(1.0, max_texture_px / max(texture.shape[:2]))
        size = (max(1, round(texture.shape[1] * scale)), max(1, round(texture.shape[0] * scale)))
        return replace(tiled[0], texture=resize(texture, size)), tuple(notes)
    pictures, which = _distinct([s.look()[1] for s in tiled])
    corners, sizes, size_wh, shrink = _pack(pictures, max_texture_px)
    atlas = np.full((size_wh[1], size_wh[0], 3), 128, np.uint8)
    for picture, (x, y), size in zip(pictures, corners, sizes, strict=True):
        padded = np.pad(resize(picture, size), ((PAD_PX, PAD_PX), (PAD_PX, PAD_PX), (0, 0)), mode="edge")
        atlas[y : y + padded.shape[0], x : x + padded.shape[1]] = padded
    moved = [
        replace(s, uv=_uv_in_atlas(s.look()[0], corners[k], sizes[k], size_wh), texture=None)
        for s, k in zip(tiled, which, strict=True)
    ]
    if len(pictures) > 1:
        shrunk = f", each at {shrink:.0%} of its size" if shrink < 1 else ""
        notes.append(f"{len(pictures)} textures were put into one of {size_wh[0]} x {size_wh[1]} px{shrunk}")
    return replace(join(moved), texture=atlas), tuple(notes)


def _with_patch(surface: Surface) -> Surface:
    """A plain surface gets a small picture of its colour; others stay as they are."""
    if surface.texture is not None and surface.uv is not None:
        return surface
    colour = np.array(surface.plain, np.uint8)
    return replace(
        surface,
        uv=np.full((len(surface.vertices), 2), 0.5),
        texture=np.broadcast_to(colour, (PLAIN_PX, PLAIN_PX, 3)).copy(),
    )


def _inside_unit(surface: Surface) -> tuple[Surface, str]:
    """The surface with texture coordinates in 0..1, its picture repeated if need be."""
    uv, texture = surface.look()
    if uv.min() >= -UNIT_SLACK and uv.max() <= 1 + UNIT_SLACK:
        return replace(surface, uv=np.clip(uv, 0.0, 1.0)), ""
    piece = _chart_of_vertex(surface)
    low = np.full((int(piece.max()) + 1, 2), np.inf)
    np.minimum.at(low, piece, uv)
    uv = uv - np.floor(low + UNIT_SLACK)[piece]
    tiles = np.maximum(1, np.ceil(uv.max(axis=0) - UNIT_SLACK)).astype(int)
    note = ""
    if (tiles > MAX_TILES).any():
        uv = uv * np.minimum(1.0, MAX_TILES / tiles)
        tiles = np.minimum(tiles, MAX_TILES)
        note = f"a texture repeats more than {MAX_TILES} times and was stretched"
    return replace(surface, uv=np.clip(uv / tiles, 0.0, 1.0), texture=np.tile(texture, (tiles[1], tiles[0], 1))), note


def _chart_of_vertex(surface: Surface) -> np.ndarray:
    """(V,) number of the connected piece of the texture that each vertex belongs to."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    uv, _ = surface.look()
    place = position_ids(np.concatenate([surface.vertices / surface.diagonal(), uv], axis=1))
    corners = place[surface.faces]
    n = int(place.max()) + 1
    links = coo_matrix(
        (np.ones(2 * len(corners), np.int8), (corners[:, [0, 1]].ravel(), corners[:, [1, 2]].ravel())), shape=(n, n)
    )
    return connected_components(links, directed=False)[1][place]


def _distinct(textures: list[np.ndarray]) -> tuple[list[np.ndarray], list[int]]:
    """The different pictures, and which of them each surface shows."""
    pictures: list[np.ndarray] = []
    which = []
    for texture in textures:
        for k, known in enumerate(pictures):
            if known is texture or (known.shape == texture.shape and np.array_equal(known, texture)):
                which.append(k)
                break
        else:
            which.append(len(pictures))
            pictures.append(texture)
    return pictures, which


def _pack(
    pictures: list[np.ndarray], max_px: int
) -> tuple[list[tuple[int, int]], list[tuple[int, int]], tuple[int, int], float]:
    """Top left corners and sizes of all pictures on shelves, the atlas's size, and the scale that made them fit."""
    shrink = 1.0
    while True:
        sizes = [(max(1, round(p.shape[1] * shrink)), max(1, round(p.shape[0] * shrink))) for p in pictures]
        padded = [(w + 2 * PAD_PX, h + 2 * PAD_PX) for w, h in sizes]
        width = max(max(w for w, _ in padded), int(np.ceil(np.sqrt(sum(w * h for w, h in padded)))))
        corners, height = _shelves(padded, width)
        if max(width, height) <= max_px or shrink < 1e-3:
            return corners, sizes, (width, height), shrink
        shrink *= 0.97 * min(1.0, max(0.5, max_px / max(width, height)))


def _shelves(sizes: list[tuple[int, int]], width: int) -> tuple[list[tuple[int, int]], int]:
    corners = [(0, 0)] * len(sizes)
    x = y = shelf = 0
    for k in sorted(range(len(sizes)), key=lambda i: (-sizes[i][1], i)):
        w, h = sizes[k]
        if x + w > width:
            x, y, shelf = 0, y + shelf, 0
        corners[k] = (x, y)
        x, shelf = x + w, max(shelf, h)
    return corners, y + shelf


def _uv_in_atlas(
    uv: np.ndarray, corner: tuple[int, int], size: tuple[int, int], atlas_wh: tuple[int, int]
) -> np.ndarray:
    x = corner[0] + PAD_PX + uv[:, 0] * size[0]
    y = corner[1] + PAD_PX + (1.0 - uv[:, 1]) * size[1]
    return np.stack([x / atlas_wh[0], 1.0 - y / atlas_wh[1]], axis=1)
