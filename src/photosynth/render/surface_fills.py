"""Fills that look like what tables are made of: wood, cloth and stone, drawn as linear light."""

from __future__ import annotations

import cv2
import numpy as np

from photosynth.core.rng import rng_for
from photosynth.core.scene import GrainFill, SpeckleFill, WeaveFill
from photosynth.render.color import linear_from_srgb

TONES = 2048
"""Steps of a palette: finer than 8 bits can show."""


def draw_grain(fill: GrainFill, size_wh: tuple[int, int]) -> np.ndarray:
    """(H, W, 3) float32: boards side by side, the grain running from top to bottom.

    Growth rings are the level lines of the distance from the trunk's axis, warped by noise that is stretched along
    the trunk (Perlin, An Image Synthesizer, 1985); fibres are noise stretched much further.
    """
    rng = rng_for(fill.seed, 0, "grain-fill")
    width, height = size_wh
    x = (np.arange(width, dtype=np.float32) + 0.5) / width
    board = np.minimum((x * fill.n_boards).astype(int), fill.n_boards - 1)
    offset, tone = rng.uniform(0, 50, fill.n_boards), rng.uniform(-1, 1, fill.n_boards).astype(np.float32)
    bow = np.cumsum(rng.normal(0, 0.35, fill.n_boards))
    warp = _noise(rng, size_wh, (5 * fill.n_boards, 2)) + 0.4 * _noise(rng, size_wh, (13 * fill.n_boards, 5))
    y = np.linspace(-0.5, 0.5, height, dtype=np.float32)[:, None]
    across = (x + offset[board] + bow[board] * 0.02).astype(np.float32)[None, :] + y * y * 0.06 * tone[board][None, :]
    ring = np.mod((across * fill.rings + warp * fill.knottiness * 2.0), 1.0).astype(np.float32)
    dark = np.where(ring < 0.8, ring / 0.8, (1.0 - ring) / 0.2) ** 2  # late wood ends at once
    fibre = _noise(rng, size_wh, (width // 2, 6)) * 0.5 + _noise(rng, size_wh, (width // 5, 3)) * 0.5
    mix = np.clip(0.15 + 0.55 * dark + 0.3 * fibre + 0.14 * tone[board][None, :], 0.0, 1.0)
    color = _along(fill.palette_srgb, mix)
    if fill.n_boards > 1:
        edge = np.abs(x[None, :] * fill.n_boards - np.round(x * fill.n_boards)[None, :]) * width / fill.n_boards
        color = color * np.clip(0.35 + 0.5 * edge, 0.0, 1.0)[..., None]
    return color.astype(np.float32)


def draw_weave(fill: WeaveFill, size_wh: tuple[int, int]) -> np.ndarray:
    """(H, W, 3) float32: cloth of threads over and under each other, in stripes or checks."""
    rng = rng_for(fill.seed, 0, "weave-fill")
    width, height = size_wh
    palette = linear_from_srgb(np.array(fill.palette_srgb, np.float32))
    columns, rows = _bands(rng, fill, palette, width), _bands(rng, fill, palette, height)
    if not fill.checked:
        rows = np.broadcast_to(palette[0], rows.shape)
    phase_x = np.arange(width, dtype=np.float32) * (np.pi * fill.threads / width)
    phase_y = np.arange(height, dtype=np.float32) * (np.pi * fill.threads / height)
    over = 0.5 + 0.5 * np.sin(phase_x)[None, :] * np.sin(phase_y)[:, None]  # 1: the upright thread is on top
    relief = 0.8 + 0.2 * np.maximum(
        np.abs(np.sin(phase_x))[None, :] * over, np.abs(np.sin(phase_y))[:, None] * (1 - over)
    )
    fuzz = 1.0 + 0.10 * _noise(rng, size_wh, (width // 2, height // 2)) + 0.08 * _noise(rng, size_wh, (7, 7))
    striped = 0.5 if fill.checked else 1.0
    share = (striped * (0.5 + over) if fill.checked else np.ones_like(over))[..., None]
    color = columns[None, :] * share + rows[:, None] * (1.0 - share)
    return np.maximum(color * (relief * fuzz)[..., None], 0.0).astype(np.float32)


def draw_speckle(fill: SpeckleFill, size_wh: tuple[int, int]) -> np.ndarray:
    """(H, W, 3) float32: stone, terrazzo or felt: a mottled ground with specks of the other colours in it."""
    rng = rng_for(fill.seed, 0, "speckle-fill")
    palette = linear_from_srgb(np.array(fill.palette_srgb, np.float32))
    cells = max(4, round(1.0 / fill.speck_rel))
    shade = 1.0 + 0.18 * _noise(rng, size_wh, (4, 4)) + 0.08 * _noise(rng, size_wh, (cells, cells))
    color = palette[0] * shade[..., None]
    for ink in palette[1:]:
        size = max(3, round(cells * rng.uniform(0.6, 1.8)))
        field = _noise(rng, size_wh, (size, size)) + 0.35 * _noise(rng, size_wh, (3 * size, 3 * size))
        least = np.quantile(field[::4, ::4], 1.0 - fill.density / len(palette[1:]))
        soft = np.clip((field - least) * 6.0, 0.0, 1.0)[..., None]
        color = color * (1.0 - soft) + ink * soft
    return np.maximum(color, 0.0).astype(np.float32)


def _bands(rng: np.random.Generator, fill: WeaveFill, palette: np.ndarray, length_px: int) -> np.ndarray:
    """(length, 3) colours of the threads side by side: the ground, with stripes of the other colours."""
    colors = np.tile(palette[0], (length_px, 1))
    period = max(4.0, fill.stripe_rel * length_px)
    for ink in palette[1:]:
        at, share = rng.uniform(0, period), rng.uniform(0.08, 0.5)
        colors[np.mod(np.arange(length_px) + at, period) < share * period] = ink
    return colors


def _noise(rng: np.random.Generator, size_wh: tuple[int, int], cells_xy: tuple[int, int]) -> np.ndarray:
    """(H, W) float32 smooth noise in about -1..1 with that many cells across and down."""
    lattice = rng.uniform(-1, 1, (max(2, cells_xy[1]), max(2, cells_xy[0]))).astype(np.float32)
    return cv2.resize(lattice, size_wh, interpolation=cv2.INTER_CUBIC)


def _along(palette_srgb: tuple[tuple[float, float, float], ...], at: np.ndarray) -> np.ndarray:
    """Linear colours at positions 0..1 along a palette, the nearest of TONES."""
    stops = linear_from_srgb(np.array(palette_srgb, np.float32))
    position = np.linspace(0.0, len(stops) - 1.0, TONES)
    table = np.stack([np.interp(position, np.arange(len(stops)), channel) for channel in stops.T], axis=1)
    return np.take(table.astype(np.float32), (at * (TONES - 1) + 0.5).astype(np.int32), axis=0)
