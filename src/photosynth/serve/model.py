"""ServedModel: a model with a name, ready to answer; and where it comes from."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from photosynth.core.errors import ConfigError, PhotosynthError
from photosynth.core.instances import Instances
from photosynth.core.manifest import MANIFEST_FILE
from photosynth.models.exported import MODEL_FILE, Kind, ModelInfo, find_model, second_look_beside
from photosynth.serve.config import ServeConfig

GREY = np.full((64, 64, 3), 128, np.uint8)
"""What a model is asked about first."""


class Predictor(Protocol):
    """What a predictor of either kind has; `predict(images)` or `detect(images, min_score)` beside it."""

    class_names: tuple[str, ...]
    """The classes."""
    answer_threshold: float
    """Answers below it are unsure."""


@dataclass(frozen=True, eq=False)
class ServedModel:
    """One model as it was loaded; a newer one of the same name replaces it whole."""

    name: str
    """What clients call it."""
    kind: Kind
    """Whether it classifies or detects."""
    class_names: tuple[str, ...]
    """The classes; a classifier's last one is "none of these"."""
    threshold: float
    """Answers below it are unsure."""
    version: str
    """Tells one model of this name from the next."""
    classify: Callable[[np.ndarray], np.ndarray] | None = None
    """(H, W, 3) uint8 sRGB to calibrated probabilities (classes,)."""
    detect: Callable[[np.ndarray, float | None], Instances] | None = None
    """The same and the least score (None: the model's threshold) to the objects found."""
    info: ModelInfo | None = None
    """Its ``model.json``."""
    folder: Path | None = None
    """Where its files are."""
    pictures: dict[str, Path] = field(default_factory=dict)
    """Class to a picture of its scan."""
    looker: ServedModel | None = None
    """The classifier that looks at a detector's finds once more, for clients that run both themselves."""


class Source:
    """Where a model is loaded from, and whether what lies there has changed.

    Args:
        name: what clients call it.
        path: a folder that `photosynth export` made, or a run that has one.
    """

    def __init__(self, name: str, path: Path) -> None:
        self.name, self.path = name, path

    def fingerprint(self) -> tuple[Any, ...] | None:
        """Changes whenever the model is made anew; None while it is absent or being written."""
        try:
            folder = find_model(self.path)
            own = _written(folder)
        except Exception:  # folders come and go while somebody works on them
            return None
        try:
            looker = second_look_beside(folder)
            return own if looker is None else own + _written(looker)
        except (PhotosynthError, OSError):  # `load` will say what is wrong
            return own

    def load(self, config: ServeConfig) -> ServedModel:
        """Load it and ask it once. Raises ArtifactError or ConfigError."""
        from photosynth.models.predictor import CPU, load_predictor
        from photosynth.models.second_look import SecondLook
        from photosynth.serve.scans import scan_pictures

        providers = ("CUDAExecutionProvider", CPU) if config.device == "cuda" else (CPU,)
        batch = config.max_batch if config.device == "cuda" else 1
        folder = find_model(self.path)
        how = dict(precision=config.precision, providers=providers, threads=config.threads, batch=batch)
        predictor = load_predictor(folder, **how)
        version, asked, served_looker = predictor.info.file(config.precision).sha256[:12], predictor, None
        looker = second_look_beside(folder) if config.second_look else None
        if looker is not None:
            classifier = load_predictor(looker, **how)
            classifier.predict([GREY])
            asked = SecondLook(predictor, classifier, predictor.info.second_look_threshold)
            looker_version = classifier.info.file(config.precision).sha256[:12]
            version += f"-{looker_version}"
            served_looker = serve_predictor(
                self.name, classifier, version=looker_version, info=classifier.info, folder=looker
            )
        model = serve_predictor(
            self.name,
            asked,
            version=version,
            max_batch=batch,
            info=predictor.info,
            folder=folder,
            pictures=scan_pictures(folder, predictor.class_names),
            looker=served_looker,
        )
        warm_up(model)
        return model


def serve_predictor(name: str, predictor: Any, *, version: str = "", max_batch: int = 1, **more: Any) -> ServedModel:
    """A ServedModel of anything with `predict(images)` (a core.engine.Classifier) or `detect(images, min_score)`.

    Args:
        name: what clients call it.
        predictor: the model.
        version: tells one model of this name from the next.
        max_batch: with more than 1, concurrent pictures are answered in one go.
        more: other fields of ServedModel.
    """
    common = dict(
        name=name,
        class_names=tuple(predictor.class_names),
        threshold=float(getattr(predictor, "answer_threshold", 0.5)),
        version=version,
        **more,
    )
    if hasattr(predictor, "predict"):
        one = _one_or_together(predictor.predict, max_batch)
        return ServedModel(kind="classifier", classify=one, **common)
    return ServedModel(
        kind="detector", detect=lambda picture, min_score: predictor.detect([picture], min_score)[0], **common
    )


def _one_or_together(
    predict: Callable[[Sequence[np.ndarray]], np.ndarray], max_batch: int
) -> Callable[[np.ndarray], np.ndarray]:
    if max_batch > 1:
        from photosynth.serve.batching import Together

        return Together(predict, max_batch)
    return lambda picture: predict([picture])[0]


def warm_up(model: ServedModel) -> None:
    """Ask it once, so that the first client does not wait, and a model that cannot answer is not put to work."""
    if model.classify is not None:
        model.classify(GREY)
    if model.detect is not None:
        model.detect(GREY, None)


def _written(folder: Path) -> tuple[Any, ...]:
    """What changes when a model's folder is written anew."""
    manifest = folder / MANIFEST_FILE  # written last; a copied model may have none
    stat = os.stat(manifest if manifest.is_file() else folder / MODEL_FILE)
    return (str(folder.resolve()), stat.st_ino, stat.st_size, stat.st_mtime_ns)


def read_sources(models: Sequence[str]) -> tuple[Source, ...]:
    """Sources of ``PATH`` or ``NAME=PATH`` arguments; a path's name is its folder's, of ``RUN/export`` RUN's.

    Raises:
        ConfigError: if there is none, or two have the same name.
    """
    if not models:
        raise ConfigError("no model is given; name a run, or a folder that `photosynth export` made")
    sources: dict[str, Source] = {}
    for text in models:
        name, equals, path_text = text.partition("=")
        if not equals or "/" in name:
            name, path_text = "", text
        path = Path(path_text)
        if not name:
            whole = path.resolve()
            name = whole.parent.name if whole.name == "export" else whole.name
        name = re.sub(r"[^\w.-]+", "-", name).strip("-") or "model"
        if name in sources:
            raise ConfigError(f"two models are called {name!r}; give them names: NAME=PATH")
        sources[name] = Source(name, path)
    return tuple(sources.values())
