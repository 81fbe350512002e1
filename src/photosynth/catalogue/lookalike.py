"""Look-alikes: an object's own shape with another print, so that a model learns to read and not to guess by shape."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from photosynth.catalogue.bake import fill_gaps, find_texels
from photosynth.catalogue.pictures import resize, scaled_size
from photosynth.core.mesh import Mesh

LabelMaker = Callable[[np.random.Generator, int, int], np.ndarray]
"""(rng, width_px, height_px) -> (H, W, 3) uint8: something that looks printed."""
CAP_COS = 0.8
"""Faces whose normal is nearer to the vertical than this show the lid's print, not the wrapped label."""
GRIDS = (4, 5, 6, 8)
PALETTE = 6
"""Colours of a label in the object's own colours."""


def lookalike_meshes(
    parts: dict[str, Mesh], number: int, rng: np.random.Generator, label: LabelMaker, texture_px: int
) -> tuple[dict[str, Mesh], str]:
    """The same parts with another texture, and what was done, for people.

    Every first of three look-alikes gets a random label wrapped round, one for all parts; every second one such a
    label in the object's own colours; every third the object's own texture, cut into pieces that are shuffled, turned
    and, half of the time, recoloured.

    Args:
        parts: the object's meshes by part name.
        number: which look-alike of the object.
        rng: draws the print.
        label: makes labels.
        texture_px: longest side of the textures.
    """
    small = {name: _scaled(mesh, texture_px) for name, mesh in parts.items()}
    if number % 3 == 0:
        return _wrapped(small, rng, label, texture_px), "the object's shape with a random label"
    if number % 3 == 1:
        palette = _palette(next(iter(small.values())).texture, rng)

        def own_colours(rng: np.random.Generator, width_px: int, height_px: int) -> np.ndarray:
            return _in_palette(label(rng, width_px, height_px), palette)

        return _wrapped(small, rng, own_colours, texture_px), "the object's shape and colours with a random label"
    cut = _cut(rng)
    made = {name: replace(mesh, texture=_shuffled(mesh, *cut)) for name, mesh in small.items()}
    return made, "the object's own texture cut up and shuffled"


def _scaled(mesh: Mesh, texture_px: int) -> Mesh:
    height, width = mesh.texture.shape[:2]
    return replace(mesh, texture=resize(mesh.texture, scaled_size((width, height), texture_px)))


