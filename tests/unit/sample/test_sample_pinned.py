"""Scenes stay what they were: a digest of some of `single`, taken before scenes could hold arrangements, of some with
arrangements, taken before parts of assets had an arc, and of some whose objects have no scale, taken while one such
object changed the size of all."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import arranged_assets
import msgspec
import pytest

from photosynth.core.asset import NONE_CLASS, Asset, AssetPart
from photosynth.core.photo import Photo
from photosynth.core.record import digest
from photosynth.sample.arrange.recipe import ShelfRecipe
from photosynth.sample.recipe import Recipe, load_recipe
from photosynth.sample.scene import sample_scene

WHOLE = (AssetPart(name="whole", model_file="whole.glb"),)
HALVES = (
    AssetPart(name="top", model_file="top.glb", elevation_deg=(0, 90)),
    AssetPart(name="bottom", model_file="bottom.glb", elevation_deg=(-90, 0)),
)
ASSETS = (
    Asset(asset_id="milk", class_name="milk", parts=HALVES, size_m=(0.1, 0.09, 0.23), scale_known=True),
    Asset(asset_id="tea", class_name="tea", parts=WHOLE, size_m=(0.7, 0.5, 0.4), scale_known=False),
    Asset(asset_id="tin", class_name=NONE_CLASS, parts=WHOLE, size_m=(2, 3, 1), scale_known=False, role="distractor"),
)
UNSCALED = (*(msgspec.structs.replace(a, scale_known=False) for a in arranged_assets.OBJECTS), *arranged_assets.OTHERS)
PHOTOS = (Photo(path=Path("/photos/a.jpg"), size_wh=(640, 480)), Photo(path=Path("/photos/b.jpg"), size_wh=(300, 500)))
MAPS = ("package:lobby.exr", "package:park.exr")


def essence(value: Any) -> Any:
    """Plain values without the fields that hold their defaults (records may gain some) and without the last digits
    (which differ from processor to processor)."""
    if isinstance(value, msgspec.Struct):
        default = {f.name: f.default for f in msgspec.structs.fields(value)}
        items = {name: getattr(value, name) for name in value.__struct_fields__}
        kept = {name: essence(item) for name, item in items.items() if item != default[name]}
        return {"type": type(value).__name__, **kept}
    if isinstance(value, tuple | list):
        return [essence(item) for item in value]
    if isinstance(value, float):
        return float(f"{value:.9g}") if math.isfinite(value) and abs(value) > 1e-12 else 0.0
    return value


def unsettled(name: str) -> Recipe:
    """A recipe that comes along, without physics: that is not the same to the last digit on every machine."""
    recipe = load_recipe(name)
    if not isinstance(recipe.arrangement, ShelfRecipe):
        return recipe
    return arranged_assets.replaced(recipe, arrangement=msgspec.structs.replace(recipe.arrangement, settled=False))


def test_single_draws_the_scenes_it_always_drew() -> None:
    recipe = load_recipe("single")
    scenes = [sample_scene(recipe, ASSETS, index, 7, PHOTOS, MAPS) for index in range(40)]
    assert {scene.kind for scene in scenes} == {"object", "empty", "lookalike"}
    assert (
        digest([essence(scene) for scene in scenes])
        == "487845fc97cecb3f07820195f4fa7dc0ef61e41319b07ead408112a552008487"
    )


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("tabletop", "233ff06e26d352af12b77758936d341e0011bc7f2ef3944ff9c7cb84f66ef71b"),
        ("shelf", "1f7336302c2d3d8f14ee1e91fc438eee38976480c747c65477f2d68ecc6fb0d0"),
        ("far", "6dddb939d07f65a9960859fcb0ccd40f62b596c3f9a3cb2908486fa0689e000a"),
    ],
)
def test_arranged_scenes_of_assets_that_go_all_round_are_what_they_were(name, expected) -> None:
    scenes = arranged_assets.scenes(unsettled(name), 10)
    assert digest([essence(scene) for scene in scenes]) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("tabletop", "68cadc9d6bec39277358158ccd478d7e0ae680ba4dffb9ad8a17c677505fd46c"),
        ("shelf", "4aad454063f3cea1ef1fd1640f823d39e1bd9ce7a2c733dda07d0ec0a45b3927"),
    ],
)
def test_arranged_scenes_of_objects_without_a_scale_are_what_they_were(name, expected) -> None:
    scenes = arranged_assets.scenes(unsettled(name), 10, UNSCALED)
    assert digest([essence(scene) for scene in scenes]) == expected
