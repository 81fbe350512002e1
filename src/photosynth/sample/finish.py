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
from photosynth.core.scene import DepthOfField, Finish
from photosynth.sample.color import LUMINANCE_REC709, as_vec3, linear_from_temperature
from photosynth.sample.fill import MAX_SEED
from photosynth.sample.ranges import require_share, require_support

BASE_ISO = 50.0
"""The ISO speed at which a picture pixel's full well is white."""
QUANTISATION_NOISE = 1 / (1023 * math.sqrt(12))
"""Standard deviation of rounding to a 10-bit raw file, white being 1 (EMVA 1288 release 4.0, 2.4: 1/12 of a step
squared)."""
DAYLIGHT_MIRED = 1e6 / 6500
MAX_SHIFT_MIRED = 440.0
"""The warmest light is then one of 1,683 K, a candle's."""


class FinishRecipe(Record, frozen=True, kw_only=True):
    """Exposure, colour, sharpness, noise and compression.

    What is off unless a recipe turns it on draws after all the others, whose draws stay as they were.
    """

    exposure_ev: Scalar = Choice(
        options=(Normal(mean=0.0, sd=0.45), Uniform(low=-3.5, high=-0.8)), weights=(0.75, 0.25)
    )
    """Stops: gain of 2^ev on linear light; a quarter of the pictures is underexposed, down to a mean of about 20 of
    255."""
    auto_exposure: Scalar = Uniform(low=0.5, high=1.0)
    """Exponent of the gain that would bring the mean linear luminance to middle grey, 0.18 (before exposure_ev): 0
    keeps the scene's own brightness, 1 brings every picture there."""
    white_balance_warm: Scalar = Choice(
        options=(Normal(mean=0.0, sd=0.14), Uniform(low=-0.6, high=0.6)), weights=(0.75, 0.25)
    )
    """Natural logarithm of the gain on red and of the loss on blue: above 0 warm, below 0 blue."""
    white_balance_green: Scalar = Normal(mean=0.0, sd=0.06)
    """Natural logarithm of the gain on green: off the Planckian locus."""
    white_balance_mired: Scalar = Fixed(value=0.0)
    """On top of white_balance_warm: how far the camera's white balance misses the light, in mired (a million over the
    colour temperature in kelvin, the unit of photographic filters). Above 0, light warmer than 6500 K by that much
    is taken for 6500 K; below 0, the other way round. Colours are those of black bodies (Kim et al., US patent
    7024034). 28 mired do as much as 0.14 of white_balance_warm, 118 as much as 0.6."""
    defocus_rel: Scalar = Choice(options=(Fixed(value=0.0), LogUniform(low=0.0015, high=0.012)))
    """Standard deviation of the Gaussian blur, as a fraction of the picture's shorter side: 0.004 is a pixel of 256."""
    depth_of_field_share: float = 0.0
    """Share of pictures with a lens that is sharp at one distance only, 0..1."""
    aperture_diagonals: Scalar = LogUniform(low=0.004, high=0.12)
    """Diameter of its entrance pupil (focal length / f-number) in diagonals of the subject's box. Relative, because a
    scan may lack a scale; it is also the diameter of the disc that a far background is blurred to, as a fraction
    of the subject's size in the picture. Before a box of 0.2 m, a phone's 2 mm pupil (4.2 mm, f/1.9) is 0.01, a
    50 mm lens at f/8 is 0.03 and at f/2.8 0.09; before one of 0.05 m, the phone's is 0.04."""
    focus_offset_diagonals: Scalar = Normal(mean=0.0, sd=0.25)
    """Where it is sharp: behind the subject's centre by this many of its diagonals (in front below 0)."""
    motion_rel: Scalar = Choice(options=(Fixed(value=0.0), LogUniform(low=0.006, high=0.045)), weights=(0.82, 0.18))
    """Length of the straight motion blur, as a fraction of the picture's shorter side: 0.02 is five pixels of 256."""
    vignetting: Scalar = Fixed(value=0.0)
    """A quarter of the exponent of the cosine of the angle off the axis, by which light falls off: 1 is the cos^4
    fall-off of a simple lens (Horn, Robot Vision, 1986, 10.3), 0 a lens or a camera that corrects for it; phones
    correct most of it."""
    saturation: Scalar = TruncatedNormal(mean=1.0, sd=0.18, low=0.2, high=1.6)
    """Factor on each pixel's distance from its grey (linear light, Rec. 709 luminance): 0 is grey, 1 leaves colours
    alone."""
    tone_gamma: Scalar = TruncatedNormal(mean=1.0, sd=0.15, low=0.6, high=1.6)
    """Exponent on linear light before the sRGB curve: above 1 more contrast and darker, below 1 less."""
    tone_shoulder: Scalar = Fixed(value=0.0)
    """Share of the range up to white in which highlights are rolled off: 0 clips them, above 0 linear light beyond
    1 - tone_shoulder nears 1 exponentially, as the exposure of film does (render/color.py)."""
    shot_noise: Scalar = LogUniform(low=0.002, high=0.05)
    """Standard deviation at white of noise that grows with the square root of light, white being 1 (Janesick, 2007)."""
    read_noise: Scalar = LogUniform(low=0.0003, high=0.004)
    """Standard deviation of noise that does not depend on light, white being 1."""
    iso_share: float = 0.0
    """Share of pictures whose noise is that of a sensor, by photon transfer (Janesick, 2007) from the next three, in
    place of shot_noise and read_noise. Their defaults give shot noise of 0.002 to 0.05 and read noise of 0.0003 to
    0.005, at most 0.02."""
    iso: Scalar = LogUniform(low=50.0, high=6400.0)
    """ISO speed (ISO 12232, arithmetic scale), 50 or more."""
    full_well_e: Scalar = LogUniform(low=50e3, high=250e3)
    """Electrons that make white at ISO 50 in one picture pixel: a phone sensor's 1.4 um pixel holds about 6,000, and
    a crop shrunk to the picture's size averages about 8 to 40 of them into one."""
    read_noise_e: Scalar = LogUniform(low=3.0, high=8.0)
    """Electrons of read noise in one picture pixel: 1 to 1.5 in each of the sensor's, adding in quadrature. The
    rounding of a 10-bit raw file comes on top."""
    jpeg_quality: Scalar = Choice(options=(Uniform(low=35.0, high=95.0), Fixed(value=92.0)))
    """Quality setting of libjpeg, 1 to 100, with 4:2:0 chroma."""

    def __post_init__(self) -> None:
        require_support("auto_exposure", self.auto_exposure, 0.0, 1.0)
        require_support("defocus_rel", self.defocus_rel, 0.0, 0.2)
        require_support("motion_rel", self.motion_rel, 0.0, 0.5)
        require_support("saturation", self.saturation, 0.0, 4.0)
        require_support("tone_gamma", self.tone_gamma, above=0.0)
        require_support("shot_noise", self.shot_noise, 0.0, 1.0)
        require_support("read_noise", self.read_noise, 0.0, 1.0)
        require_support("jpeg_quality", self.jpeg_quality, 1.0, 100.0)
        require_share(depth_of_field_share=self.depth_of_field_share, iso_share=self.iso_share)
        require_support("white_balance_mired", self.white_balance_mired, -MAX_SHIFT_MIRED, MAX_SHIFT_MIRED)
        require_support("iso", self.iso, BASE_ISO, 1e6)
        require_support("aperture_diagonals", self.aperture_diagonals, 0.0, 2.0)
        require_support("vignetting", self.vignetting, 0.0, 2.0)
        require_support("tone_shoulder", self.tone_shoulder, 0.0, 1.0)
        require_support("full_well_e", self.full_well_e, above=0.0)
        require_support("read_noise_e", self.read_noise_e, 0.0)


