"""Pictures from other people: read as the rest of the program reads them, or refused."""

import io

import numpy as np
import pytest
from PIL import Image

from photosynth.core.photo import read_photo
from photosynth.serve.picture import decode
from photosynth.serve.refusal import Refusal

PIXELS = np.random.default_rng(1).integers(0, 256, (307, 53, 3), dtype=np.uint8)


def encoded(image, kind, **more):
    buffer = io.BytesIO()
    image.save(buffer, kind, **more)
    return buffer.getvalue()


def oriented(number):
    exif = Image.Exif()
    exif[0x0112] = number
    return encoded(Image.fromarray(PIXELS), "JPEG", exif=exif, quality=95)


def palette():
    return Image.fromarray(PIXELS).quantize(16)


CASES = {
    "jpeg": encoded(Image.fromarray(PIXELS), "JPEG"),
    "progressive": encoded(Image.fromarray(PIXELS), "JPEG", progressive=True),
    "4:4:4": encoded(Image.fromarray(PIXELS), "JPEG", subsampling=0),
    "4:2:2": encoded(Image.fromarray(PIXELS), "JPEG", subsampling=1),
    "rgb jpeg": encoded(Image.fromarray(PIXELS), "JPEG", keep_rgb=True),
    "two pictures": encoded(
        Image.fromarray(PIXELS), "MPO", save_all=True, append_images=[Image.fromarray(PIXELS // 2)]
    ),
    "orientation 9": oriented(9),
    "grey jpeg": encoded(Image.fromarray(PIXELS).convert("L"), "JPEG"),
    "cmyk jpeg": encoded(Image.fromarray(PIXELS).convert("CMYK"), "JPEG"),
    "png": encoded(Image.fromarray(PIXELS), "PNG"),
    "alpha": encoded(Image.fromarray(np.dstack([PIXELS, PIXELS[..., 0]])), "PNG"),
    "palette": encoded(palette(), "PNG"),
    "transparent palette": encoded(palette(), "PNG", transparency=3),
    "one bit": encoded(Image.fromarray(PIXELS).convert("1"), "PNG"),
    "webp": encoded(Image.fromarray(PIXELS), "WEBP"),
    "bmp": encoded(Image.fromarray(PIXELS), "BMP"),
    **{f"orientation {k}": oriented(k) for k in range(1, 9)},
}


@pytest.mark.parametrize("name", CASES)
def test_pixels_are_those_of_read_photo(name, tmp_path):
    path = tmp_path / "picture.png"
    path.write_bytes(CASES[name])
    picture = decode(CASES[name], 20_000)
    assert picture.dtype == np.uint8
    np.testing.assert_array_equal(picture, read_photo(path))


def test_orientation_turns_the_picture():
    assert decode(oriented(6), 20_000).shape == (53, 307, 3)
    assert decode(oriented(1), 20_000).shape == (307, 53, 3)


def test_a_jpeg_with_rubbish_before_its_end_is_forgiven():
    data = CASES["jpeg"]
    forgiven = data[:-2] + b"rubbish" + data[-2:]
    np.testing.assert_array_equal(decode(forgiven, 20_000), decode(data, 20_000))


@pytest.mark.parametrize("kind", ["GIF", "TIFF", "ICO", "PPM"])
def test_formats_that_nobody_takes_photos_in_are_refused(kind):
    with pytest.raises(Refusal) as refused:
        decode(encoded(Image.fromarray(PIXELS), kind), 20_000)
    assert (refused.value.status, refused.value.code) == (422, "not_a_picture")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP"])
def test_cut_short_anywhere(kind):
    data = encoded(Image.fromarray(PIXELS), kind)
    for length in range(0, len(data) * 9 // 10, max(1, len(data) // 23)):
        with pytest.raises(Refusal) as refused:
            decode(data[:length], 20_000)
        assert refused.value.status == 422


def test_the_pixel_limit_is_exact():
    data = CASES["png"]
    assert decode(data, 307 * 53).shape == PIXELS.shape
    with pytest.raises(Refusal) as refused:
        decode(data, 307 * 53 - 1)
    assert refused.value.status == 413
    assert "53 x 307" in refused.value.message
