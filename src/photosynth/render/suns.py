"""Suns: what is cut out of an environment map because it is too bright for one, as distant round lamps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from photosynth.render.color import LUMINANCE

SUN_RAD = np.radians(10.0)
"""Light this far about a middle is one sun; a longer lamp is several."""
MAX_SUNS = 3
"""Each costs the engines a lamp: the strongest are taken."""
LEAST_SHARE = 0.03
"""A sun has at least this share of the map's light. If less than this is cut off of the whole map, it is dropped."""
MAX_LAMPS = 64
"""Lamps that are told apart in one map."""
SETTLED = 8
"""Rounds in which the middle of a lamp is found."""


@dataclass(frozen=True)
class Sun:
    """A distant lamp, in the frame of its map.

    direction: unit vector towards it. irradiance_linear: on a surface that faces it, per channel, in units of the
    map's radiance (times steradian). radius_rad: its angular radius.
    """

    direction: tuple[float, float, float]
    irradiance_linear: tuple[float, float, float]
    radius_rad: float


def find_suns(
    directions: np.ndarray, radiance: np.ndarray, areas_sr: np.ndarray, all_light: float
) -> tuple[tuple[Sun, ...], np.ndarray]:
    """Gather what was cut off into suns.

    Middles are found as in mean shift (Comaniciu and Meer, IEEE PAMI 2002), from the brightest pixel that is left.

    Args:
        directions: (n, 3) unit vectors to the pixels that lost light.
        radiance: (n, 3), what each lost.
        areas_sr: (n,), their solid angles.
        all_light: the whole map's luminance times solid angle, with what was cut off.

    Returns:
        The suns, at most MAX_SUNS, the strongest first; and (n,) bool, which pixels they take the light of.
    """
    luminance = radiance @ LUMINANCE
    light = luminance * areas_sr
    left, lamps = np.ones(len(light), bool), []
    while len(lamps) < MAX_LAMPS and light[left].sum() >= LEAST_SHARE * all_light:
        middle = directions[np.argmax(np.where(left, luminance, -1.0))]
        for _ in range(SETTLED):
            near = left & (directions @ middle > np.cos(SUN_RAD))
            total = (directions[near] * light[near, None]).sum(axis=0)
            middle = total / np.linalg.norm(total)
        near = left & (directions @ middle > np.cos(SUN_RAD))
        left &= ~near
        lamps.append((float(light[near].sum()), near, middle))
    strong = sorted((one for one in lamps if one[0] >= LEAST_SHARE * all_light), key=lambda one: -one[0])[:MAX_SUNS]
    taken = np.zeros(len(light), bool)
    for _, near, _ in strong:
        taken |= near
    return tuple(_sun(directions[n], radiance[n], areas_sr[n], middle) for _, n, middle in strong), taken


def _sun(directions: np.ndarray, radiance: np.ndarray, areas_sr: np.ndarray, middle: np.ndarray) -> Sun:
    """The disc with the irradiance of these pixels. Its solid angle is (sum of light)^2 / sum of (light^2 / area): the
    pixels' own if all are as bright, less if a few outshine the others."""
    irradiance = (radiance * (areas_sr * (directions @ middle))[:, None]).sum(axis=0)
    light = (radiance @ LUMINANCE) * areas_sr
    disc_sr = float(light.sum() ** 2 / (light**2 / areas_sr).sum())
    return Sun(
        direction=tuple(map(float, middle)),
        irradiance_linear=tuple(map(float, irradiance)),
        radius_rad=float(np.arccos(1 - disc_sr / (2 * np.pi))),
    )