def _wrapped(parts: dict[str, Mesh], rng: np.random.Generator, label: LabelMaker, texture_px: int) -> dict[str, Mesh]:
    """A label round the z axis and another on lid and base, the same on all parts."""
    extents = np.max([np.ptp(m.vertices_m, axis=0) for m in parts.values()], axis=0)
    round_m = np.pi * float(np.mean(extents[:2]))
    fronts = int(rng.integers(1, 3))  # how often the label repeats on its way round
    aspect = float(np.clip(round_m / fronts / max(extents[2], 1e-9), 0.25, 4.0))
    width, height = scaled_size(
        (round(texture_px * max(aspect, 1.0)), round(texture_px * max(1 / aspect, 1.0))), texture_px
    )
    side, lid = label(rng, width, height), label(rng, texture_px // 2, texture_px // 2)
    turn = rng.random()
    made = {}
    for name, mesh in parts.items():
        uv, faces = mesh.uv.astype(float), mesh.faces.astype(np.int64)
        rows, columns = mesh.texture.shape[:2]
        texels = find_texels(uv, faces, (columns, rows))
        point = texels.interpolate(mesh.vertices_m.astype(float), faces)
        normal = texels.interpolate(mesh.normals.astype(float), faces)
        low, span = mesh.vertices_m.min(axis=0), np.maximum(np.ptp(mesh.vertices_m, axis=0), 1e-9)
        rel = np.clip((point - low) / span, 0.0, 1.0)
        around = (np.arctan2(point[:, 1], point[:, 0]) / (2 * np.pi) + turn) * fronts % 1.0
        cap = np.abs(normal[:, 2]) > CAP_COS
        across = np.where(normal[:, 2] > 0, rel[:, 0], 1.0 - rel[:, 0])  # readable from below, too
        colour = np.where(cap[:, None], _look_up(lid, across, rel[:, 1]), _look_up(side, around, rel[:, 2]))
        texture, covered = mesh.texture.copy(), np.zeros((rows, columns), bool)
        texture[texels.rows, texels.columns] = colour
        covered[texels.rows, texels.columns] = True
        made[name] = replace(mesh, texture=fill_gaps(texture, covered))
    return made


def _palette(texture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(n, 3) uint8, n at most PALETTE: the texture's main colours, the commonest first, then a little shuffled."""
    from PIL import Image

    small = Image.fromarray(texture).resize((96, 96), Image.Resampling.BOX)
    reduced = small.quantize(PALETTE, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    counts = np.bincount(np.asarray(reduced).ravel(), minlength=PALETTE)
    colours = np.array(reduced.getpalette()[: 3 * PALETTE] + [0] * 3 * PALETTE, np.uint8)[: 3 * PALETTE].reshape(-1, 3)
    rank = np.argsort(-counts + rng.uniform(0, 0.15 * counts.sum(), PALETTE))
    return colours[rank[counts[rank] > 0]]


def _in_palette(picture: np.ndarray, palette: np.ndarray) -> np.ndarray:
    """The picture with its own main colours, the commonest first, replaced by the palette's."""
    from PIL import Image

    reduced = np.asarray(
        Image.fromarray(picture).quantize(len(palette), method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    )
    counts = np.bincount(reduced.ravel(), minlength=len(palette))
    order = np.empty(len(palette), np.int64)
    order[np.argsort(-counts, kind="stable")] = np.arange(len(palette))
    return palette[order[reduced]]


def _look_up(picture: np.ndarray, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Colours (n, 3) of a picture at u (right) and v (up), 0..1, nearest pixel."""
    height, width = picture.shape[:2]
    column = np.clip((u * width).astype(np.int64), 0, width - 1)
    row = np.clip(((1.0 - v) * height).astype(np.int64), 0, height - 1)
    return picture[row, column]


def _cut(rng: np.random.Generator) -> tuple[int, np.ndarray, np.ndarray, float, bool]:
    """Grid, order of its pieces, their quarter turns, turn of the hues (fraction of a circle), light inverted.

    Half keep their colours: the right colours and scraps of print must not be enough."""
    grid = int(rng.choice(GRIDS))
    order = rng.permutation(grid * grid)
    recoloured = rng.random() < 0.5
    hue_turn = float(rng.uniform(0.15, 0.85)) if recoloured else 0.0
    return grid, order, rng.integers(0, 4, grid * grid), hue_turn, bool(recoloured and rng.random() < 0.3)


def _shuffled(
    mesh: Mesh, grid: int, order: np.ndarray, turns: np.ndarray, hue_turn: float, inverted: bool
) -> np.ndarray:
    """The mesh's texture in `grid` x `grid` pieces, in another order, turned, with other hues."""
    rows, columns = mesh.texture.shape[:2]
    texels = find_texels(mesh.uv.astype(float), mesh.faces.astype(np.int64), (columns, rows))
    covered = np.zeros((rows, columns), bool)
    covered[texels.rows, texels.columns] = True
    piece = max(1, min(rows, columns) // grid)
    square = resize(_recoloured(fill_gaps(mesh.texture, covered), hue_turn, inverted), (piece * grid, piece * grid))
    out = np.empty_like(square)
    for k, (source, turn) in enumerate(zip(order, turns, strict=True)):
        y, x = divmod(int(source), grid)
        cut = np.rot90(square[y * piece : (y + 1) * piece, x * piece : (x + 1) * piece], int(turn))
        y, x = divmod(k, grid)
        out[y * piece : (y + 1) * piece, x * piece : (x + 1) * piece] = cut
    return resize(out, (columns, rows))


def _recoloured(texture: np.ndarray, hue_turn: float, inverted: bool) -> np.ndarray:
    import cv2

    hls = cv2.cvtColor(np.ascontiguousarray(texture), cv2.COLOR_RGB2HLS)
    hls[..., 0] = (hls[..., 0].astype(np.int64) + round(hue_turn * 180)) % 180
    if inverted:
        hls[..., 1] = 255 - hls[..., 1]
    return cv2.cvtColor(hls, cv2.COLOR_HLS2RGB)
