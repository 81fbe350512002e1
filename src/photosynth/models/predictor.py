"""Predictor: an exported model in ONNX Runtime. Needs no torch."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from photosynth.core.errors import ArtifactError, ConfigError
from photosynth.core.instances import Instances
from photosynth.models.exported import (
    CLASSIFIER_OUTPUTS,
    DETECTOR_OUTPUTS,
    INPUT,
    ModelInfo,
    Precision,
    find_model,
    read_model_info,
)
from photosynth.models.preprocess import views_of
from photosynth.models.resize import fit_square
from photosynth.models.second_look import SecondLook

CPU = "CPUExecutionProvider"


class OnnxClassifier:
    """A core.engine.Classifier; safe to be used by several threads at once.

    Args:
        session: an onnxruntime InferenceSession.
        info: its ``model.json``.
        batch: pictures given to the runtime at once; on a CPU one at a time is as quick.
    """

    def __init__(self, session: Any, info: ModelInfo, batch: int = 1) -> None:
        self.session, self.info, self.batch = session, info, batch
        self.class_names, self.input_px = info.class_names, info.input_px
        self.answer_threshold = info.answer_threshold

    def predict(self, images: Sequence[np.ndarray]) -> np.ndarray:
        """Calibrated probabilities (n, classes) float64 for (H, W, 3) uint8 sRGB pictures of any size.

        Raises:
            ConfigError: if one is not such a picture.
        """
        if not len(images):
            return np.zeros((0, len(self.class_names)))
        size, fit = self.info.input_px, self.info.fit
        views = [view for image in images for view in views_of(image, self.info.views)]
        parts = [
            self.predict_squares(np.stack([fit_square(view, size, fit)[0] for view in views[k : k + self.batch]]))
            for k in range(0, len(views), self.batch)
        ]
        return np.concatenate(parts).reshape(len(images), self.info.views, -1).mean(1)

    def predict_squares(self, squares: np.ndarray) -> np.ndarray:
        """Probabilities (n, classes) float64 of pictures already resized to (n, input_px, input_px, 3) uint8."""
        (probabilities,) = self.session.run(CLASSIFIER_OUTPUTS, {INPUT: squares})
        return probabilities.astype(np.float64)


class OnnxDetector:
    """Finds objects; safe to be used by several threads at once.

    Args:
        session: an onnxruntime InferenceSession.
        info: its ``model.json``.
    """

    def __init__(self, session: Any, info: ModelInfo) -> None:
        self.session, self.info = session, info
        self.class_names = info.class_names
        self.answer_threshold = info.answer_threshold

    def detect(self, images: Sequence[np.ndarray], min_score: float | None = None) -> list[Instances]:
        """The objects in (H, W, 3) uint8 sRGB pictures of any size, surest first, boxes in picture pixels.

        Args:
            images: the pictures.
            min_score: leave out what scores less; None takes the model's own threshold.

        Raises:
            ConfigError: if one is not such a picture.
        """
        return [self._detect(image, self.answer_threshold if min_score is None else min_score) for image in images]

    def _detect(self, image: np.ndarray, min_score: float) -> Instances:
        square, scale_xy = fit_square(image, self.info.input_px, self.info.fit)
        boxes, scores, class_ids = (output[0] for output in self.session.run(DETECTOR_OUTPUTS, {INPUT: square[None]}))
        height, width = image.shape[:2]
        boxes = boxes.astype(np.float64) * np.array([*scale_xy, *scale_xy])
        boxes = np.clip(boxes, 0.0, np.array([width, height, width, height], np.float64))
        keep = (scores >= min_score) & (scores > 0) & (boxes[:, 2:] > boxes[:, :2]).all(1)
        return Instances(
            (width, height), boxes[keep], class_ids[keep].astype(np.int64), scores[keep].astype(np.float64)
        )


def load_predictor(
    path: Path,
    *,
    precision: Precision = "float32",
    providers: Sequence[str] = (CPU,),
    threads: int = 0,
    batch: int = 1,
) -> OnnxClassifier | OnnxDetector:
    """Load an exported model.

    Args:
        path: a folder that `photosynth export` made, or a run that has one in ``export``.
        precision: which of its files.
        providers: ONNX Runtime's, in order of preference.
        threads: for one picture; 0 lets ONNX Runtime take every core.
        batch: pictures given to a classifier's runtime at once.

    Raises:
        ArtifactError: if there is no exported model, or a file of it is missing or damaged.
        ConfigError: if it has no file of that precision, or a provider is not installed.
    """
    folder = find_model(path)
    info = read_model_info(folder)
    file = info.file(precision)
    try:
        data = (folder / file.file).read_bytes()
    except OSError as error:
        raise ArtifactError(f"{folder / file.file} cannot be read: {error.strerror or error}; export again") from error
    if hashlib.sha256(data).hexdigest() != file.sha256:
        raise ArtifactError(f"{folder / file.file} is not the file that model.json describes; export again")
    session = open_session(data, providers, threads)
    return OnnxClassifier(session, info, batch) if info.kind == "classifier" else OnnxDetector(session, info)


def load_second_look(detector: Path, classifier: Path, **how: Any) -> SecondLook:
    """Load an exported detector with a second look by an exported classifier.

    Args:
        detector: an export whose record has the threshold of such a look.
        classifier: its export, such as `photosynth.models.exported.second_look_beside` finds.
        how: of both, as in `load_predictor`.

    Raises:
        ArtifactError: as `load_predictor`.
        ConfigError: as `load_predictor`, if they are not a detector and a classifier of its classes, or if no threshold
            was fitted.
    """
    first, second = load_predictor(detector, **how), load_predictor(classifier, **how)
    if not isinstance(first, OnnxDetector) or not isinstance(second, OnnxClassifier):
        raise ConfigError(f"{detector} and {classifier} must be an exported detector and an exported classifier")
    if first.info.second_look_threshold is None:
        raise ConfigError(
            f"{detector} has no threshold for a second look; train it with --classifier (or run --models both) and "
            "export it again"
        )
    return SecondLook(first, second, first.info.second_look_threshold)


def open_session(model: bytes | Path, providers: Sequence[str] = (CPU,), threads: int = 0) -> Any:
    """An onnxruntime InferenceSession of a model's bytes or file. Raises as `load_predictor`."""
    import onnxruntime

    absent = [name for name in providers if name not in onnxruntime.get_available_providers()]
    if absent:
        raise ConfigError(
            f"ONNX Runtime has no {', '.join(absent)} here; it has {', '.join(onnxruntime.get_available_providers())}"
        )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # waiting threads leave the cores alone
    try:
        return onnxruntime.InferenceSession(
            model if isinstance(model, bytes) else str(model), options, providers=list(providers)
        )
    except Exception as error:  # onnxruntime has a class for each kind of failure, with no common parent
        raise ArtifactError(f"ONNX Runtime cannot use the model: {str(error).splitlines()[0]}; export again") from error
