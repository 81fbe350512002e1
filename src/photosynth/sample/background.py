"""Backgrounds: what lies behind the objects, and the clutter on it."""

from __future__ import annotations

import numpy as np

from photosynth.core.distributions import Discrete, LogUniform, Normal, Scalar, Uniform, sample
from photosynth.core.record import Record
from photosynth.core.scene import Background, Patch
from photosynth.sample.fill import FillSource, FillWeights, sample_fill
from photosynth.sample.outline import bounding_aspect, sample_outline
from photosynth.sample.ranges import require_count, require_share, require_support


class EdgeRecipe(Record, frozen=True, kw_only=True):
    """Edge and shadow of a flat thing. Lengths are fractions of the picture's shorter side."""

    softness_rel: Scalar = LogUniform(low=0.001, high=0.006)
    """Standard deviation of the Gaussian blur of its edge: 0.004 is one pixel of 256."""
    shadow_offset_rel: Scalar = Normal(mean=0.0, sd=0.02)
    """Where its shadow falls, for x and y alike, as a fraction of that side: 0.02 is five pixels of 256."""
    shadow_blur_rel: Scalar = LogUniform(low=0.008, high=0.05)
    """Standard deviation of the Gaussian blur of its shadow: 0.02 is five pixels of 256."""

    def __post_init__(self) -> None:
        require_support("softness_rel", self.softness_rel, 0.0, 0.2)
        require_support("shadow_blur_rel", self.shadow_blur_rel, 0.0, 1.0)


class BackgroundRecipe(Record, frozen=True, kw_only=True):
    """What lies behind the objects."""

    kinds: FillWeights = FillWeights(photo=5.0, environment=3.0, mesh=0.5, plain=0.8, print=1.2)
    """How often each kind of fill covers the whole picture: weights."""
    clutter_count: Scalar = Discrete(values=(0, 1, 2, 3, 4, 5, 6), weights=(4, 2, 2, 2, 1.5, 1, 0.5))
    """Flat things lying about behind the objects, a count of 0 to 32."""
    clutter_kinds: FillWeights = FillWeights(photo=3.0, environment=0.5, mesh=0.5, plain=2.0, print=4.0)
    """What they show, packages, papers, pieces of photos: weights."""
    clutter_size_rel: Scalar = LogUniform(low=0.06, high=0.4)
    """Their size from centre to corner, as a fraction of the picture's shorter side."""
    shadow_share: float = 0.6
    """Probability that a piece of clutter has a shadow."""
    shadow_strength: Scalar = Uniform(low=0.15, high=0.7)
    """Share of linear light that it takes where it is darkest: 0 none, 1 all."""
    edges: EdgeRecipe = EdgeRecipe()
    """Edges and shadows of clutter."""
    match_share: float = 0.85
    """Probability that the background's brightness is tied to the objects'."""
    match_luminance: Scalar = LogUniform(low=0.35, high=3.0)
    """Mean linear luminance (Rec. 709) of the background as a multiple of the objects', when tied; the gain stays
    within 1/8 to 8."""
    contact_share: float = 0.5
    """Probability that the objects drop a soft shadow on the background."""
    contact_strength: Scalar = Uniform(low=0.15, high=0.75)
    """Share of linear light that it takes where it is darkest: 0 none, 1 all."""
    contact_offset_rel: Scalar = Normal(mean=0.0, sd=0.025)
    """Where it falls beside the objects, for x and y alike, as a fraction of the picture's shorter side."""
    contact_blur_rel: Scalar = LogUniform(low=0.01, high=0.06)
    """Standard deviation of its Gaussian blur, as a fraction of the picture's shorter side."""

    def __post_init__(self) -> None:
        require_count("clutter_count", self.clutter_count, 0, 32)
        require_support("clutter_size_rel", self.clutter_size_rel, high=2.0, above=0.0)
        require_share(shadow_share=self.shadow_share, match_share=self.match_share, contact_share=self.contact_share)
        require_support("shadow_strength", self.shadow_strength, 0.0, 1.0)
        require_support("match_luminance", self.match_luminance, above=0.0)
        require_support("contact_strength", self.contact_strength, 0.0, 1.0)
        require_support("contact_blur_rel", self.contact_blur_rel, 0.0, 1.0)


def sample_background(
    recipe: BackgroundRecipe, source: FillSource, rng: np.random.Generator, clutter_rng: np.random.Generator
) -> Background:
    """A background for the scene that `source` describes; clutter has a stream of its own."""
    width, height = source.camera.size_wh
    fill = sample_fill(recipe.kinds, source, width / height, rng, whole=True)
    tied, contact = rng.random() < recipe.match_share, rng.random() < recipe.contact_share
    return Background(
        fill=fill,
        clutter=_sample_clutter(recipe, source, clutter_rng),
        match_luminance=sample(recipe.match_luminance, rng) if tied else None,
        contact_shadow=sample(recipe.contact_strength, rng) if contact else 0.0,
        contact_offset_rel=(sample(recipe.contact_offset_rel, rng), sample(recipe.contact_offset_rel, rng)),
        contact_blur_rel=sample(recipe.contact_blur_rel, rng),
    )


def _sample_clutter(recipe: BackgroundRecipe, source: FillSource, rng: np.random.Generator) -> tuple[Patch, ...]:
    size = np.array(source.camera.size_wh, dtype=float)
    patches = []
    for _ in range(round(sample(recipe.clutter_count, rng))):
        centre, radius = rng.random(2) * size, sample(recipe.clutter_size_rel, rng) * size.min()
        outline = centre + sample_outline(rng) * radius
        patches.append(
            sample_patch(
                outline, recipe.clutter_kinds, recipe.shadow_share, recipe.shadow_strength, recipe.edges, source, rng
            )
        )
    return tuple(patches)


def sample_patch(
    outline_px: np.ndarray,
    kinds: FillWeights,
    shadow_share: float,
    shadow_strength: Scalar,
    edges: EdgeRecipe,
    source: FillSource,
    rng: np.random.Generator,
) -> Patch:
    """A patch with that outline, (n, 2) in pixels, with a drawn fill, edge and shadow."""
    fill = sample_fill(kinds, source, bounding_aspect(outline_px), rng)
    shadowed = rng.random() < shadow_share
    offset = (sample(edges.shadow_offset_rel, rng), sample(edges.shadow_offset_rel, rng))
    return Patch(
        outline_rel=tuple((float(x), float(y)) for x, y in outline_px / np.array(source.camera.size_wh, dtype=float)),
        fill=fill,
        softness_rel=sample(edges.softness_rel, rng),
        shadow_strength=sample(shadow_strength, rng) if shadowed else 0.0,
        shadow_offset_rel=offset,
        shadow_blur_rel=sample(edges.shadow_blur_rel, rng),
    )
