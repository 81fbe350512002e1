"""Fills: what a background or a patch shows, drawn as linear light."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np

from photosynth.core.errors import ConfigError
from photosynth.core.photo import read_photo
from photosynth.core.rng import rng_for
from photosynth.core.scene import (
    EnvironmentFill,
    Fill,
    GrainFill,
    MeshFill,
    PhotoFill,
    PlainFill,
    PrintFill,
    SpeckleFill,
    WeaveFill,
)
from photosynth.render.color import linear_from_bytes, linear_from_srgb
from photosynth.render.surface_fills import draw_grain, draw_speckle, draw_weave

PHOTO_CACHE_SIDE_PX = 1024
ENVIRONMENT_SIDE_PX = 160
MAX_RADIANCE = 64.0
"""An environment's light is cut to this in a fill."""


def draw_fill(fill: Fill, size_wh: tuple[int, int], distortion: tuple[float, ...] = ()) -> np.ndarray:
    """(H, W, 3) float32 linear light of a fill, stretched over the given size; a new array.

    `distortion` (OpenCV's coefficients) is that of the lens through which an environment is seen; the other fills have
    no depth and stay as they are.

    Raises:
        ConfigError: if it names a photo or a map that cannot be read.
    """
    if isinstance(fill, PlainFill):
        return _plain(fill, size_wh)
    if isinstance(fill, PhotoFill):
        return _photo(fill, size_wh)
    if isinstance(fill, EnvironmentFill):
        return _environment(fill, size_wh, distortion)
    if isinstance(fill, MeshFill):
        return _mesh(fill, size_wh)
    if isinstance(fill, PrintFill):
        return _print(fill, size_wh)
    if isinstance(fill, GrainFill):
        return draw_grain(fill, size_wh)
    if isinstance(fill, WeaveFill):
        return draw_weave(fill, size_wh)
    if isinstance(fill, SpeckleFill):
        return draw_speckle(fill, size_wh)
    raise ConfigError(f"unknown fill {type(fill).__name__}")


def _plain(fill: PlainFill, size_wh: tuple[int, int]) -> np.ndarray:
    width, height = size_wh
    start = np.array(fill.color_srgb, np.float32)
    if fill.end_srgb is None:
        image = np.empty((height, width, 3), np.float32)
        image.reshape(height, 3 * width)[:] = np.tile(linear_from_srgb(start), width)
        return image
    along = _ramp(fill.angle_rad, size_wh)[..., None]
    return linear_from_srgb(start * (1 - along) + np.array(fill.end_srgb, np.float32) * along).astype(np.float32)


def _ramp(angle_rad: float, size_wh: tuple[int, int]) -> np.ndarray:
    width, height = size_wh
    x = np.linspace(-0.5, 0.5, width, dtype=np.float32)[None, :] * np.float32(np.cos(angle_rad))
    y = np.linspace(-0.5, 0.5, height, dtype=np.float32)[:, None] * np.float32(np.sin(angle_rad))
    reach = abs(np.cos(angle_rad)) + abs(np.sin(angle_rad))
    return (x + y) / np.float32(reach) + np.float32(0.5)


@lru_cache(maxsize=192)
def _small_photo(path: str) -> np.ndarray:
    image = read_photo(Path(path), min_side_px=PHOTO_CACHE_SIDE_PX)
    scale = PHOTO_CACHE_SIDE_PX / max(image.shape[:2])
    if scale < 1:
        size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return image


def _photo(fill: PhotoFill, size_wh: tuple[int, int]) -> np.ndarray:
    image = _small_photo(fill.path)
    height, width = image.shape[:2]
    x0, y0, x1, y1 = fill.crop_rel
    left, top = int(x0 * width), int(y0 * height)
    crop = image[top : max(top + 1, round(y1 * height)), left : max(left + 1, round(x1 * width))]
    if fill.mirrored:
        crop = crop[:, ::-1]
    crop = np.ascontiguousarray(np.rot90(crop, fill.quarter_turns))
    shrinking = crop.shape[1] > size_wh[0]
    resized = cv2.resize(crop, size_wh, interpolation=cv2.INTER_AREA if shrinking else cv2.INTER_LINEAR)
    return linear_from_bytes(resized)


