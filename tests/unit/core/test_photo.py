"""Photos are read upright, and bad ones are named."""

import numpy as np
import pytest
from PIL import Image

from photosynth.core.errors import ConfigError
from photosynth.core.photo import list_photos, read_photo


def test_exif_orientation_is_applied(tmp_path):
    pixels = np.zeros((20, 40, 3), np.uint8)
    pixels[:, :20, 0] = 255  # red on the left
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: show rotated 90 degrees clockwise
    Image.fromarray(pixels).save(tmp_path / "a.png", exif=exif)
    upright = read_photo(tmp_path / "a.png")
    assert upright.shape == (40, 20, 3)
    assert upright[5, 10, 0] == 255
    assert upright[35, 10, 0] == 0


def test_transparent_pixels_become_white(tmp_path):
    Image.fromarray(np.zeros((4, 4, 4), np.uint8)).save(tmp_path / "a.png")
    assert (read_photo(tmp_path / "a.png") == 255).all()


@pytest.mark.parametrize("content", [b"", b"not a picture", b"\xff\xd8\xff\xe0 truncated"])
def test_bad_files_are_named(tmp_path, content):
    (tmp_path / "bad.jpg").write_bytes(content)
    with pytest.raises(ConfigError, match=r"bad\.jpg"):
        read_photo(tmp_path / "bad.jpg")


def test_truncated_jpeg_is_refused(tmp_path):
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)).save(tmp_path / "a.jpg")
    data = (tmp_path / "a.jpg").read_bytes()
    (tmp_path / "a.jpg").write_bytes(data[: len(data) // 2])
    with pytest.raises(ConfigError, match="replace or remove"):
        read_photo(tmp_path / "a.jpg")


def test_listing_skips_hidden_and_foreign_files(tmp_path):
    for name in ("b.JPG", "a.png", ".c.jpg", "notes.txt"):
        (tmp_path / name).write_bytes(b"")
    assert [p.name for p in list_photos(tmp_path)] == ["a.png", "b.JPG"]
