"""Turning one-sided things to an azimuth, and the outlook of a camera on them."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from photosynth.core.asset import Asset, AssetPart
from photosynth.core.seen import seen_from
from photosynth.sample.arrange.arrangement import Shape
from photosynth.sample.arrange.facing import TRIES, common_azimuth_rad, facing
from photosynth.sample.arrange.posed import yawed
from photosynth.sample.outlook import DRAWS, outlook

CORNERS = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], dtype=float)
FRONT = AssetPart(name="whole", model_file="", elevation_deg=(0.0, 60.0), azimuth_deg=(150.0, 240.0))
WHOLE = AssetPart(name="whole", model_file="")


def turns(seed: int):
    rng = np.random.default_rng(seed)
    return lambda: yawed(np.eye(3), rng.uniform(0, 2 * np.pi))


def test_what_goes_all_round_takes_the_first_turn_and_no_azimuth() -> None:
    rng = np.random.default_rng(0)
    before = rng.bit_generator.state
    assert common_azimuth_rad([Shape("a", CORNERS)], rng) == 0.0
    assert rng.bit_generator.state == before
    assert (facing(Shape("a", CORNERS), 1.0, turns(3)) == turns(3)()).all()


@pytest.mark.parametrize("azimuth_deg", [-170.0, -30.0, 100.0])
def test_a_front_is_turned_to_the_azimuth(azimuth_deg) -> None:
    shape, azimuth = Shape("a", CORNERS, one_sided=(FRONT,)).scaled(2.0), np.radians(azimuth_deg)
    found = [facing(shape, azimuth, turns(seed)) for seed in range(30)]
    middle = np.array([np.cos(azimuth), np.sin(azimuth), 0.5])
    assert all(seen_from(FRONT, middle @ rotation) for rotation in found)
    yaws = np.unwrap([np.arctan2(r[1, 0], r[0, 0]) for r in found], period=2 * np.pi)
    assert np.std(np.angle(np.exp(1j * (yaws - yaws[0])))) > np.radians(8)


def test_the_next_kind_of_turn_is_tried_when_one_gives_nothing() -> None:
    shape, asked = Shape("a", CORNERS, one_sided=(FRONT,)), []
    wrong = yawed(np.eye(3), np.radians(15.0))  # turns the middle of the arc to 210, while cameras stand at 0
    right = yawed(np.eye(3), np.radians(-195.0))
    assert (facing(shape, 0.0, lambda: asked.append(1) or wrong, lambda: right) == right).all()
    assert len(asked) <= TRIES + 1
    assert (facing(shape, 0.0, lambda: wrong) == wrong).all()  # and an end is made


def test_the_outlook_keeps_what_shows_the_subject_and_most_others() -> None:
    def thing(yaw_deg: float, part: AssetPart):
        matrix = np.eye(4)
        matrix[:3, :3] = yawed(np.eye(3), np.radians(yaw_deg))
        one = Asset(asset_id="a", class_name="a", parts=(part,), size_m=(1, 1, 1), scale_known=True)
        return SimpleNamespace(asset=one, world_from_object=matrix)

    rng, drawn = np.random.default_rng(1), []

    def draw() -> np.ndarray:
        a = rng.uniform(-np.pi, np.pi)
        drawn.append(np.array([np.cos(a), np.sin(a), 0.5]))
        return drawn[-1]

    things = (thing(0.0, FRONT), thing(45.0, FRONT), thing(180.0, FRONT), thing(77.0, WHOLE))
    found = outlook(SimpleNamespace(things=things), things[0], draw)
    assert len(drawn) == DRAWS
    assert found.shows_subject
    assert found.missing == 1
    azimuths = np.degrees(np.arctan2(found.directions[:, 1], found.directions[:, 0])) % 360
    assert azimuths.min() >= 195.0
    assert azimuths.max() <= 240.0
    assert outlook(SimpleNamespace(things=things[3:]), things[3], draw) is None
    assert len(drawn) == DRAWS
