"""Background, occluders and layers make one frame."""

import numpy as np
import pytest
from film_twin import cover_slowly
from PIL import Image

from photosynth.core.camera import Camera
from photosynth.core.errors import ConfigError
from photosynth.core.frame import OCCLUDER_ID, Layers
from photosynth.core.geometry import IDENTITY
from photosynth.core.scene import (
    Background,
    EnvironmentFill,
    Hand,
    MeshFill,
    Patch,
    PhotoFill,
    PlainFill,
    PrintFill,
    Scene,
)
from photosynth.render.color import linear_from_bytes, linear_from_srgb, luminance
from photosynth.render.compose import compose, match_gain
from photosynth.render.fills import draw_fill

SIZE = (64, 48)
GREY = PlainFill(color_srgb=(0.5, 0.5, 0.5))
PALETTE = ((0.9, 0.9, 0.8), (0.1, 0.1, 0.6), (0.8, 0.2, 0.1))


def disc_layers(level=0.6):
    width, height = SIZE
    y, x = np.mgrid[:height, :width]
    mask = (x - 32) ** 2 + (y - 24) ** 2 < 12**2
    coverage = mask.astype(np.float32)
    radiance = coverage[..., None] * np.array([level, level / 2, level / 4], np.float32)
    depth = np.where(mask, 1.0, np.inf).astype(np.float32)
    normals = np.zeros((height, width, 3), np.float32)
    return Layers(radiance, coverage, depth, mask.astype(np.uint16), normals, mask[None], np.array([float(mask.sum())]))


def scene(fill=GREY, **changes):
    camera = Camera(size_wh=SIZE, focal_px=50.0, principal_px=(32.0, 24.0), world_from_cam=IDENTITY)
    background = changes.pop("background", Background(fill=fill))
    return Scene(index=0, camera=camera, background=background, **changes)


def square(x0, y0, x1, y1, **changes):
    outline = ((x0, y0), (x1, y0), (x1, y1), (x0, y1))
    return Patch(outline_rel=outline, fill=PlainFill(color_srgb=(0.0, 0.0, 1.0)), softness_rel=0.0, **changes)


def test_cover_agrees_with_its_twin():
    from photosynth.render.film import cover, mean_luminance

    rng = np.random.default_rng(0)
    canvas, radiance = rng.uniform(0, 2, (2, 48, 64, 3)).astype(np.float32)
    coverage = rng.uniform(0, 1, (48, 64)).astype(np.float32)
    coverage[10:20], radiance[10:20] = 0, 0
    expected, light = cover_slowly(canvas, radiance, coverage)
    mean = cover(canvas.reshape(48, -1), radiance.reshape(48, -1), coverage)
    np.testing.assert_allclose(canvas, expected, rtol=1e-5, atol=1e-6)
    assert mean == pytest.approx(light, rel=1e-5)
    assert mean_luminance(canvas.reshape(48, -1)) == pytest.approx(light, rel=1e-5)


def test_object_over_background():
    frame = compose(scene(), disc_layers())
    assert frame.color.dtype == np.uint8
    assert frame.color.shape == (48, 64, 3)
    assert tuple(frame.color[0, 0]) == (128, 128, 128)
    np.testing.assert_allclose(linear_from_bytes(frame.color)[24, 32], [0.6, 0.3, 0.15], rtol=0.02)


def test_a_patch_hides_colour_ids_and_depth_but_not_the_amodal_mask():
    layers = disc_layers()
    frame = compose(scene(occluders=(square(0.5, 0.0, 1.0, 1.0),)), layers)
    assert tuple(frame.color[24, 40]) == (0, 0, 255)
    assert frame.instance_ids[24, 40] == OCCLUDER_ID
    assert frame.depth_m[24, 40] == 0
    assert frame.instance_ids[24, 24] == 1
    assert frame.amodal_masks[0].sum() == layers.coverage.sum()
    assert layers.instance_ids.max() == 1, "the engine's layers are left as they were"


def test_clutter_lies_behind_the_object():
    background = Background(fill=GREY, clutter=(square(0.0, 0.0, 1.0, 1.0),))
    frame = compose(scene(background=background), disc_layers())
    assert tuple(frame.color[2, 2]) == (0, 0, 255)
    np.testing.assert_allclose(linear_from_bytes(frame.color)[24, 32], [0.6, 0.3, 0.15], rtol=0.02)


def test_contact_shadow_darkens_the_background_beside_the_object_only():
    background = Background(fill=GREY, contact_shadow=0.8, contact_offset_rel=(0.0, 0.1), contact_blur_rel=0.03)
    shaded, plain = compose(scene(background=background), disc_layers()), compose(scene(), disc_layers())
    assert shaded.color[37, 32, 0] < plain.color[37, 32, 0] - 20
    assert abs(int(shaded.color[2, 2, 0]) - int(plain.color[2, 2, 0])) <= 1
    np.testing.assert_array_equal(shaded.color[24, 32], plain.color[24, 32])


@pytest.mark.parametrize("ratio", [0.3, 1.0, 2.0])
def test_brightness_matching(ratio):
    layers = disc_layers()
    canvas = draw_fill(GREY, SIZE)
    gain = match_gain(canvas, layers, ratio)
    objects = luminance(layers.radiance).sum() / layers.coverage.sum()
    assert luminance(canvas * gain).mean() == pytest.approx(ratio * objects, rel=1e-3)
    assert match_gain(canvas, layers, None) == 1.0
    assert match_gain(canvas * 1e-9, layers, ratio) == 8.0


