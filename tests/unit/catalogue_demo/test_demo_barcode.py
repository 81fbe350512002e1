import numpy as np
import pytest

from photosynth.catalogue.demo.barcode import N_MODULES, check_digit, decode, draw_ean13, encode
from photosynth.catalogue.demo.brands import lumi, sunnora, zizz
from photosynth.catalogue.demo.canvas import Canvas


@pytest.mark.parametrize(
    ("digits", "expected"),
    [("400638133393", 1), ("501234567890", 0), ("978020137962", 4), ("000000000000", 0)],
)
def test_check_digit_of_published_numbers(digits, expected):
    assert check_digit(digits) == expected


def test_encode_of_a_published_symbol():
    # 5 901234 123457, the symbol that illustrates EAN-13 everywhere
    assert encode("5901234123457").startswith("1010001011010011101100110010011")
    assert len(encode("5901234123457")) == N_MODULES


def test_decode_inverts_encode_for_every_first_digit():
    rng = np.random.default_rng(0)
    for first in range(10):
        twelve = str(first) + "".join(str(d) for d in rng.integers(0, 10, 11))
        assert decode(encode(twelve)) == twelve + str(check_digit(twelve))


def test_wrong_numbers_are_refused():
    with pytest.raises(ValueError, match="check digit"):
        encode("4006381333932")
    with pytest.raises(ValueError, match="12 digits"):
        check_digit("12")
    with pytest.raises(ValueError, match="guard"):
        decode("0" * N_MODULES)


@pytest.mark.parametrize("px_per_mm", [6.0, 9.7, 14.3])
def test_drawn_bars_are_read_back_from_the_pixels(px_per_mm):
    c = Canvas(60, 30, px_per_mm, "#8899aa")
    draw_ean13(c, 5.0, 4.0, "761204500101", 0.33, 20.0)
    row = c.pixels()[round(10.0 * px_per_mm), :, 0] < 128
    dark = np.flatnonzero(row)
    module_px = (dark[-1] + 1 - dark[0]) / N_MODULES
    centres = dark[0] + (np.arange(N_MODULES) + 0.5) * module_px
    modules = "".join("1" if row[int(x)] else "0" for x in centres)
    assert decode(modules) == "7612045001015"


def test_demo_brands_have_different_numbers():
    flavours = (sunnora.ORANGE, sunnora.MANGO, lumi.STRAWBERRY, lumi.BLUEBERRY, zizz.LEMON, zizz.CHERRY)
    assert len({decode(encode(f.digits)) for f in flavours}) == len(flavours)