def _environment(fill: EnvironmentFill, size_wh: tuple[int, int], distortion: tuple[float, ...]) -> np.ndarray:
    from photosynth.render.environment import load_environment
    from photosynth.render.panorama import look

    width, height = size_wh
    shrink = min(1.0, ENVIRONMENT_SIDE_PX / max(size_wh))
    small_w, small_h = max(2, round(width * shrink)), max(2, round(height * shrink))
    half = np.tan(fill.fov_rad / 2)
    side = min(small_w, small_h)
    focal_px, axis_px = side / (2 * half), (small_w / 2, small_h / 2)
    if any(distortion):
        from photosynth.render.lens import pixel_tangents

        x, y = np.moveaxis(pixel_tangents(distortion, focal_px, axis_px, (small_w, small_h)), -1, 0)
    else:
        x = ((np.arange(small_w) + 0.5) - axis_px[0])[None, :] / focal_px
        y = ((np.arange(small_h) + 0.5) - axis_px[1])[:, None] / focal_px
    c, s = np.cos(fill.roll_rad), np.sin(fill.roll_rad)
    x, y = np.float32(x * c - y * s), np.float32(x * s + y * c)
    cp, sp, cy, sy = np.cos(fill.pitch_rad), np.sin(fill.pitch_rad), np.cos(fill.yaw_rad), np.sin(fill.yaw_rad)
    axes = np.array([[sy, -cy, 0.0], [sp * cy, sp * sy, -cp], [cp * cy, cp * sy, sp]], np.float32)
    seen = np.empty((small_h, small_w, 3), np.float32)
    exposure = np.float32(fill.exposure)
    look(load_environment(fill.map_file).radiance, axes, x, y, np.float32(MAX_RADIANCE) / max(exposure, 1e-9), seen)
    seen *= exposure
    return cv2.resize(seen, size_wh, interpolation=cv2.INTER_LINEAR)


