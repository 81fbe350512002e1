"""Live: pictures rendered while a model learns from them, the same as the stages would leave on disk."""

from __future__ import annotations

import multiprocessing
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from photosynth.core.artifact import folder_key, open_artifact
from photosynth.core.asset import class_names, read_assets
from photosynth.core.errors import EngineError
from photosynth.core.items import Item
from photosynth.core.record import Record, digest
from photosynth.core.shared import SharedArrays

if TYPE_CHECKING:
    from photosynth.sample.stage import Ingredients

CHUNK = 4
"""Scenes in one unit of work."""
AHEAD = 6
"""Units rendered ahead for each worker: memory stays flat, and no one waits for the slowest scene."""
MAX_FAILED = 0.02
"""Share of scenes that may fail before it gives up, from MIN_COUNTED scenes on."""
MIN_COUNTED = 100


class LiveConfig(Record, frozen=True, kw_only=True):
    """Which pictures to render while a model learns from them."""

    recipe: str = "anywhere"
    """Name of a recipe that comes along, or the path of a TOML file."""
    scene_seed: int = 0
    """Scene i depends on the recipe, this and i alone."""
    image_size_px: int | None = 320
    """Side of square pictures; none: the recipe's size."""
    engine: str = "raster"
    """The render engine."""


@dataclass(frozen=True)
class _Given:
    """What a worker needs."""

    ingredients: Ingredients
    engine: str
    class_names: tuple[str, ...]
    shared_folder: Path | None


class LiveFrames:
    """A core.engine.FrameSource that samples and renders scenes in worker processes; a context manager.

    Args:
        config: which pictures.
        catalogue: a finished catalogue folder.
        backgrounds: a folder of background photos, or None.
        environments: a folder of environment maps, or None for those that come along.
        workers: processes; 0 renders in this one.
        shared_folder: a folder for what several workers share, made by them and removed at the end; None: they share
            nothing, and each prepares every mesh that it draws.

    Raises:
        ConfigError: for settings or folders that the sample stage would refuse.
        ArtifactError: if the catalogue is not finished.
    """

    def __init__(
        self,
        config: LiveConfig,
        catalogue: Path,
        *,
        backgrounds: Path | None = None,
        environments: Path | None = None,
        workers: int = 1,
        shared_folder: Path | None = None,
    ) -> None:
        from photosynth.core.registry import check_render_engine
        from photosynth.sample.stage import SampleConfig, check_config, gather, resolve_recipe

        check_render_engine(config.engine)
        assets = open_artifact(catalogue, "catalogue")
        sampled = SampleConfig(seed=config.scene_seed, recipe=config.recipe, image_size_px=config.image_size_px)
        check_config(sampled)
        recipe = resolve_recipe(sampled)
        ingredients, _ = gather(recipe, sampled.seed, assets.folder, backgrounds, environments)
        self.class_names = class_names(read_assets(assets.folder))
        folders = [folder_key(folder) if folder else None for folder in (backgrounds, environments)]
        self.key = digest([assets.key, config, recipe, folders])
        self.failures: list[str] = []
        self._asked = 0
        self._given = _Given(ingredients, config.engine, self.class_names, shared_folder if workers > 1 else None)
        self._workers, self._pool = workers, None

    def __enter__(self) -> LiveFrames:
        if self._workers:
            context = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(self._workers, context, _setup_worker, (self._given,))
        else:
            _setup_worker(self._given)
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None
        if self._given.shared_folder:
            SharedArrays(self._given.shared_folder).remove()

    def frames(self, indices: Sequence[int]) -> Iterator[tuple[np.ndarray, Item] | None]:
        """See core.engine.FrameSource.

        Raises:
            EngineError: if many scenes fail.
        """
        chunks = [tuple(indices[k : k + CHUNK]) for k in range(0, len(indices), CHUNK)]
        if self._pool is None:
            for chunk in chunks:
                yield from map(self._decoded, _render_chunk(chunk))
            return
        waiting: deque[Future[list[Any]]] = deque()
        try:
            for chunk in chunks:
                waiting.append(self._pool.submit(_render_chunk, chunk))
                if len(waiting) > AHEAD * self._workers:
                    yield from map(self._decoded, waiting.popleft().result())
            while waiting:
                yield from map(self._decoded, waiting.popleft().result())
        finally:
            for future in waiting:
                future.cancel()

    def _decoded(self, made: tuple[bytes, Item] | str | None) -> tuple[np.ndarray, Item] | None:
        import simplejpeg

        self._asked += 1
        if isinstance(made, str):
            self.failures.append(made)
            if self._asked >= MIN_COUNTED and len(self.failures) > MAX_FAILED * self._asked:
                raise EngineError(self._given.engine, f"{len(self.failures)} of {self._asked} scenes", made)
            return None
        return None if made is None else (simplejpeg.decode_jpeg(made[0], colorspace="RGB"), made[1])


