"""The sheet of distributions: it measures what the scenes hold, and it is drawn for odd inputs too."""

from __future__ import annotations

import cv2
import msgspec
import numpy as np
import pytest

from photosynth.core.asset import Asset, AssetPart
from photosynth.core.directions import UniformSphere
from photosynth.core.distributions import Fixed, LogUniform
from photosynth.core.errors import ConfigError
from photosynth.sample.camera import CameraRecipe, FramingRecipe
from photosynth.sample.light import LightRecipe
from photosynth.sample.plot import gather_drawn, plot_distributions
from photosynth.sample.recipe import KindRecipe, Recipe, load_recipe
from photosynth.sample.viewpoint import ViewpointRecipe


def asset(class_name: str) -> Asset:
    part = AssetPart(name="whole", model_file="whole.glb")
    return Asset(asset_id="a", class_name=class_name, parts=(part,), size_m=(0.1, 0.2, 0.3), scale_known=True)


def test_measures_are_those_of_the_recipe() -> None:
    recipe = Recipe(
        kinds=KindRecipe(empty_share=0.0, lookalike_share=0.0),
        camera=CameraRecipe(direction=UniformSphere(low_elevation_deg=30), focal_rel=Fixed(value=2)),
        framing=FramingRecipe(size_rel=LogUniform(low=0.3, high=0.5), offset_rel=Fixed(value=0)),
        lights=LightRecipe(count=Fixed(value=2), radiance=Fixed(value=0.25)),
    )
    drawn = gather_drawn(recipe, (asset("tea"),), 30, 0, ())
    assert len(drawn.scenes) == 30
    assert drawn.classes == ["tea"] * 30
    assert 0.3 <= min(drawn.sizes_rel) <= max(drawn.sizes_rel) <= 0.5 + 1e-4
    assert np.array(drawn.directions)[:, 2].min() >= 0.5 - 1e-9
    assert drawn.light_radiances == pytest.approx([0.25] * 60)
    assert drawn.heat[24, 24] == 30  # the middle of the picture is in every box
    assert drawn.heat[0, 0] == 0


def test_arranged_scenes_are_measured_about_their_own_centres() -> None:
    recipe = msgspec.structs.replace(
        load_recipe("tabletop"),
        kinds=KindRecipe(empty_share=0.0, lookalike_share=0.0),
        lights=LightRecipe(count=Fixed(value=2), radiance=Fixed(value=0.25)),
        framing=FramingRecipe(size_rel=LogUniform(low=0.3, high=0.5), offset_rel=Fixed(value=0)),
        viewpoint=ViewpointRecipe(group_share=0.0),
    )
    drawn = gather_drawn(recipe, (asset("tea"),), 10, 0, ())
    assert drawn.light_radiances == pytest.approx([0.25] * 20)
    assert 0.3 <= min(drawn.sizes_rel) <= max(drawn.sizes_rel) <= 0.5 + 1e-4
    assert drawn.heat[24, 24] == 10
    assert min(drawn.distances) > 0.9


@pytest.mark.parametrize(
    "recipe",
    [
        load_recipe("single"),
        load_recipe("tabletop"),
        msgspec.structs.replace(
            load_recipe("plain2018"),
            about="half $ off",
            kinds=KindRecipe(empty_share=0.999, lookalike_share=0.0),
            lights=LightRecipe(count=Fixed(value=0)),
        ),
    ],
)
def test_a_sheet_is_drawn(recipe, tmp_path) -> None:
    plot_distributions(recipe, (asset("2 for $1, 3 for $_"),), tmp_path / "sheet.png", n=4)
    sheet = cv2.imread(str(tmp_path / "sheet.png"))
    assert sheet.shape == (1800, 2400, 3)
    assert (sheet < 128).any(axis=2).mean() > 0.01
    assert [path.name for path in tmp_path.iterdir()] == ["sheet.png"]


def test_no_scenes_is_refused(tmp_path) -> None:
    with pytest.raises(ConfigError, match="at least 1"):
        plot_distributions(Recipe(), (asset("tea"),), tmp_path / "sheet.png", n=0)
