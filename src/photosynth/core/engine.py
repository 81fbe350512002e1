"""The seams: what a stage may ask of an engine, and of whoever runs its units of work."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from photosynth.core.camera import Camera
from photosynth.core.frame import Layers
from photosynth.core.instances import Instances
from photosynth.core.items import Item
from photosynth.core.mesh import Mesh
from photosynth.core.scene import Scene


class MeshSource(Protocol):
    """Hands out the meshes that scenes name."""

    shared_folder: Path | None
    """Where processes that use these meshes share what they make of them, see core.shared; None: nowhere."""

    def mesh(self, asset_id: str, part: str) -> Mesh:
        """The mesh of one part of one asset; the same object each time it is asked for."""


class RenderEngine(Protocol):
    """Turns a scene's placements, lights and environment into layers. It leaves background, occluders and
    finish to the compositor, so that every engine gets the same ones."""

    name: str

    def render(self, scene: Scene) -> Layers:
        """Render one scene. Raises EngineError naming the scene."""


class Executor(Protocol):
    """Runs units of work somewhere."""

    workers: int

    def map(
        self,
        function: Callable[[Any], Any],
        units: Sequence[Any],
        setup: Callable[..., None] | None = None,
        setup_args: tuple[Any, ...] = (),
    ) -> Iterator[UnitResult]:
        """Call `function(unit)` for each unit, in any order; yield each result as it comes.

        `function` and `setup` are importable by name; `setup(*setup_args)` runs once in each worker first.
        A unit that raises is tried once more; then its result carries the error.
        """


@dataclass(frozen=True, eq=False)
class UnitResult:
    """What became of one unit."""

    position: int
    """Its place in the sequence."""
    value: Any
    """What the function returned; None if it failed."""
    error: str | None = None
    """The last lines of the failure, if it failed twice."""


class Classifier(Protocol):
    """Anything that names pictures."""

    class_names: tuple[str, ...]
    """The classes, in the order of the columns of `predict`; NONE_CLASS last."""
    input_px: int
    """Side of the square that pictures are resized to before it sees them."""

    def predict(self, images: Sequence[np.ndarray]) -> np.ndarray:
        """Calibrated probabilities (n, classes) float64 for (H, W, 3) uint8 sRGB pictures of any size."""


class Detector(Protocol):
    """Anything that finds objects in pictures."""

    class_names: tuple[str, ...]
    """The classes; none of these is not among them."""
    answer_threshold: float
    """A box that scores less is better not shown."""

    def detect(self, images: Sequence[np.ndarray], min_score: float | None = None) -> list[Instances]:
        """The objects in (H, W, 3) uint8 sRGB pictures of any size, surest first, boxes in picture pixels.

        Boxes that score less than `min_score` are left out; None takes `answer_threshold`.
        """


class FrameSource(Protocol):
    """Hands out labelled pictures that are made while they are asked for: training without a dataset on disk."""

    class_names: tuple[str, ...]
    """The classes, as in DatasetInfo."""
    key: str
    """Hash of all that the pictures depend on."""

    def frames(self, indices: Sequence[int]) -> Iterator[tuple[np.ndarray, Item] | None]:
        """Pictures (H, W, 3) uint8 with their labels, in the order of the scene numbers; None for a scene that gives
        none. A scene's picture is the same each time, whatever was asked for before.
        """


class FakeEngine:
    """A render engine for tests: each placement is a flat disc of its class's colour, and nothing else."""

    name = "fake"

    def __init__(self, meshes: MeshSource | None = None) -> None:
        self.meshes = meshes

    def render(self, scene: Scene) -> Layers:
        """Discs of a third of the picture's height at the projected centres."""
        width, height = scene.camera.size_wh
        y, x = np.mgrid[:height, :width] + 0.5
        count = len(scene.placements)
        masks = np.zeros((count, height, width), bool)
        radiance = np.zeros((height, width, 3), np.float32)
        depth = np.full((height, width), np.inf, np.float32)
        ids = np.zeros((height, width), np.uint16)
        area = np.zeros(count)
        for k, placement in enumerate(scene.placements):
            cx, cy, z = _centre(scene.camera, np.array(placement.world_from_object)[:3, 3])
            masks[k] = (x - cx) ** 2 + (y - cy) ** 2 < (height / 3) ** 2
            area[k] = np.pi * (height / 3) ** 2
            nearer = masks[k] & (z < depth)
            hue = (sum(placement.class_name.encode()) % 7 + 1) / 8
            radiance[nearer] = (hue, 1 - hue, 0.5)
            depth[nearer] = z
            ids[nearer] = k + 1
        normals = np.zeros((height, width, 3), np.float32)
        normals[ids > 0] = (0.0, 0.0, 1.0)
        return Layers(radiance, (ids > 0).astype(np.float32), depth, ids, normals, masks, area)


class FakeDetector:
    """A detector for tests: each class is a colour, and what has that colour in a picture is one object of it.

    Args:
        colors_srgb: class name to colour, R G B in 0..255.
        answer_threshold: see Detector.
        reach: a pixel has a colour if none of its channels is farther from it, in levels.
    """

    def __init__(
        self, colors_srgb: dict[str, tuple[int, int, int]], answer_threshold: float = 0.5, reach: int = 40
    ) -> None:
        self.class_names = tuple(colors_srgb)
        self.answer_threshold = answer_threshold
        self._colors, self._reach = np.array(list(colors_srgb.values()), np.int64), reach

    def detect(self, images: Sequence[np.ndarray], min_score: float | None = None) -> list[Instances]:
        """A box round all pixels of each colour; its score is the share of the box that has the colour."""
        least = self.answer_threshold if min_score is None else min_score
        return [self._found(np.asarray(image).astype(np.int64), least) for image in images]

    def _found(self, image: np.ndarray, least: float) -> Instances:
        rows = []
        for class_id, color in enumerate(self._colors):
            y, x = np.nonzero((np.abs(image - color) <= self._reach).all(axis=2))
            if len(x):
                box = (x.min(), y.min(), x.max() + 1, y.max() + 1)
                score = len(x) / ((box[2] - box[0]) * (box[3] - box[1]))
                rows += [(score, class_id, box)] if score >= least else []
        rows.sort(key=lambda row: -row[0])
        boxes = np.array([row[2] for row in rows], np.float64).reshape(-1, 4)
        class_ids, scores = np.array([row[1] for row in rows], np.int64), np.array([row[0] for row in rows], np.float64)
        return Instances((image.shape[1], image.shape[0]), boxes, class_ids, scores)


def _centre(camera: Camera, point: np.ndarray) -> tuple[float, float, float]:
    from photosynth.core.camera import project

    pixels, depth = project(camera, point[None])
    return float(pixels[0, 0]), float(pixels[0, 1]), float(depth[0])
