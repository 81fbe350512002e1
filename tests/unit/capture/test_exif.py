"""EXIF, and the focal length in pixels that follows from it."""

import base64
import math

import numpy as np
import pytest
from PIL import Image

from photosynth.capture.exif import EXIF_IFD, Exif, camera_group, focal_px, read_exif
from photosynth.capture.ingest import Unit, take
from photosynth.core.photo import list_photos, read_photo

DIAGONAL = math.hypot(36, 24)


def save(path, size_wh, *, orientation=1, taken_wh=None, **inner):
    """A JPEG whose left half is red before turning."""
    pixels = np.zeros((size_wh[1], size_wh[0], 3), np.uint8)
    pixels[:, : size_wh[0] // 2, 0] = 220
    exif = Image.Exif()
    exif[0x0112], exif[0x010F], exif[0x0110] = orientation, "Maker", "Phone 9"
    ifd = exif.get_ifd(EXIF_IFD)
    if taken_wh:
        ifd[0xA002], ifd[0xA003] = taken_wh
    for tag, value in inner.items():
        ifd[int(tag[1:], 16)] = value
    Image.fromarray(pixels).save(path, exif=exif)
    return path


@pytest.mark.parametrize(
    ("size_wh", "taken_wh"),
    [((4000, 3000), (4000, 3000)), ((3000, 4000), (4000, 3000)), ((1481, 1111), (4000, 3000)), ((4000, 3000), None)],
)
def test_focal_from_35mm_is_that_of_these_pixels(size_wh, taken_wh):
    found = focal_px(Exif(focal_35mm=26, taken_wh=taken_wh), size_wh)
    assert found == pytest.approx(26 / DIAGONAL * math.hypot(*size_wh))


def test_focal_from_the_sensor_is_scaled_to_these_pixels():
    exif = Exif(focal_mm=20.0, plane_px_per_mm=200.0, taken_wh=(4000, 3000))
    assert focal_px(exif, (4000, 3000)) == pytest.approx(4000.0)
    assert focal_px(exif, (1500, 2000)) == pytest.approx(2000.0)


@pytest.mark.parametrize(
    "exif",
    [
        Exif(),
        Exif(focal_mm=5.0),
        Exif(focal_mm=5.0, plane_px_per_mm=300.0),
        Exif(focal_35mm=26, taken_wh=(4000, 2000)),
        Exif(focal_35mm=0.5),
        Exif(focal_35mm=9000.0),
    ],
    ids=["nothing", "no sensor", "no size", "cropped", "too short", "too long"],
)
def test_no_focal_where_none_can_be_told(exif):
    assert focal_px(exif, (4000, 3000)) is None


def test_fields_are_read(tmp_path):
    path = save(
        tmp_path / "a.jpg",
        (64, 48),
        taken_wh=(640, 480),
        x920a=5.4,
        xa405=35,
        xa434="Wide lens",
        x9003="2024:05:06 07:08:09",
        x9291="50",
    )
    exif = read_exif(path)
    assert (exif.make, exif.model, exif.lens) == ("Maker", "Phone 9", "Wide lens")
    assert exif.focal_mm == pytest.approx(5.4)
    assert exif.focal_35mm == 35
    assert exif.taken_wh == (640, 480)
    assert exif.taken_s % 60 == pytest.approx(9.5)
    assert camera_group(exif, (64, 48)) == "maker-phone-9-wide-lens-5.4mm-35eq-64x48"


def test_a_turned_and_shrunk_photo_keeps_its_focal_length(tmp_path):
    path = save(tmp_path / "a.jpg", (400, 300), orientation=6, taken_wh=(4000, 3000), xa405=30)
    unit = Unit(source=path, out=tmp_path / "out", file="photos/0000.jpg", max_side_px=200, jpeg_quality=95)
    taken = take(unit)
    written = read_photo(tmp_path / "out" / taken.file)
    assert taken.size_wh == (150, 200) == written.shape[1::-1]
    assert taken.focal_px == pytest.approx(30 / DIAGONAL * 250, rel=1e-3)
    assert not Image.open(tmp_path / "out" / taken.file).getexif()
    assert written[10, 75, 0] > 180  # the left half is on top after a quarter turn clockwise
    assert written[190, 75, 0] < 40


def test_broken_exif_is_no_exif(tmp_path):
    path = tmp_path / "a.jpg"
    Image.new("RGB", (8, 8)).save(path, exif=b"Exif\0\0II*\0\xff\xff\xff\x7f")
    assert read_exif(path) == Exif()


def test_heic_is_read_upright(tmp_path):
    """64 x 48 before turning: red, green above blue, yellow; turned a quarter clockwise; 26 mm equivalent."""
    (tmp_path / "a.HEIC").write_bytes(base64.b64decode(HEIC))
    assert [p.name for p in list_photos(tmp_path)] == ["a.HEIC"]
    picture = read_photo(tmp_path / "a.HEIC")
    assert picture.shape == (64, 48, 3)
    assert picture[5, 5, 2] > 180  # blue
    assert picture[5, -5, 0] > 180  # red
    assert picture[5, -5, 1] < 80
    exif = read_exif(tmp_path / "a.HEIC")
    assert (exif.model, exif.focal_35mm) == ("Phone", 26)
    assert focal_px(exif, (48, 64)) == pytest.approx(26 / DIAGONAL * 80)


HEIC = (
    "AAAAHGZ0eXBoZWljAAAAAG1pZjFoZWljbWlhZgAAAchtZXRhAAAAAAAAACFoZGxyAAAAAAAAAABwaWN0AAAAAAAAAAAAAAAAAAAAADRpbG9jAA"
    "AAAERAAAIAAQAAAAAB7AABAAAAAAAAAIQAAgAAAAACcAABAAAAAAAAAH4AAAA4aWluZgAAAAAAAgAAABVpbmZlAgAAAAABAABodmMxAAAAABVp"
    "bmZlAgAAAQACAABFeGlmAAAAAA5waXRtAAAAAAABAAABB2lwcnAAAADmaXBjbwAAAHZodmNDAQNwAAAAkAAAAAAAHvAA/P34+AAADwNgAAEAGE"
    "ABDAH//wNwAAADAJAAAAMAAAMAHroCQGEAAQAqQgEBA3AAAAMAkAAAAwAAAwAeoCCBBZbq5Ka5uAhoMCAAAAMDIAAAAwAhYgABAAZEAcFzwIkA"
    "AAATY29scm5jbHgAAQANAAaAAAAAFGlzcGUAAAAAAAAAQAAAAEAAAAAoY2xhcAAAAEAAAAABAAAAMAAAAAEAAAAAAAAAAv////AAAAACAAAAEH"
    "BpeGkAAAAAAwgICAAAAAlpcm90AwAAABlpcG1hAAAAAAAAAAEAAQaBAgMFhIYAAAAaaXJlZgAAAAAAAAAOY2RzYwACAAEAAQAAAQptZGF0AAAA"
    "gCgBrxOA5TH3/7f5P9+jP8kyZk6gxC/4yz7o/b+k0LEG46eJ87y/scv8oiiCjQjAf/cu38acwR4iT1EFDedL396rnEcvIjA0J1VB4/K6wCRxma"
    "6v9Ifgn8CtkY/swP2PRlfopxy8Z0HrMB2bvgAMy2iQpytvsHyahyo1KDstJbsIAAAABkV4aWYAAE1NACoAAAAIAAQBDwACAAAABgAAAD4BEAAC"
    "AAAABgAAAEQBEgADAAAAAQAGAACHaQAEAAAAAQAAAEoAAAAATWFrZXIAUGhvbmUAAAOgAgADAAAAAQBAAACgAwADAAAAAQAwAACkBQADAAAAAQ"
    "AaAAAAAAAA"
)
