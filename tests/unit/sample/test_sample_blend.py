"""Blends: each scene is drawn from one of several recipes."""

from collections import Counter
from pathlib import Path

import pytest
from arranged_assets import ASSETS

from photosynth.core.errors import ConfigError
from photosynth.core.record import from_toml
from photosynth.sample.recipe import Recipe, at_size, load_recipe, recipe_parts, scene_recipe
from photosynth.sample.scene import sample_scene
from photosynth.sample.source import ArrangementSource


def blend_file(folder: Path, text: str) -> str:
    path = folder / "mine.toml"
    path.write_text(text)
    return str(path)


def test_anywhere_blends_recipes_that_come_along() -> None:
    recipe = load_recipe("anywhere")
    assert {part.size_wh for part in recipe_parts(recipe)} == {(320, 320)}
    assert load_recipe("tabletop").arrangement in [part.arrangement for part in recipe_parts(recipe)]
    assert recipe_parts(load_recipe("single")) == (load_recipe("single"),)


def test_parts_have_their_shares(tmp_path: Path) -> None:
    text = '[[blend]]\nrecipe = "single"\nweight = 3\n[[blend]]\nrecipe = "tabletop"\n'
    recipe = load_recipe(blend_file(tmp_path, text))
    drawn = Counter(scene_recipe(recipe, 5, index).about for index in range(2000))
    assert drawn[load_recipe("single").about] == pytest.approx(1500, abs=90)
    assert drawn.total() == 2000
    assert len(drawn) == 2


def test_a_scene_is_that_of_its_part() -> None:
    blend = at_size(load_recipe("anywhere"), (200, 200))
    source = ArrangementSource(blend, ASSETS, 3)
    met = set()
    for index in range(12):
        part = scene_recipe(blend, 3, index)
        met.add(part.arrangement is None)
        scene = sample_scene(blend, ASSETS, index, 3, arrangements=source)
        assert scene == sample_scene(part, ASSETS, index, 3)
        assert scene.camera.size_wh == (200, 200)
    assert met == {True, False}


def test_a_blend_of_blends_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="anywhere, which is a blend"):
        load_recipe(blend_file(tmp_path, '[[blend]]\nrecipe = "anywhere"\n'))


def test_a_weight_must_be_positive(tmp_path: Path) -> None:
    path = blend_file(tmp_path, '[[blend]]\nrecipe = "single"\nweight = 0\n')
    with pytest.raises(ConfigError, match="weight must be above 0"):
        from_toml(Path(path), Recipe)
