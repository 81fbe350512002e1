"""Which classes of a folder of objects are photos."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from photosynth.core.errors import ConfigError
from photosynth.objects import expected_seconds, model_classes, models_of, photo_classes


def photos(folder, count):
    folder.mkdir(parents=True)
    for k in range(count):
        Image.fromarray(np.full((8, 8, 3), k, np.uint8)).save(folder / f"{k}.jpg")


def test_no_folder(tmp_path):
    with pytest.raises(ConfigError, match="not a folder"):
        photo_classes(tmp_path / "absent")


def test_photos_video_and_models_are_told_apart(tmp_path):
    photos(tmp_path / "mug", 6)
    photos(tmp_path / "few", 2)
    photos(tmp_path / "scanned", 6)
    (tmp_path / "scanned" / "model.obj").write_text("v 0 0 0\n")
    (tmp_path / "filmed").mkdir()
    (tmp_path / "filmed" / "walk.mp4").write_bytes(b"")
    (tmp_path / "box.glb").write_bytes(b"")
    found = photo_classes(tmp_path)
    assert [(one.name, one.n_photos) for one in found] == [("filmed", 0), ("mug", 6)]
    assert found[0].source.name == "walk.mp4"
    assert set(model_classes(tmp_path)) == {"box", "scanned"}
    assert expected_seconds(found, 2) < expected_seconds(found, 1)


def test_photos_alone_are_classes_enough(tmp_path):
    photos(tmp_path / "mug", 6)
    assert model_classes(tmp_path) == ()


def test_nothing_at_all(tmp_path):
    with pytest.raises(ConfigError, match="holds no 3D model"):
        model_classes(tmp_path)


def test_models_need_no_staging(tmp_path):
    (tmp_path / "box.glb").write_bytes(b"")
    assert models_of(tmp_path, tmp_path / "run", {}, executor=None, progress=None, overwrite=False) == tmp_path
    assert not (tmp_path / "run").exists()
