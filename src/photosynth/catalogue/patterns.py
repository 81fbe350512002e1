"""Patterns: plain, gradients, stripes, dots, checks and noise in random colours."""

from __future__ import annotations

import colorsys

import numpy as np

SIDE_PX = 256


def random_pattern(rng: np.random.Generator) -> np.ndarray:
    """A texture (SIDE_PX, SIDE_PX, 3) uint8 of any kind."""
    kinds = (_plain, _gradient, _stripes, _dots, _checks, _noise)
    picture = kinds[int(rng.integers(len(kinds)))](rng)
    grain = rng.normal(0.0, rng.uniform(0.0, 0.02), picture.shape[:2])
    return np.rint(np.clip(picture + grain[..., None], 0.02, 0.97) * 255).astype(np.uint8)


def _color(rng: np.random.Generator) -> np.ndarray:
    saturation = rng.uniform(0.0, 0.3) if rng.random() < 0.3 else rng.uniform(0.3, 1.0)
    return np.array(colorsys.hsv_to_rgb(rng.random(), saturation, rng.uniform(0.15, 1.0)))


def _ramp(rng: np.random.Generator) -> np.ndarray:
    """(SIDE_PX, SIDE_PX) distance along a random direction, about 0..1."""
    angle = rng.choice([0.0, np.pi / 2, rng.uniform(0, np.pi)])
    y, x = np.mgrid[:SIDE_PX, :SIDE_PX] / SIDE_PX
    return x * np.cos(angle) + y * np.sin(angle)


def _mixed(at: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return first + (second - first) * at[..., None]


def _plain(rng: np.random.Generator) -> np.ndarray:
    return np.tile(_color(rng), (SIDE_PX, SIDE_PX, 1))


def _gradient(rng: np.random.Generator) -> np.ndarray:
    return _mixed(np.clip(_ramp(rng), 0, 1), _color(rng), _color(rng))


def _stripes(rng: np.random.Generator) -> np.ndarray:
    colors = np.array([_color(rng) for _ in range(int(rng.integers(2, 5)))])
    count = int(rng.integers(2, 20)) * len(colors)
    return colors[np.floor(_ramp(rng) * count).astype(int) % len(colors)]


def _dots(rng: np.random.Generator) -> np.ndarray:
    import cv2

    picture = _plain(rng)
    inks = [_color(rng) for _ in range(int(rng.integers(1, 4)))]
    radius, even = int(rng.integers(3, 28)), rng.random() < 0.5
    step = int(radius * rng.uniform(2.2, 4.0))
    centres = np.stack(np.meshgrid(np.arange(0, SIDE_PX + step, step), np.arange(0, SIDE_PX + step, step)), -1)
    places = centres.reshape(-1, 2) if even else rng.integers(0, SIDE_PX, (len(centres.reshape(-1, 2)), 2))
    for x, y in places:
        cv2.circle(picture, (int(x), int(y)), radius, inks[int(rng.integers(len(inks)))].tolist(), -1, cv2.LINE_AA)
    return picture


def _checks(rng: np.random.Generator) -> np.ndarray:
    count = int(rng.integers(2, 17))
    y, x = np.mgrid[:SIDE_PX, :SIDE_PX] * count // SIDE_PX
    return np.array([_color(rng), _color(rng)])[(x + y) % 2]


def _noise(rng: np.random.Generator) -> np.ndarray:
    """Smooth noise of three scales mapped along two to four colours."""
    import cv2

    field, cells = np.zeros((SIDE_PX, SIDE_PX), np.float32), int(rng.integers(2, 9))
    for octave in range(3):
        lattice = rng.random((cells * 3**octave, cells * 3**octave)).astype(np.float32)
        field += cv2.resize(lattice, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_CUBIC) * 0.5**octave
    field = (field - field.min()) / np.ptp(field)
    colors = np.array([_color(rng) for _ in range(int(rng.integers(2, 5)))])
    position = field * (len(colors) - 1)
    low = np.minimum(position.astype(int), len(colors) - 2)
    mix = (position - low)[..., None]
    return colors[low] * (1 - mix) + colors[low + 1] * mix
