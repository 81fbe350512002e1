"""CyclesEngine: scenes to layers by path tracing, in a worker process that is replaced when it fails."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

from photosynth.core.camera import project
from photosynth.core.engine import MeshSource
from photosynth.core.errors import EngineError
from photosynth.core.frame import Layers
from photosynth.core.scene import Scene
from photosynth.render.cycles.alone import Alone
from photosynth.render.cycles.job import JobFolder
from photosynth.render.cycles.options import CyclesOptions, check_cycles_options
from photosynth.render.cycles.passes import at_majority, read_centre, read_light
from photosynth.render.cycles.process import WorkerLost, WorkerProcess, worker_command

ATTEMPTS = 2
"""A frame may cost one worker its life, not two."""


class CyclesEngine:
    """A RenderEngine that path-traces with Blender's Cycles.

    The worker starts with the first frame, is started anew after a crash, a time-out or `frames_per_worker` frames,
    and ends with this object. `notes` says, for people, what it did otherwise than asked; `cpu_s` adds up the worker's
    CPU time. One engine serves one thread.

    Raises:
        ConfigError: for unusable options.
        DependencyError: if there is neither the bpy package nor a Blender.
    """

    name = "cycles"

    def __init__(self, meshes: MeshSource, options: CyclesOptions | None = None) -> None:
        self.options = options or CyclesOptions()
        check_cycles_options(self.options)
        self.notes: list[str] = []
        self.cpu_s = 0.0
        self._folder = tempfile.TemporaryDirectory(prefix="photosynth-cycles-", ignore_cleanup_errors=True)
        folder = Path(self._folder.name)
        self._command = worker_command(self.options.blender, folder)
        self._jobs = JobFolder(folder, meshes, self.options)
        self._alone = Alone(meshes)
        self._worker: WorkerProcess | None = None

    def render(self, scene: Scene) -> Layers:
        """Render one scene. Raises EngineError naming the scene, with the last lines the worker said."""
        try:
            _check(scene)
            alone = self._alone.layers(scene)
            if not scene.placements and not scene.surroundings:
                return alone  # nothing is there to be drawn, and Cycles writes no names then
            self._jobs.light_file.unlink(missing_ok=True)
            self._jobs.centre_file.unlink(missing_ok=True)
            self._ask(scene, self._jobs.job(scene, "render"))
            return self._layers(scene, alone.amodal_masks, alone.full_area_px)
        except ValueError as error:
            raise EngineError(self.name, f"scene {scene.index}", str(error)) from error

    def save_blend(self, scene: Scene, path: Path) -> None:
        """Write the scene as a .blend with everything packed, for people; lens distortion is left out, for a
        pinhole has none. Raises EngineError."""
        self._ask(scene, self._jobs.job(scene, "save", blend_file=str(Path(path).absolute())))
        self.close()  # its worker's session is that file now

    def close(self) -> None:
        """End the worker; the next frame would start another."""
        if self._worker is not None:
            self._worker.close()
            self._worker = None

    def _ask(self, scene: Scene, job: dict[str, object]) -> None:
        reason = ""
        for _ in range(ATTEMPTS):
            try:
                answer = self._live_worker().ask(job, self.options.timeout_s)
            except WorkerLost as error:
                self._worker, reason = None, str(error)
                continue
            if not answer.get("done"):
                raise EngineError(self.name, f"scene {scene.index}", str(answer.get("error", answer)))
            self.cpu_s += answer["cpu_s"]
            if answer["note"] and answer["note"] not in self.notes:
                self.notes.append(answer["note"])
            return
        raise EngineError(self.name, f"scene {scene.index}", f"it cost {ATTEMPTS} worker processes: {reason}")

    def _live_worker(self) -> WorkerProcess:
        limit = self.options.frames_per_worker
        if self._worker is not None and limit and self._worker.frames >= limit:
            self.close()
        if self._worker is None:
            self._worker = WorkerProcess(self._command)
        return self._worker

    def _layers(self, scene: Scene, alone: np.ndarray, full_area_px: np.ndarray) -> Layers:
        light, centre = read_light(self._jobs.light_file), read_centre(self._jobs.centre_file)
        depth, normals = at_majority(light.numbers, centre, _depths(scene))
        count = len(scene.placements)
        ids = np.where(light.numbers <= count, light.numbers, 0).astype(np.uint16)
        masks = alone | (ids == np.arange(1, count + 1)[:, None, None])  # what is seen of a placement is part of it
        areas = np.maximum(full_area_px, masks.sum(axis=(1, 2), dtype=np.float64))
        return Layers(light.radiance, light.coverage, depth, ids, normals, masks, areas)


def _check(scene: Scene) -> None:
    if any(scene.camera.distortion):
        raise ValueError(f"lens distortion {scene.camera.distortion} cannot be rendered; expected none")


def _depths(scene: Scene) -> dict[int, float]:
    """The depth of each object's origin, by its number."""
    things = [p.world_from_object for p in scene.placements] + [s.world_from_slab for s in scene.surroundings]
    if not things:
        return {}
    _, depth = project(scene.camera, np.array(things)[:, :3, 3])
    return {k + 1: float(d) for k, d in enumerate(depth)}
