"""Materials: colours and patterns of wood, cloth and stone."""

from __future__ import annotations

import colorsys

import numpy as np

from photosynth.core.geometry import Vec3
from photosynth.core.scene import GrainFill, SpeckleFill, WeaveFill
from photosynth.sample.color import as_vec3, random_color

MAX_SEED = 2**31


def sample_grain(rng: np.random.Generator) -> GrainFill:
    """Wood from birch to wenge, sometimes stained or painted in any colour; veneer or boards."""
    if rng.random() < 0.12:
        light = random_color(rng)
    else:
        hue, saturation = rng.uniform(0.045, 0.115), rng.uniform(0.2, 0.65)
        light = as_vec3(colorsys.hsv_to_rgb(hue, saturation, rng.uniform(0.35, 0.95)))
    dark = as_vec3(np.array(light) * rng.uniform(0.45, 0.85) * np.array([1.0, 0.93, 0.85]))
    return GrainFill(
        seed=int(rng.integers(MAX_SEED)),
        palette_srgb=(light, dark),
        rings=float(np.exp(rng.uniform(np.log(4.0), np.log(40.0)))),
        n_boards=int(rng.choice([1, 1, 2, 3, 4, 6])),
        knottiness=float(rng.uniform(0.1, 1.0)),
    )


def sample_weave(rng: np.random.Generator) -> WeaveFill:
    """Cloth: half of it plain, the rest striped or checked in one to three more colours."""
    n_stripes = 0 if rng.random() < 0.5 else int(rng.integers(1, 4))
    return WeaveFill(
        seed=int(rng.integers(MAX_SEED)),
        palette_srgb=(random_color(rng), *(random_color(rng) for _ in range(n_stripes))),
        threads=int(rng.integers(40, 200)),
        stripe_rel=float(np.exp(rng.uniform(np.log(0.05), np.log(0.5)))),
        checked=bool(rng.random() < 0.6),
    )


def sample_speckle(rng: np.random.Generator) -> SpeckleFill:
    """Stone, terrazzo, felt: mostly grey to beige with specks near the ground's colour, sometimes any colours."""
    lively = rng.random() < 0.3
    ground = random_color(rng) if lively else _stone(rng)
    specks = [random_color(rng) if lively else _stone(rng) for _ in range(int(rng.integers(1, 4)))]
    return SpeckleFill(
        seed=int(rng.integers(MAX_SEED)),
        palette_srgb=(ground, *specks),
        speck_rel=float(np.exp(rng.uniform(np.log(0.006), np.log(0.06)))),
        density=float(rng.uniform(0.1, 0.6)),
    )


def _stone(rng: np.random.Generator) -> Vec3:
    return as_vec3(colorsys.hsv_to_rgb(rng.uniform(0.03, 0.16), rng.uniform(0.0, 0.2), rng.uniform(0.15, 0.95)))
