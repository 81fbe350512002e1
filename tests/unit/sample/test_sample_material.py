"""Wood, cloth, stone and the edges of flat things are drawn from what their recipes say."""

import colorsys

import numpy as np
import pytest

from photosynth.core.camera import Camera
from photosynth.core.distributions import Fixed, Normal, Whole
from photosynth.core.geometry import IDENTITY
from photosynth.core.scene import Environment
from photosynth.sample.background import BackgroundRecipe, EdgeRecipe, sample_background
from photosynth.sample.fill import FillRecipe, FillSource, FillWeights, sample_fill
from photosynth.sample.material import GrainRecipe, SpeckleRecipe, WeaveRecipe
from photosynth.sample.occluder import OccluderRecipe, sample_occluders


def fixed(value: float) -> Fixed:
    return Fixed(value=value)


def source(**recipe) -> FillSource:
    camera = Camera(size_wh=(100, 80), focal_px=80.0, principal_px=(50.0, 40.0), world_from_cam=IDENTITY)
    return FillSource(FillRecipe(**recipe), (), (), camera, Environment())


def drawn(kind: str, recipe) -> object:
    return sample_fill(FillWeights(**{kind: 1.0}), source(**{kind: recipe}), 1.0, np.random.default_rng(0))


def test_wood() -> None:
    recipe = GrainRecipe(
        painted_share=0.0, hue=fixed(0.1), saturation=fixed(0.5), value=fixed(0.8), late_wood=fixed(0.5),
        rings=fixed(7.0), boards=(5,), knottiness=fixed(0.25),
    )  # fmt: skip
    wood = drawn("grain", recipe)
    assert (wood.rings, wood.n_boards, wood.knottiness) == (7.0, 5, 0.25)
    assert wood.palette_srgb[0] == pytest.approx(colorsys.hsv_to_rgb(0.1, 0.5, 0.8))
    assert wood.palette_srgb[1][0] == pytest.approx(0.4)


def test_cloth() -> None:
    recipe = WeaveRecipe(
        plain_share=0.0, stripe_colors=fixed(2), threads=fixed(50), stripe_rel=fixed(0.3), checked_share=1.0
    )
    cloth = drawn("weave", recipe)
    assert (cloth.threads, cloth.stripe_rel, cloth.checked, len(cloth.palette_srgb)) == (50, 0.3, True, 3)


def test_stone() -> None:
    recipe = SpeckleRecipe(
        lively_share=0.0, saturation=fixed(0.0), value=fixed(0.6), speck_colors=fixed(3), speck_rel=fixed(0.02),
        density=fixed(0.4),
    )  # fmt: skip
    stone = drawn("speckle", recipe)
    assert stone.palette_srgb == pytest.approx(np.full((4, 3), 0.6))
    assert (stone.speck_rel, stone.density) == (0.02, 0.4)


def test_edges_of_clutter_and_of_occluders() -> None:
    edges = EdgeRecipe(
        softness_rel=fixed(0.004), shadow_offset_rel=Normal(mean=0.1, sd=0.0), shadow_blur_rel=fixed(0.03)
    )
    rngs = [np.random.default_rng(seed) for seed in range(4)]
    behind = BackgroundRecipe(clutter_count=fixed(3), edges=edges)
    clutter = sample_background(behind, source(), rngs[0], rngs[1]).clutter
    before = OccluderRecipe(patch_share=1.0, hand_share=0.0, edges=edges)
    box = np.array([(20.0, 20.0), (80.0, 20.0), (80.0, 60.0), (20.0, 60.0)])
    patches = clutter + sample_occluders(before, source(), box, rngs[2], rngs[3])
    assert len(patches) == 4
    for patch in patches:
        assert (patch.softness_rel, patch.shadow_blur_rel) == (0.004, 0.03)
        assert patch.shadow_offset_rel == (0.1, 0.1)


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (lambda: GrainRecipe(boards=()), "boards"),
        (lambda: GrainRecipe(boards=(0,)), "boards"),
        (lambda: GrainRecipe(hue=fixed(1.5)), "hue"),
        (lambda: WeaveRecipe(threads=fixed(3.5)), "threads is a count"),
        (lambda: SpeckleRecipe(speck_colors=Whole(low=0, high=2)), "speck_colors must be at least 1"),
        (lambda: EdgeRecipe(shadow_blur_rel=fixed(-0.1)), "shadow_blur_rel"),
    ],
)
def test_what_makes_no_material_is_refused(make, complaint) -> None:
    with pytest.raises(ValueError, match=complaint):
        make()
