"""Materials: colours and patterns of wood, cloth and stone."""

from __future__ import annotations

import colorsys

import numpy as np

from photosynth.core.distributions import LogUniform, Scalar, Uniform, Whole, sample
from photosynth.core.geometry import Vec3
from photosynth.core.record import Record
from photosynth.core.scene import GrainFill, SpeckleFill, WeaveFill
from photosynth.sample.color import as_vec3, random_color
from photosynth.sample.ranges import require_count, require_share, require_support

MAX_SEED = 2**31
LATE_WOOD_TINT = np.array([1.0, 0.93, 0.85])
"""Late wood is redder than early wood."""


class GrainRecipe(Record, frozen=True, kw_only=True):
    """Wood from birch to wenge, sometimes stained or painted in any colour; veneer or boards. Colours are in HSV,
    each of 0..1, of sRGB values; woods lie between red (0) and yellow (1/6)."""

    painted_share: float = 0.12
    """Probability of any colour instead of a wood's."""
    hue: Scalar = Uniform(low=0.045, high=0.115)
    """Of early wood, in turns of the colour circle: 16 to 41 degrees."""
    saturation: Scalar = Uniform(low=0.2, high=0.65)
    """Of early wood, 0 grey to 1."""
    value: Scalar = Uniform(low=0.35, high=0.95)
    """Of early wood, the largest sRGB value in 0..1: 0.35 is wenge, 0.95 birch."""
    late_wood: Scalar = Uniform(low=0.45, high=0.85)
    """sRGB values of late wood as a share of early wood's."""
    rings: Scalar = LogUniform(low=4.0, high=40.0)
    """Growth rings across one repeat of the texture."""
    boards: tuple[int, ...] = (1, 1, 2, 3, 4, 6)
    """Boards side by side in one repeat, one of these, each as likely, 1 to 32; 1 is veneer."""
    knottiness: Scalar = Uniform(low=0.1, high=1.0)
    """0 straight grain to 1 wild, the scale of GrainFill."""

    def __post_init__(self) -> None:
        require_share(painted_share=self.painted_share)
        for name in ("hue", "saturation", "value", "late_wood", "knottiness"):
            require_support(name, getattr(self, name), 0.0, 1.0)
        require_support("rings", self.rings, 0.5, 500.0)
        if not self.boards or not all(1 <= count <= 32 for count in self.boards):
            raise ValueError(f"boards must be counts of 1 to 32, at least one of them, got {self.boards}")


class WeaveRecipe(Record, frozen=True, kw_only=True):
    """Cloth: plain, striped or checked."""

    plain_share: float = 0.5
    """Probability of cloth of one colour."""
    stripe_colors: Scalar = Whole(low=1, high=3)
    """More colours in cloth that is not plain, 1 to 8."""
    threads: Scalar = Whole(low=40, high=199)
    """Threads across one repeat of the texture, 1 to 1000."""
    stripe_rel: Scalar = LogUniform(low=0.05, high=0.5)
    """Distance at which stripes come again, as a fraction of one repeat's side."""
    checked_share: float = 0.6
    """Probability that stripes run both ways."""

    def __post_init__(self) -> None:
        require_share(plain_share=self.plain_share, checked_share=self.checked_share)
        require_count("stripe_colors", self.stripe_colors, 1, 8)
        require_count("threads", self.threads, 1, 1000)
        require_support("stripe_rel", self.stripe_rel, high=1.0, above=0.0)


class SpeckleRecipe(Record, frozen=True, kw_only=True):
    """Stone, terrazzo, felt: grey to beige with specks near the ground's colour, or any colours. HSV as in
    GrainRecipe."""

    lively_share: float = 0.3
    """Probability of any colours instead of a stone's."""
    hue: Scalar = Uniform(low=0.03, high=0.16)
    """Of stone, in turns of the colour circle: 11 to 58 degrees."""
    saturation: Scalar = Uniform(low=0.0, high=0.2)
    """Of stone, 0 grey to 1."""
    value: Scalar = Uniform(low=0.15, high=0.95)
    """Of stone, the largest sRGB value in 0..1: 0.15 is basalt, 0.95 marble."""
    speck_colors: Scalar = Whole(low=1, high=3)
    """Colours of specks, 1 to 8."""
    speck_rel: Scalar = LogUniform(low=0.006, high=0.06)
    """Size of a speck, as a fraction of the side of one repeat of the texture."""
    density: Scalar = Uniform(low=0.1, high=0.6)
    """Share of the ground's area that specks cover."""

    def __post_init__(self) -> None:
        require_share(lively_share=self.lively_share)
        for name in ("hue", "saturation", "value", "density"):
            require_support(name, getattr(self, name), 0.0, 1.0)
        require_count("speck_colors", self.speck_colors, 1, 8)
        require_support("speck_rel", self.speck_rel, high=1.0, above=0.0)


def sample_grain(recipe: GrainRecipe, rng: np.random.Generator) -> GrainFill:
    """Wood."""
    light = random_color(rng) if rng.random() < recipe.painted_share else _hsv(recipe, rng)
    dark = as_vec3(np.array(light) * sample(recipe.late_wood, rng) * LATE_WOOD_TINT)
    return GrainFill(
        seed=int(rng.integers(MAX_SEED)),
        palette_srgb=(light, dark),
        rings=sample(recipe.rings, rng),
        n_boards=recipe.boards[int(rng.integers(len(recipe.boards)))],
        knottiness=sample(recipe.knottiness, rng),
    )


def sample_weave(recipe: WeaveRecipe, rng: np.random.Generator) -> WeaveFill:
    """Cloth; its colours are those of anything."""
    n_stripes = 0 if rng.random() < recipe.plain_share else round(sample(recipe.stripe_colors, rng))
    return WeaveFill(
        seed=int(rng.integers(MAX_SEED)),
        palette_srgb=(random_color(rng), *(random_color(rng) for _ in range(n_stripes))),
        threads=round(sample(recipe.threads, rng)),
        stripe_rel=sample(recipe.stripe_rel, rng),
        checked=bool(rng.random() < recipe.checked_share),
    )


def sample_speckle(recipe: SpeckleRecipe, rng: np.random.Generator) -> SpeckleFill:
    """Stone, terrazzo or felt."""
    lively = rng.random() < recipe.lively_share
    ground = random_color(rng) if lively else _hsv(recipe, rng)
    n_specks = round(sample(recipe.speck_colors, rng))
    specks = [random_color(rng) if lively else _hsv(recipe, rng) for _ in range(n_specks)]
    return SpeckleFill(
        seed=int(rng.integers(MAX_SEED)),
        palette_srgb=(ground, *specks),
        speck_rel=sample(recipe.speck_rel, rng),
        density=sample(recipe.density, rng),
    )


def _hsv(recipe: GrainRecipe | SpeckleRecipe, rng: np.random.Generator) -> Vec3:
    return as_vec3(
        colorsys.hsv_to_rgb(sample(recipe.hue, rng), sample(recipe.saturation, rng), sample(recipe.value, rng))
    )
