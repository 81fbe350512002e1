"""Occluders: patches and hands that come in over the subject's edge and hide no more than a share of it."""

from __future__ import annotations

import math

import numpy as np

from photosynth.core.distributions import Discrete, LogUniform, Normal, Scalar, Uniform, sample
from photosynth.core.record import Record
from photosynth.core.scene import Hand, Occluder, Patch
from photosynth.sample.background import EdgeRecipe, sample_patch
from photosynth.sample.color import random_skin
from photosynth.sample.fill import MAX_SEED, FillSource, FillWeights
from photosynth.sample.outline import sample_outline
from photosynth.sample.polygon import area, clip, convex_hull, frame_polygon, point_on_edge
from photosynth.sample.ranges import require_count, require_share, require_support

SHRINK, GROW = 0.85, 1.04
LEAST_COVER = 0.02
"""An occluder for which less than this share is left is not drawn at all."""


class OccluderRecipe(Record, frozen=True, kw_only=True):
    """What stands before the subject, in the picture plane."""

    patch_share: float = 0.3
    """Probability of a flat thing over the subject's edge."""
    hand_share: float = 0.3
    """Probability of a hand that holds it."""
    max_cover: float = 0.35
    """Largest share of the subject (the convex outline of its box, inside the picture) hidden by all together."""
    patch_kinds: FillWeights = FillWeights(photo=3.0, environment=0.5, mesh=0.5, plain=2.0, print=3.0)
    """What flat things show."""
    patch_size: Scalar = Uniform(low=0.15, high=0.6)
    """Their size from centre to corner, in square roots of the subject's area; they shrink to obey max_cover."""
    shadow_share: float = 0.6
    """Probability that one drops a shadow."""
    shadow_strength: Scalar = Uniform(low=0.15, high=0.7)
    """How dark that is."""
    edges: EdgeRecipe = EdgeRecipe()
    """Edges and shadows of flat things."""
    hand_cover: Scalar | None = None
    """Share of the subject that a hand hides; if absent, it follows from finger_width and finger_length."""
    finger_width: Scalar = LogUniform(low=0.07, high=0.2)
    """Of a hand, in square roots of the subject's area."""
    finger_count: Scalar = Discrete(values=(1, 2, 3, 4), weights=(2, 1, 1.5, 3))
    """Fingers that reach over the edge, 1 to 5."""
    finger_length: Scalar = Uniform(low=1.2, high=4.5)
    """How far each reaches, in finger widths."""
    finger_bend_deg: Scalar = Normal(mean=0.0, sd=12.0)
    """How much each bends."""

    def __post_init__(self) -> None:
        require_share(
            patch_share=self.patch_share,
            hand_share=self.hand_share,
            shadow_share=self.shadow_share,
        )
        if not LEAST_COVER <= self.max_cover <= 1.0:
            raise ValueError(f"max_cover must lie in {LEAST_COVER}..1, got {self.max_cover}")
        if self.hand_cover is not None:
            require_support("hand_cover", self.hand_cover, LEAST_COVER, 1.0)
        require_support("patch_size", self.patch_size, high=3.0, above=0.0)
        require_support("shadow_strength", self.shadow_strength, 0.0, 1.0)
        require_support("finger_width", self.finger_width, high=1.0, above=0.0)
        require_count("finger_count", self.finger_count, 1, 5)
        require_support("finger_length", self.finger_length, high=10.0, above=0.0)


def sample_occluders(
    recipe: OccluderRecipe,
    source: FillSource,
    subject_px: np.ndarray,
    patch_rng: np.random.Generator,
    hand_rng: np.random.Generator,
) -> tuple[Occluder, ...]:
    """The occluders of a scene.

    Args:
        recipe: which, how often, how large.
        source: what patches may show.
        subject_px: (n, 2) pixels of the corners of the subject's box.
        patch_rng: draws the patch.
        hand_rng: draws the hand.
    """
    subject = clip(convex_hull(subject_px), frame_polygon(source.camera.size_wh))
    if area(subject) < 1.0:
        return ()
    found: list[Occluder] = []
    budget = recipe.max_cover
    if patch_rng.random() < recipe.patch_share:
        patch, cover = _sample_patch(recipe, source, subject, budget, patch_rng)
        budget -= cover
        found.append(patch)
    if hand_rng.random() < recipe.hand_share and budget >= LEAST_COVER:
        found.append(_sample_hand(recipe, source.camera.size_wh, subject, budget, hand_rng))
    return tuple(found)


