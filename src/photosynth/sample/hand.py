"""Hands: how large the hand before a subject is, which fingers reach over the edge, and how far."""

from __future__ import annotations

import math

import numpy as np
from msgspec.structs import replace

from photosynth.core.distributions import Discrete, LogUniform, Normal, Scalar, TruncatedNormal, Uniform, sample
from photosynth.core.hand import covered_by, hand_axes, hand_limbs
from photosynth.core.record import Record
from photosynth.core.scene import Hand
from photosynth.sample.color import random_skin
from photosynth.sample.material import MAX_SEED
from photosynth.sample.polygon import area, point_on_edge
from photosynth.sample.ranges import require_count, require_support

LEAST_COVER = 0.02
"""An occluder for which less than this share is left is not drawn at all."""
LAG = (0.35, 0.0, 0.3, 1.1, 1.4)
"""How much less far than the middle finger each reaches, in finger widths: index, middle, ring, little, thumb."""
LEAST_LENGTH = 0.6
"""Of a finger over the edge, in finger widths: a fingertip."""
STEP = 0.3
"""By which fingers are made longer or shorter to hide as much as wanted, in finger widths."""
MOST_LENGTH = 8.0
"""To hide more, a hand is not pushed farther over the edge than this, but made larger."""
SHRINK, GROW = 0.92, 1.04
LEAST_SHARE, MOST_SHARE = 0.7, 1.5
"""Smallest and largest hand of one drawn finger width, when its true size is known."""
LATTICE = 32
"""What a hand hides is counted on so many points along each side of the subject's bounding box."""


class HandRecipe(Record, frozen=True, kw_only=True):
    """What hands are like."""

    hand_cover: Scalar | None = None
    """Share of the subject (see max_cover) that a hand hides: its fingers and palm reach as far over the edge as that
    takes, and if that is not enough the hand is larger (up to 1.5 times where sizes are known). If absent, it follows
    from the widths and lengths of fingers."""
    hand_aim_deg: Scalar = Normal(mean=0.0, sd=17.0)
    """Angle in the picture, in degrees, between the fingers and the way to the middle of the subject."""
    wrist_bend_deg: Scalar = TruncatedNormal(mean=0.0, sd=15.0, low=-35.0, high=35.0)
    """Angle in the picture, in degrees, between forearm and hand."""
    finger_width_m: Scalar = TruncatedNormal(mean=0.018, sd=0.002, low=0.013, high=0.023)
    """Width of a finger in metres: 18 mm is a grown-up's. Used where the size of the subject is known, and in all
    arrangements, whose things have true sizes or group.common_diagonal_m."""
    finger_width: Scalar = LogUniform(low=0.07, high=0.2)
    """The same in square roots of the subject's area in the picture, for one subject of unknown size."""
    finger_count: Scalar = Discrete(values=(1, 2, 3, 4), weights=(2, 1, 1.5, 3))
    """Fingers that reach over the edge, a count of 1 to 5; the fifth is the thumb. The others are curled."""
    finger_length: Scalar = Uniform(low=1.2, high=4.5)
    """How far the longest reaches over the edge, in finger widths; a whole finger has about 4.7."""
    finger_stagger: Scalar = Normal(mean=0.0, sd=0.25)
    """What each reaches farther than a hand laid flat would, in finger widths."""
    finger_fan_deg: Scalar = Uniform(low=-3.0, high=7.0)
    """Angle in degrees between the outer halves of neighbouring fingers; above 0 they spread."""
    finger_bend_deg: Scalar = Normal(mean=0.0, sd=4.0)
    """Angle in the picture, in degrees, by which the outer half of each turns sideways on top of that."""

    def __post_init__(self) -> None:
        if self.hand_cover is not None:
            require_support("hand_cover", self.hand_cover, LEAST_COVER, 1.0)
        require_support("wrist_bend_deg", self.wrist_bend_deg, -80.0, 80.0)
        require_support("finger_width_m", self.finger_width_m, 0.005, 0.1)
        require_support("finger_width", self.finger_width, high=1.0, above=0.0)
        require_count("finger_count", self.finger_count, 1, 5)
        require_support("finger_length", self.finger_length, high=10.0, above=0.0)


