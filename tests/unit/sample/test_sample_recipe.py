"""Recipes as files: the ones that come along, and what is refused."""

from __future__ import annotations

import msgspec
import pytest

from photosynth.core.asset import Asset, AssetPart
from photosynth.core.distributions import Discrete, Fixed
from photosynth.core.errors import ConfigError
from photosynth.core.photo import Photo
from photosynth.core.record import from_plain, to_plain
from photosynth.core.scene import MeshFill, PhotoFill
from photosynth.sample import recipe
from photosynth.sample.environment import EnvironmentRecipe
from photosynth.sample.light import LightRecipe
from photosynth.sample.recipe import Recipe, load_recipe, recipe_names, recipes_folder
from photosynth.sample.scene import sample_scene

MILK = Asset(
    asset_id="milk",
    class_name="milk",
    parts=(AssetPart(name="whole", model_file="milk.glb"),),
    size_m=(0.1, 0.1, 0.2),
    scale_known=True,
)


def test_the_recipes_that_come_along() -> None:
    assert {"single", "plain2018"} <= set(recipe_names())


@pytest.mark.parametrize("name", recipe_names())
def test_every_recipe_loads_and_samples(name, tmp_path) -> None:
    recipe = load_recipe(name)
    assert recipe.about
    assert from_plain(to_plain(recipe), Recipe) == recipe
    photos = (Photo(path=tmp_path / "p.jpg", size_wh=(640, 480)),)
    for index in range(20):
        scene = sample_scene(recipe, (MILK,), index, 0, photos)
        assert scene.camera.size_wh == recipe.size_wh


def test_single_writes_out_the_defaults() -> None:
    assert msgspec.structs.replace(load_recipe("single"), about="") == Recipe()


def test_single_writes_out_every_field() -> None:
    import tomllib

    written = tomllib.loads((recipes_folder() / "single.toml").read_text())
    unused = {"group", "viewpoint", "surfaces"}  # without an arrangement
    for section, value in to_plain(Recipe()).items():
        if isinstance(value, dict) and section not in unused:
            assert set(written[section]) == set(value) - {"distance_diagonals", "hand_cover"}, section


def test_plain2018_is_plain(tmp_path) -> None:
    photos = (Photo(path=tmp_path / "p.jpg", size_wh=(640, 480)),)
    recipe, fills = load_recipe("plain2018"), set()
    for index in range(80):
        scene = sample_scene(recipe, (MILK,), index, 0, photos)
        assert 1 <= len(scene.lights) <= 4
        assert scene.occluders == scene.background.clutter == ()
        assert len(scene.placements) == 1
        assert scene.kind == "object"
        fills.add(type(scene.background.fill))
    assert fills == {PhotoFill, MeshFill}


def test_a_recipe_of_ones_own(tmp_path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("[camera]\nfocal_rel = { kind = 'fixed', value = 2.0 }\n")
    recipe = load_recipe(str(path))
    assert recipe.camera.focal_rel.value == 2.0
    assert recipe.lights == Recipe().lights


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[camera]\nfocal_lenght = 3\n", r"focal_lenght.*did you mean `focal_rel`"),
        ("[camras]\n", "camras"),
        ("[camera]\nfocal_rel = {kind='uniform', low=3, high=1}\n", r"low must not be above high.*camera\.focal_rel"),
        ("[camera]\nfocal_rel = {kind='uniform', low=0, high=1}\n", r"focal_rel must be at least 0\.3.*\$\.camera"),
        ("[camera]\nnearest_diagonals = 0.1\n", "nearest_diagonals"),
        ("[camera]\ndistance_diagonals = {kind='fixed', value=0.2}\n", "distance_diagonals"),
        ("[framing]\nsize_rel = {kind='log_uniform', low=0.1, high=3}\n", "size_rel up to 3 and min_inside 0.55"),
        ("[framing]\nmin_inside = 0\n", "min_inside"),
        ("[surface]\nroughness = {kind='normal', mean=0.5, sd=0.1}\n", "roughness.*truncated_normal"),
        ("[distractors]\nshare = 1.5\n", "share is a probability"),
        ("[distractors]\ncount = {kind='uniform', low=1, high=2}\n", "count is a count"),
        ("[lights]\ncount = {kind='discrete', values=[1.5]}\n", "count is a count"),
        ("[lights]\ncount = {kind='fixed', value=9}\n", "count must be.*at most 8"),
        ("[lights]\ntemperature_k = {kind='fixed', value=900}\n", "temperature_k"),
        ("[environment]\nmaps = ['attic']\n", "no shipped map 'attic'"),
        ("[environment]\nstrength = {kind='fixed', value=-1}\n", "strength"),
        ("[background]\nkinds = {photo=0}\n", "all 0"),
        ("[background]\nkinds = {photo=-1}\n", "0 or more"),
        ("[fills]\nn_colors = {kind='fixed', value=1}\n", "n_colors"),
        ("[occluders]\nmax_cover = -0.1\n", "max_cover"),
        ("[occluders]\nmax_cover = 0.0\n", "max_cover"),
        ("[finish]\njpeg_quality = {kind='uniform', low=0, high=95}\n", "jpeg_quality"),
        ("[finish]\nauto_exposure = {kind='fixed', value=2}\n", "auto_exposure"),
        ("[kinds]\nempty_share = 0.6\nlookalike_share = 0.4\n", "leave no pictures"),
        ("size_wh = [8, 8]\n", "size_wh"),
        ("about = \n", "not valid TOML"),
    ],
)
def test_faults_are_refused_by_name(text, complaint, tmp_path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=complaint) as caught:
        load_recipe(str(path))
    assert "mine.toml" in str(caught.value)


def test_unknown_names_and_paths_are_refused(tmp_path) -> None:
    with pytest.raises(ConfigError, match=r"no recipe 'singel'; choose from .*single"):
        load_recipe("singel")
    with pytest.raises(ConfigError, match="does not exist"):
        load_recipe(str(tmp_path / "absent.toml"))


def test_recipes_are_found_inside_an_installed_package(tmp_path, monkeypatch) -> None:
    package = tmp_path / "site-packages" / "photosynth"
    (package / "recipes").mkdir(parents=True)
    (package / "recipes" / "tiny.toml").write_text("about = 'tiny'\n")
    monkeypatch.setattr(recipe, "PACKAGE", package)
    assert recipe_names() == ("tiny",)
    assert load_recipe("tiny").about == "tiny"


def test_an_installation_without_recipes_says_so(tmp_path, monkeypatch) -> None:
    package = tmp_path / "site-packages" / "photosynth"
    package.mkdir(parents=True)
    monkeypatch.setattr(recipe, "PACKAGE", package)
    with pytest.raises(ConfigError, match="has no recipes"):
        recipe_names()


DARK = {"lights": LightRecipe(count=Fixed(value=0)), "environment": EnvironmentRecipe(strength=Fixed(value=0.0))}


def test_a_recipe_without_any_light_is_refused():
    with pytest.raises(ValueError, match=r"lights\.count .* and environment\.strength can only be 0"):
        Recipe(**DARK)
    with pytest.raises(ValueError, match="all pictures would be black"):
        Recipe(**DARK | {"lights": LightRecipe(radiance=Fixed(value=0.0))})
    assert Recipe(lights=DARK["lights"]).environment == EnvironmentRecipe()
    assert Recipe(environment=DARK["environment"]).lights == LightRecipe()
    assert Recipe(**DARK | {"lights": LightRecipe(count=Discrete(values=(0, 1)))})
