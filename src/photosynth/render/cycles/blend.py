"""One sampled scene as a .blend file that a person can inspect."""

from __future__ import annotations

from pathlib import Path

from photosynth.core.artifact import open_artifact
from photosynth.core.codec import read_jsonl
from photosynth.core.errors import ConfigError
from photosynth.core.meshes import CatalogueMeshes
from photosynth.core.scene import Scene
from photosynth.render.cycles.engine import CyclesEngine
from photosynth.render.cycles.options import CyclesOptions


def write_blend(scenes: Path, catalogue: Path, index: int, folder: Path, options: CyclesOptions) -> Path:
    """Write scene `index` of a ``sample`` artifact as ``scene-NNNNNN.blend`` into `folder`; returns its path.

    Objects bear their asset's name; camera, lights, environment map and textures are inside the file.

    Raises:
        ArtifactError: for unusable inputs.
        ConfigError: if there is no such scene.
        DependencyError: if there is no Blender.
        EngineError: if Blender fails.
    """
    scene = _find(open_artifact(scenes, "sample").folder, index)
    engine = CyclesEngine(CatalogueMeshes(open_artifact(catalogue, "catalogue").folder), options)
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"scene-{index:06d}.blend"
    try:
        engine.save_blend(scene, path)
    finally:
        engine.close()
    return path


def _find(folder: Path, index: int) -> Scene:
    count = 0
    for file in sorted(folder.glob("scenes-*.jsonl")):
        for scene in read_jsonl(file, Scene):
            if scene.index == index:
                return scene
            count += 1
    raise ConfigError(f"{folder} has no scene {index}; it holds {count} scenes")
