"""The compositor's kernels, written to be read: what render/film.py must agree with."""

import numpy as np

from photosynth.render.color import LUMINANCE, srgb_from_linear


def cover_slowly(canvas, radiance, coverage):
    """The covered picture and its mean luminance."""
    picture = canvas * (1 - coverage[..., None]) + radiance
    return picture, float((picture @ LUMINANCE).mean())


def falloff_slowly(camera, strength):
    """(H, W) cos^4 fall-off of a pinhole camera."""
    y, x = np.mgrid[: camera.size_wh[1], : camera.size_wh[0]] + 0.5
    tangent2 = ((x - camera.principal_px[0]) ** 2 + (y - camera.principal_px[1]) ** 2) / camera.focal_px**2
    return np.cos(np.arctan(np.sqrt(tangent2))) ** (4 * strength)


def shoulder_slowly(light, strength):
    """Film's exponential approach to white above 1 - strength."""
    if strength == 0:
        return np.minimum(light, 1.0)
    knee = 1 - strength
    return np.where(light <= knee, light, knee + strength * (1 - np.exp(-(light - knee) / strength)))


def develop_slowly(linear, finish, camera, normal=None):
    """8 bits from light after blurs; `normal` (H, W, 3) is standard normal noise to use."""
    image = linear.astype(np.float64) * 2.0**finish.exposure_ev
    image = image * falloff_slowly(camera, finish.vignetting)[..., None] * np.array(finish.white_balance_linear)
    grey = (image @ LUMINANCE.astype(np.float64))[..., None]
    image = grey + (image - grey) * finish.saturation
    if normal is not None:
        image += np.sqrt(finish.shot_noise**2 * np.maximum(image, 0) + finish.read_noise**2) * normal
    image = np.maximum(image, 0) ** finish.tone_gamma
    return np.rint(srgb_from_linear(shoulder_slowly(image, finish.tone_shoulder)) * 255).astype(np.uint8)


def normals_slowly(count, seeds):
    """The first `count` numbers of the noise's sequence: sums of the eight bytes of two hashes, made normal."""
    seed_a, seed_b = (int(s) for s in seeds)
    mask = 0xFFFFFFFF
    numbers = np.empty(count)
    for number in range(count):
        a = number ^ seed_a
        a = ((a ^ (a >> 16)) * 0x85EBCA6B) & mask
        a = ((a ^ (a >> 13)) * 0xC2B2AE35) & mask
        a ^= a >> 16
        b = ((a + seed_b) * 0x85EBCA6B) & mask
        b = ((b ^ (b >> 13)) * 0xC2B2AE35) & mask
        b ^= b >> 16
        total = sum(a.to_bytes(4, "little")) + sum(b.to_bytes(4, "little"))
        x = (total - 8 * 127.5) / np.sqrt(8 * (256**2 - 1) / 12)
        numbers[number] = x + 0.15 / 24 * (x**3 - 3 * x)
    return numbers
