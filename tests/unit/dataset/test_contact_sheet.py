import io

import numpy as np
import simplejpeg
from dataset_items import CLASS_NAMES, make_instance, make_item, rectangle
from PIL import Image

from photosynth.core.items import Item
from photosynth.dataset.contact_sheet import PALETTE, Picks, contact_sheet_png

SIZE = (120, 90)


def item(index: int, label: int, kind: str = "object") -> Item:
    return Item(index=index, image_file="", size_wh=SIZE, kind=kind, label=label, instances=())


def test_picks_are_spread_over_classes_and_kinds():
    picks = Picks(6, 2)
    for index in range(1000):
        picks.offer(item(index, 0))
    for index in range(1000, 1003):
        picks.offer(item(index, 1))
    picks.offer(item(1003, 2, "empty"))
    picks.offer(item(1004, 2, "empty"))  # an eighth of six is one
    assert [(i.index, i.label) for i in picks.chosen()] == [(0, 0), (1, 0), (2, 0), (1000, 1), (1001, 1), (1003, 2)]
    assert Picks(6, 2).chosen() == []


def test_picks_keep_few():
    picks = Picks(24, 3)
    for index in range(5000):
        picks.offer(item(index, index % 4))
    assert sum(len(group) for group in picks._groups.values()) <= 4 * 8
    assert [i.label for i in picks.chosen()].count(3) == 3
    assert len(picks.chosen()) == 24


def draw(folder, *instances) -> np.ndarray:
    one = make_item(0, SIZE, instances)
    path = folder / one.image_file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(simplejpeg.encode_jpeg(np.full((SIZE[1], SIZE[0], 3), 128, np.uint8)))
    return np.asarray(Image.open(io.BytesIO(contact_sheet_png([one], folder, CLASS_NAMES))).convert("RGB"), int)


def test_the_sheet_shows_the_labels(tmp_path):
    empty = draw(tmp_path)
    amodal = rectangle(SIZE, 30, 30, 110, 80)
    seen = draw(tmp_path, make_instance(rectangle(SIZE, 30, 30, 70, 80), amodal, 0))
    assert seen.shape == empty.shape
    changed = np.abs(seen - empty).sum(axis=2) > 20
    # the tile is 260 px for 120 px of picture, in the first column under the header
    scale, left, top = 260 / 120, 14, 64
    middle = (
        slice(int(top + 45 * scale), int(top + 75 * scale)),
        slice(int(left + 35 * scale), int(left + 65 * scale)),
    )
    assert changed[middle].all()  # tinted
    tint = seen[middle].reshape(-1, 3).mean(axis=0) - 128
    assert np.dot(tint, np.array(PALETTE[0]) - 128) > 0
    hidden = (
        slice(int(top + 45 * scale), int(top + 75 * scale)),
        slice(int(left + 75 * scale), int(left + 105 * scale)),
    )
    assert not changed[hidden].any()  # not tinted where something stands before it
    right_edge = changed[middle[0], int(left + 107 * scale) : int(left + 111 * scale)]
    assert right_edge.any()  # but its outline is drawn


def test_plates_keep_clear_of_one_another(tmp_path):
    both = rectangle(SIZE, 20, 40, 60, 80), rectangle(SIZE, 21, 41, 59, 79)
    sheet = draw(tmp_path, make_instance(both[0], both[0], 0), make_instance(both[1], both[1], 1))
    counts = [(np.abs(sheet[64:] - PALETTE[k]).sum(axis=2) < 6).sum() for k in (0, 1)]
    assert min(counts) > 700  # a plate is about 60 x 16 px, less its text


def test_the_plates_of_many_objects_are_small_and_all_there(tmp_path):
    masks = [rectangle(SIZE, x, y, x + 14, y + 20) for y in (20, 60) for x in range(2, 110, 19)]
    sheet = draw(tmp_path, *(make_instance(mask, mask, k % 2) for k, mask in enumerate(masks)))
    counts = [(np.abs(sheet[64:330] - PALETTE[k]).sum(axis=2) < 6).sum() for k in (0, 1)]
    assert min(counts) > 1500  # six plates of about 30 x 13 px each, less their text
    assert max(counts) < 6500


def test_no_pictures_make_a_valid_sheet(tmp_path):
    sheet = Image.open(io.BytesIO(contact_sheet_png([], tmp_path, CLASS_NAMES)))
    assert sheet.format == "PNG"
