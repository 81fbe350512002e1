"""A folder of photos for each side of an object that was turned over."""

import numpy as np
from PIL import Image

from photosynth.capture.sides import side_folders, side_name
from photosynth.capture.stage import CaptureConfig, run
from photosynth.core.capture import read_capture


def put(folder, count, seed):
    folder.mkdir(parents=True)
    cells = np.random.default_rng(seed).integers(20, 230, (40, 90, 3)).astype(np.uint8)
    long = np.kron(cells, np.ones((8, 8, 1), np.uint8))
    for k in range(count):
        Image.fromarray(long[:, 30 * k : 30 * k + 400]).save(folder / f"{k}.jpg", quality=95)


def test_sides_are_kept_in_the_names(tmp_path):
    put(tmp_path / "in" / "up", 5, 1)
    put(tmp_path / "in" / "down", 6, 2)
    (tmp_path / "in" / "notes").mkdir()
    assert [p.name for p in side_folders(tmp_path / "in")] == ["down", "up"]
    made = read_capture(run(CaptureConfig(), tmp_path / "in", tmp_path / "out").folder)
    assert [p.source for p in made.photos] == [f"down/{k}.jpg" for k in range(6)] + [f"up/{k}.jpg" for k in range(5)]
    assert {side_name(p.source) for p in made.photos} == {"up", "down"}
    assert len({p.file for p in made.photos}) == 11
    assert not any("groups" in line for line in made.advice)  # the sides need not overlap


def test_one_folder_below_is_no_flip(tmp_path):
    put(tmp_path / "in" / "up", 5, 1)
    assert side_folders(tmp_path / "in") == ()
    assert side_name("IMG.jpg") == ""
