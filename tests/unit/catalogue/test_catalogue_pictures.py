import io

import numpy as np
import pytest
from PIL import Image

from photosynth.catalogue import pictures
from photosynth.catalogue.materials import linear_from_srgb, multiply_linear, srgb_from_linear
from photosynth.catalogue.pictures import read_picture
from photosynth.core.errors import ConfigError
from photosynth.core.glb import encode_picture


def encoded(image, kind, **options):
    data = io.BytesIO()
    image.save(data, kind, **options)
    return data.getvalue()


def test_a_texture_of_20000_px_is_scaled_down_with_a_note():
    grey = np.zeros((10_000, 20_000), np.uint8)
    grey[:, 10_000:] = 200
    data = encoded(Image.fromarray(grey), "JPEG", quality=50)
    before = Image.MAX_IMAGE_PIXELS
    array, notes = read_picture(data, 2048, "big.jpg")
    assert array.shape == (1024, 2048, 3)
    assert abs(int(array[500, 500, 0])) < 4
    assert abs(int(array[500, 1800, 0]) - 200) < 4
    assert notes == ("texture scaled down from 20000 x 10000 to 2048 x 1024 px",)
    assert before == Image.MAX_IMAGE_PIXELS


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_more_pixels_than_the_limit_are_refused(monkeypatch):
    monkeypatch.setattr(pictures, "MAX_PIXELS", 1000)
    with pytest.raises(ConfigError, match=r"big\.png"):
        read_picture(encoded(Image.new("RGB", (50, 40)), "PNG"), 2048, "big.png")


@pytest.mark.parametrize("kind", ["RGBA", "L", "P", "LA", "CMYK"])
def test_every_mode_becomes_rgb(kind):
    image = Image.new("RGB", (40, 20), (200, 200, 200))
    image = image.quantize(4) if kind == "P" else image.convert(kind)
    array, notes = read_picture(encoded(image, "TIFF" if kind == "CMYK" else "PNG"), 2048, "x")
    assert array.shape == (20, 40, 3)
    assert np.abs(array.astype(int) - 200).max() < 3
    assert notes == ()


def test_sixteen_bits_keep_their_brightness():
    image = Image.fromarray(np.full((8, 8), 200 * 256, np.uint16))
    assert (read_picture(encoded(image, "PNG"), 64, "x")[0] == 200).all()


@pytest.mark.parametrize("data", [b"", b"junk", encoded(Image.new("RGB", (400, 400)), "JPEG")[:300]])
def test_damage_is_told(data):
    with pytest.raises(ConfigError, match=r"skin\.jpg"):
        read_picture(data, 2048, "skin.jpg")


def test_small_textures_are_stored_without_loss_and_large_ones_nearly():
    rng = np.random.default_rng(0)
    small = rng.integers(0, 256, (256, 100, 3), dtype=np.uint8)
    data, kind = encode_picture(small)
    assert kind == "image/png"
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(data))), small)
    y, x = np.mgrid[:300, :500]
    large = np.stack([x / 2, y / 2, 255 - x / 2], axis=-1).astype(np.uint8)
    data, kind = encode_picture(large)
    assert kind == "image/jpeg"
    assert np.abs(np.asarray(Image.open(io.BytesIO(data))).astype(int) - large).mean() < 1.0


def test_a_factor_multiplies_light_not_numbers():
    values = np.linspace(0, 1, 50)
    assert np.allclose(linear_from_srgb(srgb_from_linear(values)), values, atol=1e-9)
    texture = np.full((2, 2, 3), 255, np.uint8)
    assert multiply_linear(texture, np.array([0.5, 1.0, 0.0]))[0, 0].tolist() == [188, 255, 0]
