"""Pictures rendered while a model trains are those that the stages leave on disk."""

from pathlib import Path

import numpy as np
import pytest
import trimesh
from PIL import Image

from photosynth.catalogue.stage import CatalogueConfig
from photosynth.catalogue.stage import run as catalogue
from photosynth.core.errors import ArtifactError, ConfigError, EngineError
from photosynth.core.items import SPLITS, read_items
from photosynth.dataset.stage import DatasetConfig
from photosynth.dataset.stage import run as dataset
from photosynth.executors.local import LocalExecutor
from photosynth.live import LiveConfig, LiveFrames
from photosynth.render.stage import RenderConfig
from photosynth.render.stage import run as render
from photosynth.sample.stage import SampleConfig
from photosynth.sample.stage import run as sample
from photosynth.train.pictures import decode

N = 10
ONE = LocalExecutor(1)
LIVE = LiveConfig(recipe="single", scene_seed=3, image_size_px=64)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("live")
    for name, colour in (("red", (200, 40, 40)), ("blue", (40, 60, 200))):
        box = trimesh.creation.box((0.1, 0.06, 0.15))
        box.unmerge_vertices()
        picture = Image.fromarray(np.full((8, 8, 3), colour, np.uint8))
        box.visual = trimesh.visual.TextureVisuals(
            uv=np.random.default_rng(0).random((len(box.vertices), 2)), image=picture
        )
        (folder / "objects").mkdir(exist_ok=True)
        box.export(folder / "objects" / f"{name}.glb")
    catalogue(CatalogueConfig(n_distractors=0), folder / "objects", folder / "catalogue", executor=ONE)
    sample(SampleConfig(n_images=N, seed=3, recipe="single", image_size_px=64), folder / "catalogue", folder / "scenes")
    render(RenderConfig(), folder / "scenes", folder / "catalogue", folder / "frames", executor=ONE)
    dataset(DatasetConfig(), folder / "frames", folder / "data", executor=ONE)
    return folder


def on_disk(data: Path):
    items = {item.index: item for split in SPLITS for item in read_items(data, split)}
    return {index: (decode(data / item.image_file), item) for index, item in items.items()}


@pytest.mark.parametrize("workers", [0, 2])
def test_the_same_pictures_and_labels_as_on_disk(made, workers, tmp_path):
    expected = on_disk(made / "data")
    indices = [7, 2, 9, 0, 4] if workers else list(range(N))
    shared = tmp_path / "shared"
    with LiveFrames(LIVE, made / "catalogue", workers=workers, shared_folder=shared) as source:
        assert source.class_names == ("blue", "red")
        frames = list(source.frames(indices))
        assert source.failures == []
        assert any(shared.glob("*.arrays")) == (workers > 1)
    assert not shared.exists()
    assert len(frames) == len(indices)
    for index, frame in zip(indices, frames, strict=True):
        if index not in expected:
            assert frame is None
            continue
        assert frame[1] == expected[index][1]
        assert (frame[0] == expected[index][0]).all()


def test_the_key_tells_settings_apart(made):
    keys = {
        LiveFrames(config, made / "catalogue").key
        for config in (LIVE, LiveConfig(recipe="single", scene_seed=4, image_size_px=64), LiveConfig(recipe="single"))
    }
    assert len(keys) == 3
    assert LiveFrames(LIVE, made / "catalogue").key in keys


def test_scenes_that_fail_are_counted_and_too_many_stop_it(made, monkeypatch):
    def broken(index):
        raise ValueError(f"no {index}")

    monkeypatch.setattr("photosynth.live._picture", broken)
    with LiveFrames(LIVE, made / "catalogue", workers=0) as source:
        assert list(source.frames([1, 2])) == [None, None]
        assert source.failures == ["scene 1: ValueError: no 1", "scene 2: ValueError: no 2"]
        with pytest.raises(EngineError, match="scene 100"):
            list(source.frames(range(3, 103)))


def test_what_cannot_be_rendered_is_refused(made, tmp_path):
    with pytest.raises(ConfigError, match="there is no render engine"):
        LiveFrames(LiveConfig(engine="none"), made / "catalogue")
    with pytest.raises(ArtifactError, match="does not exist"):
        LiveFrames(LIVE, tmp_path / "absent")
