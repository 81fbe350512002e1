"""Records travel as JSON and TOML, and refuse what they do not know."""

import numpy as np
import pytest

from photosynth.core.camera import Camera
from photosynth.core.errors import ConfigError
from photosynth.core.geometry import IDENTITY
from photosynth.core.record import digest, from_json, from_plain, from_toml, to_json
from photosynth.core.scene import Background, Hand, Patch, PhotoFill, PlainFill, Scene


def camera(**changes):
    values = dict(size_wh=(8, 6), focal_px=10.0, principal_px=(4.0, 3.0), world_from_cam=IDENTITY)
    return Camera(**{**values, **changes})


def scene():
    patch = Patch(outline_rel=((0.0, 0.0), (1.0, 0.0), (0.5, 1.0)), fill=PhotoFill(path="/x.jpg"))
    hand = Hand(
        anchor_rel=(0.5, 0.5),
        inward_rad=1.0,
        finger_width_rel=0.1,
        fingers=((2.0, 0.1),),
        skin_srgb=(0.8, 0.6, 0.5),
        seed=3,
    )
    fill = PlainFill(color_srgb=(0.1, 0.2, 0.3))
    return Scene(index=7, camera=camera(), background=Background(fill=fill), occluders=(patch, hand))


def test_scene_round_trips_through_json():
    assert from_json(to_json(scene()), Scene) == scene()


def test_equal_records_have_equal_digests_and_others_do_not():
    assert digest(scene()) == digest(from_json(to_json(scene()), Scene))
    assert digest(camera()) != digest(camera(focal_px=10.000001))


def test_numpy_values_become_plain_json():
    assert to_json({"a": np.float32(0.5), "b": np.arange(3)}) == b'{"a":0.5,"b":[0,1,2]}'


def test_unknown_key_is_named_with_its_place(tmp_path):
    path = tmp_path / "camera.toml"
    path.write_text("size_wh = [8, 6]\nfocal_px = 1.0\nfokal = 2\n")
    with pytest.raises(ConfigError, match=r"camera\.toml.*(fokal|principal_px)"):
        from_toml(path, Camera)
    with pytest.raises(ConfigError, match="fokal"):
        from_plain({"fokal": 1}, Camera, "here")


@pytest.mark.parametrize("text", ["= 3", "a = [1,", "\ud800".encode("utf-8", "surrogatepass")])
def test_broken_toml_is_a_config_error(tmp_path, text):
    path = tmp_path / "x.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ConfigError, match=r"x\.toml"):
        from_toml(path, Camera)


def test_absent_toml_is_a_config_error(tmp_path):
    with pytest.raises(ConfigError, match="does not exist"):
        from_toml(tmp_path / "none.toml", Camera)