def sample_hand(
    recipe: HandRecipe,
    size_wh: tuple[int, int],
    subject: np.ndarray,
    budget: float,
    metre_px: float | None,
    rng: np.random.Generator,
) -> Hand | None:
    """A hand whose fingers cross the subject's outline and point about at its middle; None if any would hide too much.

    Args:
        recipe: what it is like.
        size_wh: of the picture.
        subject: (n, 2) pixels, the corners of a convex outline.
        budget: largest share of it that may be hidden.
        metre_px: pixels of a metre at the subject's distance; None if its size is unknown.
        rng: draws the hand.
    """
    anchor = point_on_edge(subject, rng)
    towards = subject.mean(axis=0) - anchor
    inward = math.atan2(towards[1], towards[0]) + math.radians(sample(recipe.hand_aim_deg, rng))
    drawn = Hand(
        anchor_rel=(float(anchor[0] / size_wh[0]), float(anchor[1] / size_wh[1])),
        inward_rad=float(inward),
        finger_width_rel=_finger_width_px(recipe, subject, metre_px, rng) / min(size_wh),
        fingers=_sample_fingers(recipe, rng),
        mirrored=bool(rng.random() < 0.5),
        wrist_rad=math.radians(sample(recipe.wrist_bend_deg, rng)),
        skin_srgb=random_skin(rng),
        seed=int(rng.integers(MAX_SEED)),
    )
    points, wanted = _lattice(subject), None if recipe.hand_cover is None else sample(recipe.hand_cover, rng)
    hand = drawn if wanted is None else _enlarged(drawn, size_wh, points, wanted, metre_px is not None)
    return _reduced(hand, size_wh, points, budget)


def hidden_share(hand: Hand, size_wh: tuple[int, int], points_px: np.ndarray) -> float:
    """Share of (n, 2) points of the picture that lie under a hand."""
    anchor, finger_px = np.array(hand.anchor_rel) * size_wh, hand.finger_width_rel * min(size_wh)
    local = (points_px - anchor) @ hand_axes(hand.inward_rad).T / finger_px
    return float(covered_by(hand_limbs(hand.fingers, hand.mirrored, hand.wrist_rad), local).mean())


def _finger_width_px(
    recipe: HandRecipe, subject: np.ndarray, metre_px: float | None, rng: np.random.Generator
) -> float:
    if metre_px is not None:
        return sample(recipe.finger_width_m, rng) * metre_px
    return sample(recipe.finger_width, rng) * math.sqrt(area(subject))


def _sample_fingers(recipe: HandRecipe, rng: np.random.Generator) -> tuple[tuple[float, float], ...]:
    count = round(sample(recipe.finger_count, rng))
    reach, fan_deg = sample(recipe.finger_length, rng), sample(recipe.finger_fan_deg, rng)
    return tuple(
        (
            max(LEAST_LENGTH, reach + min(LAG[:count]) - LAG[k] + sample(recipe.finger_stagger, rng)),
            math.radians(fan_deg * (k - (min(count, 4) - 1) / 2) * (k < 4) + sample(recipe.finger_bend_deg, rng)),
        )
        for k in range(count)
    )


def _lattice(subject: np.ndarray) -> np.ndarray:
    """(n, 2) points inside a positively turned convex polygon, on a lattice; its middle if none is."""
    low, high = subject.min(axis=0), subject.max(axis=0)
    steps = (np.arange(LATTICE) + 0.5) / LATTICE
    points = low + np.stack(np.meshgrid(steps, steps), axis=-1).reshape(-1, 2) * (high - low)
    edges = np.roll(subject, -1, axis=0) - subject
    away = points[:, None] - subject
    inside = (edges[:, 0] * away[..., 1] - edges[:, 1] * away[..., 0] >= 0).all(axis=1)
    return points[inside] if inside.any() else subject.mean(axis=0)[None]


def _enlarged(hand: Hand, size_wh: tuple[int, int], points: np.ndarray, wanted: float, true_size: bool) -> Hand:
    """The hand pushed over the edge, and then made larger, until it hides as much as wanted."""
    most_width = hand.finger_width_rel * (MOST_SHARE if true_size else math.inf)
    while hidden_share(hand, size_wh, points) < wanted:
        if max(length for length, _ in hand.fingers) < MOST_LENGTH:
            hand = _longer(hand, STEP)
        elif hand.finger_width_rel * GROW <= most_width:
            hand = replace(hand, finger_width_rel=hand.finger_width_rel * GROW)
        else:
            break
    return hand


def _reduced(hand: Hand, size_wh: tuple[int, int], points: np.ndarray, budget: float) -> Hand | None:
    """The hand drawn back over the edge, then with fewer fingers, then made smaller, until it hides no more than
    allowed."""
    least_width = hand.finger_width_rel * LEAST_SHARE
    while hidden_share(hand, size_wh, points) > budget:
        if max(length for length, _ in hand.fingers) > LEAST_LENGTH:
            hand = _longer(hand, -STEP)
        elif len(hand.fingers) > 1:
            hand = replace(hand, fingers=hand.fingers[:-1])
        elif hand.finger_width_rel * SHRINK >= least_width:
            hand = replace(hand, finger_width_rel=hand.finger_width_rel * SHRINK)
        else:
            return None
    return hand


def _longer(hand: Hand, by: float) -> Hand:
    return replace(hand, fingers=tuple((max(LEAST_LENGTH, length + by), bend) for length, bend in hand.fingers))