def sample_finish(
    recipe: FinishRecipe,
    rng: np.random.Generator,
    subject_diagonal_m: float | None = None,
    subject_distance_m: float | None = None,
) -> Finish:
    """A finish; the white balance keeps the luminance of grey.

    Args:
        recipe: what to draw from.
        rng: draws the fields that are always on first.
        subject_diagonal_m: diagonal of the subject's box; without it there is no depth of field.
        subject_distance_m: from the camera to the subject's centre, along the optical axis.
    """
    warm, green = sample(recipe.white_balance_warm, rng), sample(recipe.white_balance_green, rng)
    drawn = dict(
        exposure_ev=sample(recipe.exposure_ev, rng),
        auto_exposure=sample(recipe.auto_exposure, rng),
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
    gains = np.exp([warm, green, -warm]) * mired_gains(sample(recipe.white_balance_mired, rng))
    if rng.random() < recipe.iso_share:
        speed, full_well = sample(recipe.iso, rng), sample(recipe.full_well_e, rng)
        drawn["shot_noise"], drawn["read_noise"] = noise_of_iso(speed, full_well, sample(recipe.read_noise_e, rng))
    return Finish(
        **drawn,
        white_balance_linear=as_vec3(gains / float(LUMINANCE_REC709 @ gains)),
        vignetting=sample(recipe.vignetting, rng),
        tone_shoulder=sample(recipe.tone_shoulder, rng),
        depth_of_field=_depth_of_field(recipe, rng, subject_diagonal_m, subject_distance_m),
    )


def mired_gains(shift_mired: float) -> np.ndarray:
    """Gains on linear sRGB (3,) of a white balance that is wrong by that much; green's is about 1.

    Raises:
        ValueError: beyond MAX_SHIFT_MIRED either way.
    """
    warmer = linear_from_temperature(1e6 / (DAYLIGHT_MIRED + abs(shift_mired)))
    ratio = np.array(warmer) / np.array(linear_from_temperature(1e6 / DAYLIGHT_MIRED))
    return ratio if shift_mired >= 0 else 1.0 / np.maximum(ratio, 1e-3)


def noise_of_iso(iso: float, full_well_e: float, read_noise_e: float) -> tuple[float, float]:
    """Shot noise (at white) and read noise as Finish has them, from electrons: sqrt(n) / n for the n that make white
    (Janesick, Photon Transfer, 2007), and the read noise with the rounding of a 10-bit file in quadrature."""
    white_e = full_well_e * BASE_ISO / iso
    return 1 / math.sqrt(white_e), math.hypot(read_noise_e / white_e, QUANTISATION_NOISE)


def _depth_of_field(
    recipe: FinishRecipe, rng: np.random.Generator, diagonal_m: float | None, distance_m: float | None
) -> DepthOfField | None:
    if diagonal_m is None or distance_m is None or not rng.random() < recipe.depth_of_field_share:
        return None
    aperture = sample(recipe.aperture_diagonals, rng) * diagonal_m
    focus = distance_m + sample(recipe.focus_offset_diagonals, rng) * diagonal_m
    return DepthOfField(aperture_m=aperture, focus_m=max(focus, 0.25 * distance_m))
