"""Assets: which angles are refused, and files of before there were arcs."""

from __future__ import annotations

import pytest

from photosynth.core.asset import ALL_ROUND_DEG, Asset, AssetPart, ModelFacts, read_assets, read_model_facts
from photosynth.core.errors import ConfigError
from photosynth.core.record import from_json, to_json, to_pretty_json

FRONT = AssetPart(name="whole", model_file="frog/model.glb", elevation_deg=(-10.0, 65.0), azimuth_deg=(150.0, 215.0))
FROG = Asset(asset_id="frog", class_name="frog", parts=(FRONT,), size_m=(0.2, 0.2, 0.3), scale_known=True)


def test_an_arc_comes_back_from_a_catalogue_and_from_beside_a_model(tmp_path) -> None:
    (tmp_path / "assets.json").write_bytes(to_json((FROG,)))
    assert read_assets(tmp_path) == (FROG,)
    facts = ModelFacts(elevation_deg=(-10.0, 65.0), azimuth_deg=(150.0, 215.0))
    (tmp_path / "model.asset.json").write_bytes(to_pretty_json(facts))
    assert read_model_facts(tmp_path / "model.glb") == facts


def test_files_without_an_arc_mean_all_round() -> None:
    part = b'{"name": "top", "model_file": "t.glb", "elevation_deg": [0.0, 90.0]}'
    assert from_json(part, AssetPart).azimuth_deg == ALL_ROUND_DEG == (-180.0, 180.0)
    assert from_json(b'{"elevation_deg": [-5, 90]}', ModelFacts).azimuth_deg == ALL_ROUND_DEG


@pytest.mark.parametrize("arc", [(-180, 180), (180, 540), (0, 0.5), (-30.0, 330.0)])
def test_arcs_that_are_taken(arc) -> None:
    assert ModelFacts(azimuth_deg=arc).azimuth_deg == arc


@pytest.mark.parametrize("arc", [(30, 30), (60, -60), (-181, 0), (181, 200), (0, 361), (0, float("nan"))])
@pytest.mark.parametrize("kind", [ModelFacts, lambda **arc: AssetPart(name="whole", model_file="", **arc)])
def test_arcs_that_are_none_are_refused(arc, kind) -> None:
    with pytest.raises(ValueError, match="azimuth_deg must be the start of an arc"):
        kind(azimuth_deg=arc)


def test_a_file_with_a_reversed_arc_is_refused_with_its_name() -> None:
    with pytest.raises(ConfigError, match=r"frog\.asset\.json.*azimuth_deg"):
        from_json(b'{"azimuth_deg": [60, -60]}', ModelFacts, "frog.asset.json")


@pytest.mark.parametrize("band", [(10, 10), (20, 10), (-91, 0), (0, 91)])
def test_bands_that_are_none_are_refused(band) -> None:
    with pytest.raises(ValueError, match="elevation_deg must be two rising angles"):
        AssetPart(name="whole", model_file="", elevation_deg=band)