def _sample_patch(
    recipe: OccluderRecipe, source: FillSource, subject: np.ndarray, budget: float, rng: np.random.Generator
) -> tuple[Patch, float]:
    """A patch whose centre lies on the subject's outline, and the share of the subject that it hides."""
    centre, shape = point_on_edge(subject, rng), sample_outline(rng)
    radius = sample(recipe.patch_size, rng) * math.sqrt(area(subject))
    while cover_share([centre + shape * radius], subject) > budget:
        radius *= SHRINK
    outline = centre + shape * radius
    patch = sample_patch(
        outline, recipe.patch_kinds, recipe.shadow_share, recipe.shadow_strength, recipe.edges, source, rng
    )
    return patch, cover_share([outline], subject)


def _sample_hand(
    recipe: OccluderRecipe, size_wh: tuple[int, int], subject: np.ndarray, budget: float, rng: np.random.Generator
) -> Hand:
    """A hand whose fingers cross the subject's outline and point about at its middle."""
    anchor = point_on_edge(subject, rng)
    towards = subject.mean(axis=0) - anchor
    inward = math.atan2(towards[1], towards[0]) + rng.normal(0.0, 0.3)
    width = sample(recipe.finger_width, rng) * math.sqrt(area(subject))
    fingers = tuple(
        (sample(recipe.finger_length, rng), math.radians(sample(recipe.finger_bend_deg, rng)))
        for _ in range(round(sample(recipe.finger_count, rng)))
    )
    if recipe.hand_cover is not None:
        wanted = sample(recipe.hand_cover, rng)
        while cover_share(hand_polygons(anchor, inward, width, fingers), subject) < wanted:
            width *= GROW
    while cover_share(hand_polygons(anchor, inward, width, fingers), subject) > budget:
        width *= SHRINK
    return Hand(
        anchor_rel=(float(anchor[0] / size_wh[0]), float(anchor[1] / size_wh[1])),
        inward_rad=float(inward),
        finger_width_rel=float(width / min(size_wh)),
        fingers=fingers,
        skin_srgb=random_skin(rng),
        seed=int(rng.integers(MAX_SEED)),
    )


def cover_share(shapes: list[np.ndarray], subject: np.ndarray) -> float:
    """Share of a convex polygon covered by shapes; overlaps count twice, so it is never too small."""
    return sum(area(clip(shape, subject)) for shape in shapes) / area(subject)


def hand_polygons(
    anchor_px: np.ndarray, inward_rad: float, width_px: float, fingers: tuple[tuple[float, float], ...]
) -> list[np.ndarray]:
    """About where a hand lies: a strip for each finger, side by side across the anchor, then a round palm."""
    inward = np.array([math.cos(inward_rad), math.sin(inward_rad)])
    across = np.array([-inward[1], inward[0]])
    middle = (len(fingers) - 1) / 2
    shapes = []
    for k, (length, _) in enumerate(fingers):
        root = anchor_px + across * width_px * 1.12 * (k - middle)
        tip = root + inward * width_px * (length + 0.5)
        back, side = root - inward * width_px * 3.0, across * width_px * 0.56
        shapes.append(np.array([back - side, tip - side, tip + side, back + side]))
    angles = np.linspace(0.0, 2 * math.pi, 16, endpoint=False)
    palm, radius = anchor_px - inward * width_px * 3.2, width_px * (0.75 * len(fingers) + 0.6)
    shapes.append(palm + radius * np.stack([np.cos(angles), np.sin(angles)], axis=1))
    return shapes
