"""Pictures of the scans in an exported model's folder."""

import shutil

from photosynth.core.artifact import ArtifactWriter, verify_artifact
from photosynth.core.asset import NONE_CLASS, Asset, AssetPart
from photosynth.core.record import Record, to_pretty_json
from photosynth.models.export import ExportConfig, run


class Settings(Record, frozen=True, kw_only=True):
    """Of the made-up stage."""


def asset(asset_id, class_name, role="object"):
    part = AssetPart(name="whole", model_file=f"{asset_id}/whole.glb")
    return Asset(
        asset_id=asset_id, class_name=class_name, parts=(part,), size_m=(1, 1, 1), scale_known=False, role=role
    )


def test_each_class_gets_the_picture_of_its_first_scan(tiny_run, tmp_path):
    folder = shutil.copytree(tiny_run, tmp_path / "run")
    scans = [
        (asset("a-stone", NONE_CLASS, "distractor"), b"stone"),
        (asset("red-1", "red"), b"first red"),
        (asset("red-2", "red"), b"second red"),
        (asset("other", "not in the model"), b"other"),
        (asset("blue-1", "blue"), None),
    ]
    with ArtifactWriter(folder / "catalogue", "catalogue", 1, Settings(), None, {}) as writer:
        writer.write("assets.json", to_pretty_json([scan for scan, _ in scans]))
        for scan, picture in scans:
            if picture is not None:
                writer.write(f"{scan.asset_id}/preview.jpg", picture)
        writer.finish()
    artifact = run(ExportConfig(int8=False, golden_pictures=0), folder, tmp_path / "model")
    found = {path.name: path.read_bytes() for path in artifact.path("previews").iterdir()}
    assert found == {"1.jpg": b"first red"}  # red is class 1; blue has no picture
    assert verify_artifact(artifact.folder) == []


def test_without_a_catalogue_there_are_none(tiny_export):
    assert not (tiny_export / "previews").exists()
