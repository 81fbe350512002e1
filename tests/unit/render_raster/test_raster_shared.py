"""Prepared meshes that processes share: the same pictures, prepared once."""

import dataclasses

import numpy as np
import pytest
from raster_scenes import box, lamp, placement, scene, source, sphere

from photosynth.core.meshes import FixedMeshes
from photosynth.render.raster.engine import RasterEngine
from photosynth.render.raster.prepared import prepare
from photosynth.render.raster.shared_meshes import arrays_of, mesh_from


def assert_same(a, b):
    """Records of arrays, scalars and such records."""
    assert type(a) is type(b)
    if not dataclasses.is_dataclass(a):
        np.testing.assert_array_equal(a, b)
        return
    for field in dataclasses.fields(a):
        assert_same(getattr(a, field.name), getattr(b, field.name))


@pytest.mark.parametrize("ambient", [True, False])
@pytest.mark.parametrize("mesh", [box(), sphere(rings=40)], ids=["box", "ball"])
def test_a_prepared_mesh_comes_back_from_its_arrays(mesh, ambient):
    prepared = prepare(mesh, 64, ambient)
    assert (prepared.coarse is not None) == (len(mesh.faces) > 500)
    assert (prepared.probes is not None) == ambient
    again = mesh_from(arrays_of(prepared))
    assert_same(again, prepared)
    if again.coarse is not None:
        assert again.coarse.texels is again.texels


class Unreadable(FixedMeshes):
    """A source that must not be asked."""

    def mesh(self, asset_id, part):
        raise AssertionError(f"{asset_id} was read")


def test_a_second_engine_draws_the_same_without_reading_a_mesh(tmp_path):
    meshes, unreadable = source(thing=box(), ball=sphere(rings=40)), Unreadable({})
    wanted = scene([placement("thing"), placement("ball")], [lamp()])
    alone = RasterEngine(meshes).render(wanted)
    with pytest.raises(AssertionError, match="was read"):
        RasterEngine(unreadable).render(wanted)
    meshes.shared_folder = unreadable.shared_folder = tmp_path / "shared"
    first, second = RasterEngine(meshes).render(wanted), RasterEngine(unreadable).render(wanted)
    assert first.coverage.any()
    for field in dataclasses.fields(first):
        expected = getattr(alone, field.name)
        np.testing.assert_array_equal(getattr(first, field.name), expected)
        np.testing.assert_array_equal(getattr(second, field.name), expected)
    assert len(list((tmp_path / "shared").iterdir())) == 2
