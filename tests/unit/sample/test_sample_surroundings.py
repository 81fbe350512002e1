"""Surfaces come from a pool, look alike by part, are as bright as wood and paint are; lines of sight stop at them."""

from __future__ import annotations

import numpy as np
import pytest
from arranged_assets import ASSETS, TABLE, replaced, scenes

from photosynth.core.distributions import Uniform
from photosynth.core.record import to_json
from photosynth.sample.arrange.posed import slab_hull
from photosynth.sample.fill import FillSource, FillWeights
from photosynth.sample.recipe import load_recipe
from photosynth.sample.scene import sample_scene
from photosynth.sample.sight import blocked, clearance_m
from photosynth.sample.source import ArrangementSource
from photosynth.sample.surroundings import SurroundingsRecipe, mean_linear, pool_fill


def test_surfaces_come_from_a_pool_that_the_scenes_share() -> None:
    recipe = replaced(TABLE, surfaces=SurroundingsRecipe(pool=3))
    fills = {to_json(slab.fill) for scene in scenes(recipe, 40) for slab in scene.surroundings}
    assert len(fills) == 3
    assert fills == {to_json(slab.fill) for scene in scenes(recipe, 40, first=40) for slab in scene.surroundings}
    assert fills != {to_json(slab.fill) for scene in scenes(recipe, 40, seed=4) for slab in scene.surroundings}


@pytest.mark.parametrize("same_share", [0.0, 1.0])
def test_slabs_of_one_part_look_alike(same_share) -> None:
    recipe = replaced(load_recipe("shelf"), surfaces=SurroundingsRecipe(same_share=same_share))
    source, differ = ArrangementSource(recipe, ASSETS, 3), 0
    for index in range(12):
        scene, boxes = sample_scene(recipe, ASSETS, index, 3, arrangements=source), source.of_scene(index)
        looks: dict[str, set[tuple]] = {}
        for slab, box in zip(scene.surroundings, boxes.arrangement.slabs, strict=True):
            assert (slab.size_m, slab.world_from_slab) == (box.size_m, box.world_from_slab)
            looks.setdefault(box.part, set()).add((to_json(slab.fill), slab.roughness, slab.albedo_gain_linear))
        assert all(len(found) == 1 for found in looks.values())
        differ += len(set.union(*looks.values())) > 1
    assert (differ > 0) == (same_share == 0.0)


def test_mean_albedo_is_plausible() -> None:
    recipe = replaced(TABLE, surfaces=SurroundingsRecipe(albedo=Uniform(low=0.2, high=0.6), max_gain=1e6))
    for scene in scenes(recipe, 40):
        for slab in scene.surroundings:
            assert 0.2 <= float(np.mean(mean_linear(slab.fill) * slab.albedo_gain_linear)) <= 0.6


def test_mean_colours_are_those_of_the_drawn_fills(tmp_path) -> None:
    import cv2

    from photosynth.core.photo import Photo
    from photosynth.render.fills import draw_fill

    picture = np.random.default_rng(0).integers(0, 255, (6, 8, 3), np.uint8).repeat(20, 0).repeat(20, 1)
    assert cv2.imwrite(str(tmp_path / "a.png"), picture)
    photos = (Photo(path=tmp_path / "a.png", size_wh=(160, 120)),)
    scene = sample_scene(TABLE, ASSETS, 0, 0)
    source = FillSource(TABLE.fills, photos, (), scene.camera, scene.environment)
    kinds = {"photo": 0.05, "plain": 0.05, "grain": 0.25, "weave": 0.25, "speckle": 0.2, "mesh": 0.45, "print": 0.35}
    for kind, most in kinds.items():
        recipe, errors = SurroundingsRecipe(kinds=FillWeights(**{kind: 1.0})), []
        for number in range(6):
            fill = pool_fill(recipe, source, 0, number)
            drawn = draw_fill(fill, (128, 128)).mean()
            errors.append(abs(np.log(mean_linear(fill).mean() / drawn)))
        assert np.mean(errors) < most, (kind, errors)


# sight


def test_lines_of_sight_stop_at_hulls() -> None:
    staged = ArrangementSource(TABLE, ASSETS, 0).of_scene(0)
    hull = slab_hull(staged.arrangement.slabs[0])
    centre = hull.centre_m
    up, aside = np.array([0.0, 0.0, 9.0]), np.array([1.0, 0.0, 0.0])
    above, below = centre + up, centre - up
    assert blocked(hull, above, np.array([below, above + aside])).tolist() == [True, False]
    assert blocked(hull, centre, np.array([above])).tolist() == [True]
    assert clearance_m(hull, centre) < 0 < clearance_m(hull, above)