class _Worker:
    """What one worker process keeps between units."""

    given: _Given
    meshes: Any
    engine: Any
    arrangements: Any


_worker = _Worker()


def _setup_worker(given: _Given) -> None:
    import signal
    import threading

    import cv2

    from photosynth.core.meshes import CatalogueMeshes
    from photosynth.core.registry import render_engine
    from photosynth.sample.arrange.shapes import Shapes
    from photosynth.sample.meshes import PassingMeshes
    from photosynth.sample.recipe import recipe_parts
    from photosynth.sample.source import ArrangementSource

    if multiprocessing.parent_process() is not None and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C belongs to the parent
        cv2.setNumThreads(1)
    drawn_from = given.ingredients
    _worker.given, _worker.meshes = given, CatalogueMeshes(drawn_from.catalogue, given.shared_folder)
    _worker.arrangements = None
    if any(part.arrangement is not None for part in recipe_parts(drawn_from.recipe)):
        shapes = Shapes(PassingMeshes(drawn_from.catalogue, drawn_from.assets))
        _worker.arrangements = ArrangementSource(drawn_from.recipe, drawn_from.assets, drawn_from.seed, shapes)
    _worker.engine = render_engine(given.engine, _worker.meshes)


def _render_chunk(indices: tuple[int, ...]) -> list[tuple[bytes, Item] | str | None]:
    """For each scene its JPEG and labels, None if it gives no labelled picture, or why it failed, twice."""
    return [_try_twice(index) for index in indices]


def _try_twice(index: int) -> tuple[bytes, Item] | str | None:
    reason = ""
    for _ in range(2):
        try:
            return _picture(index)
        except Exception as error:
            reason = f"scene {index}: {type(error).__name__}: {error}"
    return reason


def _picture(index: int) -> tuple[bytes, Item] | None:
    import simplejpeg

    from photosynth.core.seen import check_seen
    from photosynth.dataset.config import DatasetConfig
    from photosynth.dataset.labels import label_frame
    from photosynth.render.compose import compose
    from photosynth.render.lens import render_through_lens
    from photosynth.render.stage import frame_record
    from photosynth.sample.scene import sample_scene

    drawn_from = _worker.given.ingredients
    scene = sample_scene(
        drawn_from.recipe,
        drawn_from.assets,
        seed=drawn_from.seed,
        photos=drawn_from.photos,
        maps=drawn_from.maps,
        index=index,
        arrangements=_worker.arrangements,
    )
    check_seen(scene, _worker.meshes.assets)
    frame = compose(scene, render_through_lens(_worker.engine, scene))
    record = frame_record(scene, frame, f"images/{index // 1000:03d}/{index:06d}.jpg")
    made = label_frame(record, {name: k for k, name in enumerate(_worker.given.class_names)}, DatasetConfig()).made
    if not isinstance(made, Item):
        return None
    color = np.ascontiguousarray(frame.color)
    quality = scene.finish.jpeg_quality
    return simplejpeg.encode_jpeg(color, quality=quality, colorspace="RGB", colorsubsampling="420"), made
