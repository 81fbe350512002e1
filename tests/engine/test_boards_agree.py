"""What boards hide from each other and send back to each other: a compartment of a shelf in both engines. All the light
inside comes in at the front; what is left of the difference is that 32 directions are asked where it comes from."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest
from agreement import agreement
from referee_scenes import DARK, DemoMeshes, camera, standing

from photosynth.core.geometry import as_matrix4
from photosynth.core.scene import Background, Environment, Light, PlainFill, Scene, Slab
from photosynth.render.color import srgb_from_linear
from photosynth.render.cycles.engine import CyclesEngine
from photosynth.render.cycles.options import CyclesOptions
from photosynth.render.raster.engine import RasterEngine

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(importlib.util.find_spec("bpy") is None, reason="the cycles extra (bpy) is not installed"),
]

PALE = PlainFill(color_srgb=(0.8, 0.75, 0.7))


def board(size_m, at_m) -> Slab:
    """A pale board along the axes."""
    matrix = np.eye(4)
    matrix[:3, 3] = at_m
    return Slab(size_m=size_m, world_from_slab=as_matrix4(matrix), fill=PALE, fill_size_m=0.3, roughness=0.6)


COMPARTMENT = (
    board((0.6, 0.4, 0.02), (0, 0, -0.01)),
    board((0.6, 0.4, 0.02), (0, 0, 0.31)),
    board((0.6, 0.02, 0.34), (0, 0.21, 0.15)),
    board((0.02, 0.4, 0.3), (-0.29, 0, 0.15)),
    board((0.02, 0.4, 0.3), (0.29, 0, 0.15)),
)
"""Floor, ceiling, back and sides; open towards -y."""


@pytest.mark.parametrize("lit_by", ["sky", "lamp"])
def test_a_compartment_is_as_dark_inside_as_it_should_be(lit_by):
    lamp = Light(position_m=(0.5, -0.9, 0.5), radius_m=0.05, power_w=20.0)
    shot = Scene(
        index=1,
        camera=camera(200, 150, (0.1, -0.9, 0.25), (0.0, 0.0, 0.13), 1.4),
        placements=(standing("cherry_soda", -0.1, 0.05, 0.3), standing("hummus", 0.1, -0.02, 0.2)),
        surroundings=COMPARTMENT,
        lights=(lamp,) if lit_by == "lamp" else (),
        environment=Environment(strength=0.8) if lit_by == "sky" else DARK,
        background=Background(fill=PlainFill(color_srgb=(0.5, 0.5, 0.5))),
    )
    engine = CyclesEngine(DemoMeshes(), CyclesOptions(samples=256))
    raster, cycles = RasterEngine(DemoMeshes()).render(shot), engine.render(shot)
    engine.close()
    found = agreement(raster, cycles)
    boards = [(layers.instance_ids == 0) & (layers.coverage > 0.99) for layers in (raster, cycles)]
    one, other = (layers.radiance[boards[0] & boards[1]] for layers in (raster, cycles))
    brightness = one.mean() / other.mean()
    psnr_db = -10 * np.log10(np.mean((srgb_from_linear(one) - srgb_from_linear(other)) ** 2))
    print(f"{lit_by}: objects {found}; boards {psnr_db:.1f} dB, brightness {brightness:.3f}")
    assert found.psnr_db >= 29.5, found
    assert found.brightness == pytest.approx(1, abs=0.1), found
    assert psnr_db >= 29.5
    assert brightness == pytest.approx(1, abs=0.03)
