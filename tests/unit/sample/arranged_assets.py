"""Assets without meshes, and scenes of them, for the tests of arranged scenes."""

from __future__ import annotations

import msgspec

from photosynth.core.asset import NONE_CLASS, Asset, AssetPart
from photosynth.core.scene import Scene
from photosynth.sample.recipe import Recipe, load_recipe
from photosynth.sample.scene import sample_scene
from photosynth.sample.source import ArrangementSource

WHOLE = (AssetPart(name="whole", model_file="whole.glb"),)
HALVES = (
    AssetPart(name="top", model_file="top.glb", elevation_deg=(0, 90)),
    AssetPart(name="bottom", model_file="bottom.glb", elevation_deg=(-90, 0)),
)


def asset(name: str, size_m, parts=WHOLE, role="object", scale_known=True) -> Asset:
    class_name = name.split("-")[0] if role == "object" else NONE_CLASS
    return Asset(asset_id=name, class_name=class_name, parts=parts, size_m=size_m, scale_known=scale_known, role=role)


OBJECTS = (
    asset("milk", (0.07, 0.07, 0.2)),
    asset("tea", (0.1, 0.06, 0.14), HALVES),
    asset("tin-1", (0.08, 0.08, 0.05)),
    asset("tin-2", (0.09, 0.09, 0.06)),
)
OTHERS = (
    asset("cup", (0.1, 0.09, 0.09), role="distractor"),
    asset("bag", (0.2, 0.1, 0.2), HALVES, "distractor"),
)
ASSETS = (*OBJECTS, *OTHERS)
TABLE = load_recipe("tabletop")


def replaced(recipe: Recipe, **sections) -> Recipe:
    return msgspec.structs.replace(recipe, **sections)


def scenes(recipe: Recipe, n: int, assets=ASSETS, seed=3, first=0, **given) -> list[Scene]:
    source = ArrangementSource(recipe, assets, seed)
    return [sample_scene(recipe, assets, i, seed, arrangements=source, **given) for i in range(first, first + n)]
