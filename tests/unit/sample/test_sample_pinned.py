"""Scenes stay what they were: a digest of some of `single`, taken before scenes could hold arrangements, of some with
arrangements, taken before parts of assets had an arc, and of some whose objects have no scale, taken while one such
object changed the size of all. Hands are left out: they are drawn in another way than then."""

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
from photosynth.core.scene import Hand, Scene
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


def without_hands(scene: Scene) -> Scene:
    return msgspec.structs.replace(scene, occluders=tuple(o for o in scene.occluders if not isinstance(o, Hand)))


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
        digest([essence(without_hands(scene)) for scene in scenes])
        == "b1bf0128df13b6010f282bc611f7240ec60e98384ccd74a7579ec4f12cc7fcb1"
    )


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("tabletop", "0ad0f046777b8e025ff76c09952e9d1ef39f10b019996326d8d03ea9b5600643"),
        ("shelf", "6dc9fc7d470cefa331530138d9c1be19bfa8500645c686683acf483c06557967"),
        ("far", "6dddb939d07f65a9960859fcb0ccd40f62b596c3f9a3cb2908486fa0689e000a"),
    ],
)
def test_arranged_scenes_of_assets_that_go_all_round_are_what_they_were(name, expected) -> None:
    scenes = arranged_assets.scenes(unsettled(name), 10)
    assert digest([essence(without_hands(scene)) for scene in scenes]) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("tabletop", "98fb92f76870fb30efd76eee7c158cb5fa92cb3bafea2b71f72341e8ceba8646"),
        ("shelf", "234528a68748b838427bf2b71f9909d7a37bf9cccc6a7aacb08e196874d2c933"),
    ],
)
def test_arranged_scenes_of_objects_without_a_scale_are_what_they_were(name, expected) -> None:
    scenes = arranged_assets.scenes(unsettled(name), 10, UNSCALED)
    assert digest([essence(without_hands(scene)) for scene in scenes]) == expected
