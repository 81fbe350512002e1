"""Thumbnails and nearest training pictures."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import numpy as np
from PIL import Image

from photosynth.core.asset import NONE_CLASS
from photosynth.core.frame import Rle
from photosynth.core.items import Item, ItemInstance
from photosynth.evaluate.nearest import TrainingPictures, descriptor, largest_box, spread
from photosynth.evaluate.thumbs import Thumbnails, draw_boxes


def decoded(uri: str) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))))


def item(index: int, label: int, *boxes: tuple[float, float, float, float]) -> Item:
    code = Rle(size=(40, 40), counts="")
    instances = tuple(
        ItemInstance(
            class_id=label, visible_xyxy=b, amodal_xyxy=b, visible=code, amodal=code, visible_fraction=1, truncation=0
        )
        for b in boxes
    )
    return Item(
        index=index, image_file=f"{index}.png", size_wh=(40, 40), kind="object", label=label, instances=instances
    )


def test_thumbnails_are_small_upright_and_counted(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 8
    Image.new("RGB", (400, 200), (200, 30, 30)).save(tmp_path / "a.jpg", exif=exif)
    thumbnails = Thumbnails(100_000)
    uri = thumbnails.uri(tmp_path / "a.jpg", 120, 90)
    assert decoded(uri).shape == (90, 45, 3)
    assert thumbnails.left_bytes == 100_000 - len(uri)
    assert thumbnails.uri(tmp_path / "missing.jpg", 120, 90) is None
    assert Thumbnails(10).uri(tmp_path / "a.jpg", 120, 90) is None


def test_boxes_are_drawn_where_they_are_and_nowhere_else():
    image = np.full((100, 200, 3), 90, np.uint8)
    drawn = draw_boxes(image, ((0.25, 0.2, 0.75, 0.8),))
    changed = np.argwhere((drawn != image).any(axis=2))
    assert np.abs(changed.min(axis=0) - (20, 50)).max() <= 2
    assert np.abs(changed.max(axis=0) - (79, 149)).max() <= 2
    assert (drawn[40:60, 80:120] == 90).all()
    assert draw_boxes(image, ()) is image


def test_the_nearest_training_picture_has_its_colours(tmp_path):
    colours = {0: (220, 30, 30), 1: (30, 200, 30), 2: (30, 30, 220), 3: (128, 128, 128)}
    for k, colour in colours.items():
        Image.new("RGB", (40, 40), colour).save(tmp_path / f"{k}.png")
    items = (item(0, 0), item(1, 0), item(2, 1), item(3, 2))
    training = TrainingPictures(tmp_path, items, ("a", "b"))
    photo = tmp_path / "photo.png"
    Image.new("RGB", (80, 60), (40, 180, 50)).save(photo)
    assert training.nearest(photo, (), "a") == tmp_path / "1.png"
    assert training.nearest(photo, (), "b") == tmp_path / "2.png"
    assert training.nearest(photo, (), NONE_CLASS) == tmp_path / "3.png"
    assert training.nearest(Path("missing"), (), "a") is None
    assert TrainingPictures(tmp_path, (), ("a",)).nearest(photo, (), "a") is None


def test_with_boxes_only_the_boxes_are_compared(tmp_path):
    green, red = np.zeros((40, 40, 3), np.uint8), np.zeros((40, 40, 3), np.uint8)
    green[...] = (230, 40, 40)
    green[10:20, 10:20] = (20, 220, 20)
    red[...] = (20, 220, 20)
    red[10:20, 10:20] = (230, 40, 40)
    Image.fromarray(green).save(tmp_path / "0.png")
    Image.fromarray(red).save(tmp_path / "1.png")
    Image.new("RGB", (40, 40), (20, 220, 20)).save(tmp_path / "photo.png")
    box = (10.0, 10.0, 20.0, 20.0)
    training = TrainingPictures(tmp_path, (item(0, 0, box), item(1, 0, box)), ("a",))
    assert training.nearest(tmp_path / "photo.png", (), "a") == tmp_path / "1.png"
    assert training.nearest(tmp_path / "photo.png", ((0.1, 0.1, 0.9, 0.9),), "a") == tmp_path / "0.png"


def test_descriptor_has_one_length_and_ignores_size():
    image = np.random.default_rng(0).integers(0, 255, (12, 12, 3), np.uint8)
    assert descriptor(image).shape == (236,)
    larger = np.kron(image, np.ones((8, 8, 1), np.uint8))
    assert np.abs(descriptor(larger) - descriptor(np.kron(larger, np.ones((2, 2, 1), np.uint8)))).max() < 0.02
    assert np.isfinite(descriptor(image, (0.5, 0.5, 0.5, 0.5))).all()


def test_spread_and_largest_box():
    items = tuple(item(k, 0) for k in range(10))
    assert [i.index for i in spread(items, 5)] == [0, 2, 4, 6, 8]
    assert spread(items, 20) == items
    assert spread(items, 0) == ()
    assert largest_box(item(0, 0)) is None
    assert largest_box(item(0, 0, (0, 0, 4, 4), (10, 10, 30, 20))) == (0.25, 0.25, 0.75, 0.5)