@pytest.mark.parametrize("fingers", [((2.0, 0.2),), ((2.0, 0.1), (2.5, 0.0), (2.2, -0.1), (1.6, -0.3))])
def test_a_hand_reaches_in_from_its_edge(fingers):
    hand = Hand(
        anchor_rel=(0.8, 0.5),
        inward_rad=np.pi,
        finger_width_rel=0.1,
        fingers=fingers,
        skin_srgb=(0.8, 0.6, 0.5),
        seed=1,
    )
    frame = compose(scene(occluders=(hand,)), disc_layers())
    hidden = frame.instance_ids == OCCLUDER_ID
    assert hidden[24, 62], "the arm leaves the picture on the right"
    assert not hidden[:, :25].any(), "nothing comes from the left"
    assert 0 < (hidden & frame.amodal_masks[0]).sum() < frame.amodal_masks[0].sum()


def test_a_hand_with_one_finger_is_a_whole_hand_and_holds_what_is_there():
    """Its anchor is where the box of the object would be, 8 px outside of it."""
    hand = Hand(
        anchor_rel=(0.75, 0.5),
        inward_rad=np.pi,
        finger_width_rel=0.08,
        fingers=((2.0, 0.0),),
        skin_srgb=(0.8, 0.6, 0.5),
        seed=1,
    )
    frame = compose(scene(occluders=(hand,)), disc_layers())
    hidden = frame.instance_ids == OCCLUDER_ID
    assert hidden[:, 58].sum() > 3.5 * 0.08 * 48, "a rod would be one finger wide"
    held = (hidden & frame.amodal_masks[0]).any(axis=0)
    assert held.sum() == pytest.approx(2.0 * 0.08 * 48, abs=1.5)


FILLS = [
    GREY,
    PlainFill(color_srgb=(0, 0, 0), end_srgb=(1, 1, 1), angle_rad=0.7),
    MeshFill(seed=3, n_balls=5, octaves=4, palette_srgb=PALETTE),
    MeshFill(seed=3, n_balls=0, octaves=1, palette_srgb=PALETTE),
    PrintFill(seed=5, palette_srgb=PALETTE, density=1.0),
    PrintFill(seed=5, palette_srgb=PALETTE[:1], density=0.0),
]


@pytest.mark.parametrize("fill", FILLS)
@pytest.mark.parametrize("size", [(64, 48), (1, 1), (3, 200)])
def test_fills_have_the_size_and_are_fixed_by_their_record(fill, size):
    image = draw_fill(fill, size)
    assert image.shape == (size[1], size[0], 3)
    assert image.dtype == np.float32
    assert np.isfinite(image).all()
    assert image.min() >= 0
    np.testing.assert_array_equal(image, draw_fill(fill, size))


@pytest.mark.parametrize("kind", [MeshFill, PrintFill])
def test_another_seed_is_another_picture(kind):
    extra = {"n_balls": 4, "octaves": 3} if kind is MeshFill else {"density": 1.0}
    pictures = [draw_fill(kind(seed=seed, palette_srgb=PALETTE, **extra), SIZE) for seed in (0, 1)]
    assert np.abs(pictures[0] - pictures[1]).mean() > 0.01


def test_gradient_runs_from_start_to_end():
    image = draw_fill(PlainFill(color_srgb=(0, 0, 0), end_srgb=(1, 1, 1)), SIZE)
    assert image[0, 0, 0] == pytest.approx(0, abs=1e-6)
    assert image[0, -1, 0] == pytest.approx(1, abs=1e-5)
    assert image[0, 32, 0] == pytest.approx(linear_from_srgb(np.array(0.508)), rel=0.01)


def test_photo_crop_turn_and_mirror(tmp_path):
    pixels = np.zeros((40, 80, 3), np.uint8)
    pixels[:20, :40] = 255  # white top left
    path = str(tmp_path / "p.png")
    Image.fromarray(pixels).save(path)

    def corner(**k):
        image = draw_fill(PhotoFill(path=path, **k), (20, 20))
        return [bool(image[y, x, 0] > 0.5) for y in (2, 17) for x in (2, 17)]

    assert corner() == [True, False, False, False]
    assert corner(mirrored=True) == [False, True, False, False]
    assert corner(quarter_turns=1) == [False, False, True, False]
    assert corner(crop_rel=(0.0, 0.0, 0.5, 0.5)) == [True] * 4
    with pytest.raises(ConfigError, match=r"gone\.png"):
        draw_fill(PhotoFill(path=str(tmp_path / "gone.png")), (4, 4))


def test_environment_fill_looks_where_it_is_told():
    sky = EnvironmentFill(map_file="package:park.exr", yaw_rad=0.3, pitch_rad=1.2, roll_rad=0, fov_rad=0.6)
    grass = EnvironmentFill(map_file="package:park.exr", yaw_rad=0.3, pitch_rad=-0.7, roll_rad=0, fov_rad=0.6)
    up, down = (draw_fill(fill, SIZE).reshape(-1, 3).mean(0) for fill in (sky, grass))
    assert up[2] > up[0], "the sky is blue"
    assert down[1] > down[2], "the grass is not"
