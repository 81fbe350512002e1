import msgspec
import numpy as np
import pytest
import simplejpeg
from dataset_items import make_instance, make_item, rectangle

from photosynth.core.codec import rle_from_mask
from photosynth.core.frame import Rle
from photosynth.dataset.audit import item_problems
from photosynth.dataset.jpeg import check_decodes, jpeg_size_wh

SIZE = (40, 30)
WHOLE, SEEN = rectangle(SIZE, 4, 5, 20, 20), rectangle(SIZE, 4, 5, 12, 20)
GOOD = make_instance(SEEN, WHOLE, 1, full_px=300)
OTHER = make_instance(rectangle(SIZE, 30, 5, 40, 10), rectangle(SIZE, 30, 5, 40, 10), 0)


def replaced(**changes):
    return msgspec.structs.replace(GOOD, **changes)


SWAPPED = replaced(
    visible=GOOD.amodal, visible_xyxy=GOOD.amodal_xyxy, amodal=GOOD.visible, amodal_xyxy=GOOD.visible_xyxy
)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "images" / "000").mkdir(parents=True)
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 255, (SIZE[1], SIZE[0], 3), np.uint8)
    (tmp_path / "images/000/000000.jpg").write_bytes(simplejpeg.encode_jpeg(picture))
    return tmp_path


@pytest.mark.parametrize("thorough", [False, True])
@pytest.mark.parametrize("instances", [(), (GOOD,), (GOOD, OTHER)])
def test_good_items_pass(folder, instances, thorough):
    assert item_problems(make_item(0, SIZE, instances), 4, folder, thorough) == []


@pytest.mark.parametrize("thorough", [False, True])
@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (replaced(class_id=4), "class 4 is unknown; there are 4"),
        (replaced(visible_fraction=0.0), "visible fraction 0.0"),
        (replaced(truncation=1.0), "truncation 1.0 is outside 0..1"),
        (replaced(visible_xyxy=(4.0, 5.0, 4.0, 20.0)), "the visible box (4.0, 5.0, 4.0, 20.0) is empty"),
        (replaced(visible_xyxy=(4.0, 5.0, 12.0, 31.0)), "the visible box (4.0, 5.0, 12.0, 31.0) is outside the"),
        (replaced(amodal_xyxy=(-1.0, 5.0, 20.0, 20.0)), "the amodal box (-1.0, 5.0, 20.0, 20.0) is outside the"),
        (
            replaced(visible_xyxy=(4.0, 5.0, 13.0, 20.0)),
            "the visible box (4.0, 5.0, 13.0, 20.0) is not the tight box (4.0, 5.0, 12.0, 20.0) of its mask",
        ),
        (replaced(amodal_xyxy=(4.0, 5.0, 20.0, 21.0)), "the amodal box (4.0, 5.0, 20.0, 21.0) is not the tight box"),
        (replaced(visible_xyxy=(float("nan"), 5.0, 13.0, 20.0)), "is empty"),
        (SWAPPED,
         "the visible mask is not inside the amodal mask"),
        (replaced(visible=rle_from_mask(np.zeros((30, 40), bool))), "is not the tight box (0.0, 0.0, 0.0, 0.0)"),
        (replaced(visible=rle_from_mask(SEEN.T)), "the visible mask is 30 x 40 px, not the picture's size"),
        (replaced(visible=Rle(size=(30, 40), counts="ä")), "a mask cannot be read"),
    ],
)  # fmt: skip
def test_faults_of_labels_are_named(folder, bad, message, thorough):
    item = msgspec.structs.replace(make_item(0, SIZE, (GOOD, OTHER)), instances=(OTHER, bad))
    problems = item_problems(item, 4, folder, thorough)
    assert len(problems) == 1
    assert problems[0].startswith("images/000/000000.jpg: object 2: ")
    assert message in problems[0]


def test_labels_that_contradict_the_objects(folder):
    item = make_item(0, SIZE, (GOOD, OTHER))
    problems = item_problems(msgspec.structs.replace(item, label=0), 4, folder)
    assert problems == ["images/000/000000.jpg: its label is 0; its largest visible object says 1"]
    problems = item_problems(msgspec.structs.replace(make_item(0, SIZE, ()), label=3), 4, folder)
    assert problems == ["images/000/000000.jpg: its label is 3; its largest visible object says 4"]
    problems = item_problems(make_item(0, SIZE, (GOOD, GOOD)), 4, folder)
    assert problems == ["images/000/000000.jpg: the visible masks of two objects overlap"]


def test_faults_of_pictures_are_named(folder):
    path = folder / "images/000/000000.jpg"
    item, data = make_item(0, SIZE, ()), path.read_bytes()
    assert "is 40 x 30 px; its labels say 40 x 31" in item_problems(make_item(0, (40, 31), ()), 4, folder)[0]
    for broken, message in (
        (data[:-20], "is cut short: it has no end marker"),
        (b"", "is not a JPEG"),
        (b"GIF89a", "is not a JPEG"),
        (data[:2] + b"\0\0" + data[4:], "has a broken JPEG header"),
        (b"\xff\xd8\xff\xd9", "has a JPEG header without a size"),
        (data[:2], "has a broken JPEG header"),
    ):
        path.write_bytes(broken)
        (problem,) = item_problems(item, 4, folder, thorough=False)
        assert problem.startswith("images/000/000000.jpg: the picture cannot be read")
        assert message in problem
    path.unlink()
    assert "cannot be opened (No such file" in item_problems(item, 4, folder)[0]


def test_only_the_full_decode_sees_damage_inside(folder):
    path = folder / "images/000/000000.jpg"
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 2 // 3] + b"\xff\xd9")
    item = make_item(0, SIZE, ())
    assert item_problems(item, 4, folder, thorough=False) == []
    assert len(item_problems(item, 4, folder, thorough=True)) == 1


@pytest.mark.parametrize("size_wh", [(1, 1), (17, 5), (640, 480)])
@pytest.mark.parametrize("writer", ["simplejpeg", "pillow", "pillow progressive", "pillow exif"])
def test_jpeg_sizes(tmp_path, size_wh, writer):
    from PIL import Image

    path, picture = tmp_path / "a.jpg", np.zeros((size_wh[1], size_wh[0], 3), np.uint8)
    if writer == "simplejpeg":
        path.write_bytes(simplejpeg.encode_jpeg(picture))
    else:
        exif = Image.Exif()
        exif[0x010E] = "\xff\xc0" * 200  # a description that looks like a frame header
        options = {"exif": exif} if "exif" in writer else {"progressive": "progressive" in writer}
        Image.fromarray(picture).save(path, **options)
    assert jpeg_size_wh(path) == size_wh
    check_decodes(path)


def test_a_huffman_table_before_the_frame_header_is_no_frame_header(tmp_path):
    data = simplejpeg.encode_jpeg(np.zeros((5, 17, 3), np.uint8))
    (tmp_path / "a.jpg").write_bytes(data[:2] + b"\xff\xff\xc4\x00\x07table" + data[2:])  # with a fill byte
    assert jpeg_size_wh(tmp_path / "a.jpg") == (17, 5)
