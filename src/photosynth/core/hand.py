"""Hand: where the parts of a hand lie in the picture plane, for whoever draws it or asks what it hides.

Everything is in finger widths (about 18 mm of a grown-up's hand), in the hand's own axes: the origin is where the
middle of the fingers that are seen crosses the object's edge, +x the way they point, +y across them, away from the
thumb. A hand has the proportions of a whole one however few of its fingers reach over the edge; the others are curled.
"""

from __future__ import annotations

import numpy as np

from photosynth.core.geometry import Vec2

FINGER_SPACING = 1.02
"""Between the middles of neighbouring fingers."""
FINGER_SIZE = (0.97, 1.0, 0.96, 0.84)
"""Widths of index, middle, ring and little finger."""
FINGER_REACH = 4.7
"""From the knuckle to the tip of the longest finger: one that reaches farther takes the palm over the edge."""
FARTHEST_KNUCKLE = 1.9
"""The knuckles are at most this far behind the edge: fingers that reach little are bent round it."""
CURLED = 1.15
"""How far a curled finger stands out over the knuckles."""
PALM_LENGTH = 4.9
"""From the knuckles to the wrist."""
WRIST_RADIUS, ELBOW_RADIUS, FOREARM_LENGTH = 1.6, 2.35, 13.0
ARM_LENGTH = 400.0
"""Of the arm in a picture: it always leaves it."""
THUMB = 4
"""Place of the thumb among the fingers: the last."""


def hand_limbs(fingers: tuple[Vec2, ...], mirrored: bool = False, wrist_rad: float = 0.0) -> np.ndarray:
    """The limbs of a hand, (n, 7): x, y and radius at the start, the same at the end, and the thickness towards the
    viewer as a share of the radius. Each is the outline of two discs and what lies between them.

    Args:
        fingers: those that reach over the edge, 1 to 5: index, middle, ring, little finger, thumb. Length over the
            edge, and the bend of the outer half in radians.
        mirrored: +y points towards the thumb.
        wrist_rad: the arm's turn at the wrist.
    """
    n_seen = min(len(fingers), THUMB)
    slots = FINGER_SPACING * (np.arange(THUMB) - (n_seen - 1) / 2)
    knuckle, middle = _knuckle(fingers[:n_seen]), float(slots.mean())
    limbs = _arm(knuckle, middle, wrist_rad) + _palm(knuckle, middle, slots)
    limbs += _thumb(knuckle, middle, fingers[THUMB] if len(fingers) > THUMB else None)
    for slot in range(THUMB):
        seen = fingers[slot] if slot < n_seen else (knuckle + CURLED, 0.0)
        limbs += _finger(knuckle, float(slots[slot]), FINGER_SIZE[slot], *seen)
    found = np.array(limbs)
    if mirrored:
        found[:, [1, 4]] *= -1.0
    return found


def covered_by(limbs: np.ndarray, points: np.ndarray) -> np.ndarray:
    """(m,) bool: which of (m, 2) points, in the hand's axes, lie under a limb."""
    start, end, low, high = limbs[:, None, 0:2], limbs[:, None, 3:5], limbs[:, 2, None], limbs[:, 5, None]
    along = end - start
    t = ((points - start) * along).sum(axis=2) / np.maximum((along**2).sum(axis=2), 1e-12)
    t = np.clip(t, 0.0, 1.0)
    away = np.linalg.norm(points - start - t[..., None] * along, axis=2)
    return (away <= low + t * (high - low)).any(axis=0)


def hand_axes(inward_rad: float) -> np.ndarray:
    """(2, 2): rows are the hand's axes in the picture, where y points down."""
    c, s = np.cos(inward_rad), np.sin(inward_rad)
    return np.array([[c, s], [-s, c]])


def _knuckle(fingers: tuple[Vec2, ...]) -> float:
    """How far over the edge the knuckles are; below 0 before it."""
    return max(max(length for length, _ in fingers) - FINGER_REACH, -FARTHEST_KNUCKLE)


def _finger(knuckle: float, y: float, size: float, length: float, bend_rad: float) -> list[tuple[float, ...]]:
    """From the knuckle straight to the joint half-way, then bent."""
    tip_radius = 0.41 * size
    out = max(length - tip_radius - knuckle, 0.2)
    joint = (knuckle + out / 2, y)
    tip = (joint[0] + out / 2 * np.cos(bend_rad), y + out / 2 * np.sin(bend_rad))
    return [
        (knuckle, y, 0.53 * size, *joint, 0.49 * size, 1.0),
        (*joint, 0.49 * size, *tip, tip_radius, 1.0),
    ]


def _palm(knuckle: float, middle: float, slots: np.ndarray) -> list[tuple[float, ...]]:
    """The hand's back: a bone for each finger over a flat body."""
    bones = [
        (knuckle, float(y), 0.57, knuckle - PALM_LENGTH, middle + 0.5 * (float(y) - middle), 0.72, 0.85) for y in slots
    ]
    body = (knuckle - 1.1, middle, 1.95, knuckle - PALM_LENGTH + 0.9, middle, 1.7, 0.42)
    return [body, *bones]


def _thumb(knuckle: float, middle: float, seen: Vec2 | None) -> list[tuple[float, ...]]:
    """Laid along the hand's side, or over the edge beside the fingers if it is seen."""
    root, joint = (knuckle - 4.1, middle - 1.25), (knuckle - 2.3, middle - 2.55)
    reach = knuckle + 0.1 if seen is None else min(seen[0] - 0.45, joint[0] + 4.2)
    bend_rad = 0.35 if seen is None else 0.1 + seen[1]
    out = max(reach - joint[0], 1.2)
    knee = (joint[0] + out / 2, joint[1] - 0.4)
    tip = (knee[0] + out / 2 * np.cos(bend_rad), knee[1] + out / 2 * np.sin(bend_rad))
    return [(*root, 1.0, *joint, 0.72, 0.8), (*joint, 0.68, *knee, 0.56, 1.0), (*knee, 0.56, *tip, 0.45, 1.0)]


def _arm(knuckle: float, middle: float, wrist_rad: float) -> list[tuple[float, ...]]:
    """From the wrist to far outside the picture."""
    wrist = np.array([knuckle - PALM_LENGTH, middle])
    back = -np.array([np.cos(wrist_rad), np.sin(wrist_rad)])
    elbow, end = wrist + back * FOREARM_LENGTH, wrist + back * ARM_LENGTH
    return [
        (*wrist, WRIST_RADIUS, *elbow, ELBOW_RADIUS, 0.75),
        (*elbow, ELBOW_RADIUS, *end, ELBOW_RADIUS, 0.75),
    ]
