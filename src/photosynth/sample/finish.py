"""Finish: what the camera that took the picture does to the light."""

from __future__ import annotations

import math

import numpy as np

from photosynth.core.distributions import (
    Choice,
    Fixed,
    LogUniform,
    Normal,
    Scalar,
    TruncatedNormal,
    Uniform,
    sample,
)
from photosynth.core.record import Record
from photosynth.core.scene import Finish
from photosynth.sample.color import LUMINANCE_REC709, as_vec3
from photosynth.sample.fill import MAX_SEED
from photosynth.sample.ranges import require_support


class FinishRecipe(Record, frozen=True, kw_only=True):
    """Exposure, colour, sharpness, noise and compression."""

    exposure_ev: Scalar = Choice(
        options=(Normal(mean=0.0, sd=0.45), Uniform(low=-3.5, high=-0.8)), weights=(0.75, 0.25)
    )
    """Stops; a quarter of the pictures is underexposed, down to a mean of about 20 of 255."""
    auto_exposure: Scalar = Uniform(low=0.5, high=1.0)
    """0 keeps the scene's own brightness, 1 brings every picture to middle grey (before exposure_ev)."""
    white_balance_warm: Scalar = Choice(
        options=(Normal(mean=0.0, sd=0.14), Uniform(low=-0.6, high=0.6)), weights=(0.75, 0.25)
    )
    """Natural logarithm of the gain on red and of the loss on blue: above 0 warm, below 0 blue."""
    white_balance_green: Scalar = Normal(mean=0.0, sd=0.06)
    """Natural logarithm of the gain on green."""
    defocus_rel: Scalar = Choice(options=(Fixed(value=0.0), LogUniform(low=0.0015, high=0.012)))
    """Standard deviation of the blur."""
    motion_rel: Scalar = Choice(options=(Fixed(value=0.0), LogUniform(low=0.006, high=0.045)), weights=(0.82, 0.18))
    """Length of the motion blur."""
    saturation: Scalar = TruncatedNormal(mean=1.0, sd=0.18, low=0.2, high=1.6)
    """1 leaves colours alone."""
    tone_gamma: Scalar = TruncatedNormal(mean=1.0, sd=0.15, low=0.6, high=1.6)
    """Contrast."""
    shot_noise: Scalar = LogUniform(low=0.002, high=0.05)
    """Standard deviation at white of noise that grows with the square root of light."""
    read_noise: Scalar = LogUniform(low=0.0003, high=0.004)
    """Standard deviation of noise that does not."""
    jpeg_quality: Scalar = Choice(options=(Uniform(low=35.0, high=95.0), Fixed(value=92.0)))
    """1 to 100."""

    def __post_init__(self) -> None:
        require_support("auto_exposure", self.auto_exposure, 0.0, 1.0)
        require_support("defocus_rel", self.defocus_rel, 0.0, 0.2)
        require_support("motion_rel", self.motion_rel, 0.0, 0.5)
        require_support("saturation", self.saturation, 0.0, 4.0)
        require_support("tone_gamma", self.tone_gamma, above=0.0)
        require_support("shot_noise", self.shot_noise, 0.0, 1.0)
        require_support("read_noise", self.read_noise, 0.0, 1.0)
        require_support("jpeg_quality", self.jpeg_quality, 1.0, 100.0)


def sample_finish(recipe: FinishRecipe, rng: np.random.Generator) -> Finish:
    """A finish; the white balance keeps the luminance of grey."""
    warm, green = sample(recipe.white_balance_warm, rng), sample(recipe.white_balance_green, rng)
    gains = np.exp([warm, green, -warm])
    return Finish(
        exposure_ev=sample(recipe.exposure_ev, rng),
        auto_exposure=sample(recipe.auto_exposure, rng),
        white_balance_linear=as_vec3(gains / float(LUMINANCE_REC709 @ gains)),
        defocus_rel=sample(recipe.defocus_rel, rng),
        motion_rel=sample(recipe.motion_rel, rng),
        motion_angle_rad=rng.uniform(0.0, math.pi),
        saturation=sample(recipe.saturation, rng),
        tone_gamma=sample(recipe.tone_gamma, rng),
        shot_noise=sample(recipe.shot_noise, rng),
        read_noise=sample(recipe.read_noise, rng),
        noise_seed=int(rng.integers(MAX_SEED)),
        jpeg_quality=round(sample(recipe.jpeg_quality, rng)),
    )
