"""Occluders: patches and hands that come in over the subject's edge and hide no more than a share of it."""

from __future__ import annotations

import math

import numpy as np

from photosynth.core.distributions import Scalar, Uniform, sample
from photosynth.core.scene import Occluder, Patch
from photosynth.sample.background import EdgeRecipe, sample_patch
from photosynth.sample.fill import FillSource, FillWeights
from photosynth.sample.hand import LEAST_COVER, HandRecipe, sample_hand
from photosynth.sample.outline import sample_outline
from photosynth.sample.polygon import area, clip, convex_hull, frame_polygon, point_on_edge
from photosynth.sample.ranges import require_share, require_support

SHRINK = 0.85


class OccluderRecipe(HandRecipe, frozen=True, kw_only=True):
    """What stands before the subject, in the picture plane."""

    patch_share: float = 0.3
    """Probability of a flat thing over the subject's edge, 0..1."""
    hand_share: float = 0.3
    """Probability of a hand that holds it, 0..1; a hand that would hide more than max_cover leaves is not drawn."""
    max_cover: float = 0.35
    """Largest share of the subject (of the area of its box's convex outline, inside the picture) that all together
    hide. A hand is then moved on to the outline of the subject itself, of which it hides more if that fills little of
    its box."""
    patch_kinds: FillWeights = FillWeights(photo=3.0, environment=0.5, mesh=0.5, plain=2.0, print=3.0)
    """What flat things show: weights."""
    patch_size: Scalar = Uniform(low=0.15, high=0.6)
    """Their size from centre to corner, in square roots of the subject's area; they shrink to obey max_cover."""
    shadow_share: float = 0.6
    """Probability that a flat thing drops a shadow."""
    shadow_strength: Scalar = Uniform(low=0.15, high=0.7)
    """Share of linear light that it takes where it is darkest: 0 none, 1 all."""
    edges: EdgeRecipe = EdgeRecipe()
    """Edges and shadows of flat things."""

    def __post_init__(self) -> None:
        HandRecipe.__post_init__(self)
        require_share(
            patch_share=self.patch_share,
            hand_share=self.hand_share,
            shadow_share=self.shadow_share,
        )
        if not LEAST_COVER <= self.max_cover <= 1.0:
            raise ValueError(f"max_cover must lie in {LEAST_COVER}..1, got {self.max_cover}")
        require_support("patch_size", self.patch_size, high=3.0, above=0.0)
        require_support("shadow_strength", self.shadow_strength, 0.0, 1.0)


def sample_occluders(
    recipe: OccluderRecipe,
    source: FillSource,
    subject_px: np.ndarray,
    patch_rng: np.random.Generator,
    hand_rng: np.random.Generator,
    metre_px: float | None = None,
) -> tuple[Occluder, ...]:
    """The occluders of a scene.

    Args:
        recipe: which, how often, how large.
        source: what patches may show.
        subject_px: (n, 2) pixels of the corners of the subject's box.
        patch_rng: draws the patch.
        hand_rng: draws the hand.
        metre_px: pixels of a metre at the subject's distance; None if the subject's size is unknown.
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
        hand = sample_hand(recipe, source.camera.size_wh, subject, budget, metre_px, hand_rng)
        found += [] if hand is None else [hand]
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


def cover_share(shapes: list[np.ndarray], subject: np.ndarray) -> float:
    """Share of a convex polygon covered by shapes; overlaps count twice, so it is never too small."""
    return sum(area(clip(shape, subject)) for shape in shapes) / area(subject)