def _mesh(fill: MeshFill, size_wh: tuple[int, int]) -> np.ndarray:
    rng = rng_for(fill.seed, 0, "mesh-fill")
    small = (max(2, size_wh[0] // 2), max(2, size_wh[1] // 2))
    field = _turbulence(rng, small, fill.octaves, fill.scale_rel)
    side = min(small)
    y, x = np.mgrid[: small[1], : small[0]].astype(np.float32) / side
    balls = np.zeros_like(field)
    for _ in range(fill.n_balls):
        cx, cy = rng.uniform(0, small[0] / side), rng.uniform(0, small[1] / side)
        radius2 = np.float32((fill.scale_rel * rng.uniform(0.15, 0.6)) ** 2)
        balls += radius2 / ((x - np.float32(cx)) ** 2 + (y - np.float32(cy)) ** 2 + np.float32(1e-4))
    stops = linear_from_srgb(np.array(fill.palette_srgb, np.float32))
    position = np.mod(field + np.clip(balls, 0, 4) * np.float32(0.35), 1.0) * (len(stops) - 1)
    low = np.clip(position.astype(np.int32), 0, len(stops) - 2)
    mix = (position - low)[..., None]
    color = stops[low] * (1 - mix) + stops[low + 1] * mix
    shade = np.float32(0.55) + np.float32(0.45) * np.clip(balls, 0, 1)[..., None]
    return cv2.resize((color * shade).astype(np.float32), size_wh, interpolation=cv2.INTER_LINEAR)


def _turbulence(rng: np.random.Generator, size_wh: tuple[int, int], octaves: int, scale_rel: float) -> np.ndarray:
    """Sum over octaves of |noise| / frequency (Perlin, An Image Synthesizer, 1985), about 0..1."""
    width, height = size_wh
    total = np.zeros((height, width), np.float32)
    cells = max(1.0, 1.0 / scale_rel)
    for octave in range(max(1, octaves)):
        n = min(int(np.ceil(cells * 2**octave)) + 2, max(width, height))
        lattice = rng.uniform(-1, 1, (n, n)).astype(np.float32)
        total += np.abs(cv2.resize(lattice, (width, height), interpolation=cv2.INTER_CUBIC)) / np.float32(2**octave)
    return total


def _print(fill: PrintFill, size_wh: tuple[int, int]) -> np.ndarray:
    rng = rng_for(fill.seed, 0, "print-fill")
    width, height = size_wh
    side = min(size_wh)
    inks = [tuple(round(255 * c) for c in ink) for ink in fill.palette_srgb]
    image = np.full((height, width, 3), inks[0], np.uint8)
    choose = lambda: inks[int(rng.integers(len(inks)))]  # noqa: E731
    for _ in range(int(rng.integers(1, 3 + round(7 * fill.density)))):
        _draw_block(image, rng, side, choose())
    for _ in range(int(rng.integers(0, 1 + round(5 * fill.density)))):
        _draw_column(image, rng, side, choose())
    for _ in range(int(rng.integers(0, 3 + round(5 * fill.density)))):
        _draw_mark(image, rng, side, choose())
    for _ in range(int(rng.integers(1, 3 + round(7 * fill.density)))):
        _draw_text(image, rng, side, choose())
    return linear_from_bytes(image)


def _draw_block(image: np.ndarray, rng: np.random.Generator, side: int, ink: tuple[int, ...]) -> None:
    height, width = image.shape[:2]
    x, y = int(rng.integers(-width // 4, width)), int(rng.integers(-height // 4, height))
    w, h = int(rng.uniform(0.08, 0.8) * width), int(rng.uniform(0.05, 0.6) * height)
    if rng.random() < 0.7:
        cv2.rectangle(image, (x, y), (x + w, y + h), ink, -1)
    else:
        step = max(2, int(rng.uniform(0.015, 0.08) * side))
        for k in range(0, h, 2 * step):
            cv2.rectangle(image, (x, y + k), (x + w, y + k + step), ink, -1)


def _draw_column(image: np.ndarray, rng: np.random.Generator, side: int, ink: tuple[int, ...]) -> None:
    """A column of small print, as dashes: what is left of text seen from afar."""
    height, width = image.shape[:2]
    line_px = max(2, int(rng.uniform(0.012, 0.04) * side))
    column_w = int(rng.uniform(0.2, 0.6) * width)
    x, y = int(rng.integers(-width // 8, max(1, width - column_w // 2))), int(rng.integers(-height // 4, height))
    for k in range(int(rng.integers(4, 30))):
        at, row = x, y + k * 2 * line_px
        while at < x + column_w:
            word = int(rng.uniform(1.5, 6) * line_px)
            cv2.line(image, (at, row), (min(at + word, x + column_w), row), ink, max(1, line_px // 2), cv2.LINE_AA)
            at += word + max(1, line_px)


def _draw_mark(image: np.ndarray, rng: np.random.Generator, side: int, ink: tuple[int, ...]) -> None:
    height, width = image.shape[:2]
    centre = (int(rng.integers(0, width)), int(rng.integers(0, height)))
    radius = max(2, int(rng.uniform(0.02, 0.25) * side))
    kind = rng.integers(4)
    if kind == 0:
        cv2.circle(image, centre, radius, ink, -1, cv2.LINE_AA)
    elif kind == 1:
        cv2.circle(image, centre, radius, ink, max(1, radius // 6), cv2.LINE_AA)
    elif kind == 2:
        angles = np.sort(rng.uniform(0, 2 * np.pi, int(rng.integers(5, 14))))
        reach = radius * rng.uniform(0.4, 1, len(angles))
        corners = np.stack([centre[0] + reach * np.cos(angles), centre[1] + reach * np.sin(angles)], 1)
        cv2.fillPoly(image, [corners.astype(np.int32)], ink, cv2.LINE_AA)
    else:  # a bar code
        x = centre[0]
        while x < centre[0] + 2 * radius:
            bar = int(rng.integers(1, 4))
            cv2.rectangle(image, (x, centre[1]), (x + bar - 1, centre[1] + radius), ink, -1)
            x += bar + int(rng.integers(1, 4))


def _draw_text(image: np.ndarray, rng: np.random.Generator, side: int, ink: tuple[int, ...]) -> None:
    height, width = image.shape[:2]
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 "
    scale = float(np.exp(rng.uniform(np.log(0.0015), np.log(0.008)))) * side
    lines = 1 if scale > 0.8 else int(rng.integers(1, 8))
    font = int(rng.choice([cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_DUPLEX, cv2.FONT_HERSHEY_TRIPLEX]))
    x, y = int(rng.integers(-width // 8, width)), int(rng.integers(0, height))
    for line in range(lines):
        word = "".join(letters[k] for k in rng.integers(0, len(letters), int(rng.integers(3, 16))))
        place = (x, y + int(line * scale * 34))
        cv2.putText(image, word, place, font, scale, ink, max(1, round(scale * 2.2)), cv2.LINE_AA)
