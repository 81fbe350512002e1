"""Exported: what an exported model's folder holds, as records. Free of torch; other languages read the same JSON.

    model.json          ModelInfo
    model.onnx          float32
    model.int8.onnx     8-bit, when it was accepted
    model.mlpackage/    Core ML, when it was asked for
    golden.json         Golden: pictures with the answers that every runtime must give
    golden/*.png        the pictures
    previews/K.jpg      the scan that class K was learned from, from all sides, where the catalogue was at hand

Every ONNX graph takes ``images`` (n, input_px, input_px, 3) uint8, R G B, resized as models/resize.py says, and
normalises inside. A classifier gives ``probabilities`` (n, classes) float32, calibrated. A detector gives ``boxes``
(n, k, 4) float32 (x0 y0 x1 y1 in input pixels), ``scores`` (n, k) float32 from high to low and ``class_ids`` (n, k)
int64, after non-maximum suppression; rows beyond the last find have score 0.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from photosynth.core.errors import ArtifactError, ConfigError
from photosynth.core.record import Record, from_json
from photosynth.models.resize import RESIZE_VERSION, Fit

MODEL_FILE = "model.json"
ONNX_FILE = "model.onnx"
INT8_FILE = "model.int8.onnx"
COREML_FOLDER = "model.mlpackage"
GOLDEN_FILE = "golden.json"
BESIDE = "-detector"
"""Ends the name of a detector's export beside that of the classifier of the same run."""
INPUT = "images"
CLASSIFIER_OUTPUTS = ("probabilities",)
DETECTOR_OUTPUTS = ("boxes", "scores", "class_ids")
Kind = Literal["classifier", "detector"]
Precision = Literal["float32", "int8"]
"""Of ONNX files; Core ML's has "float16"."""


class ModelFile(Record, frozen=True, kw_only=True):
    """One file of the model."""

    file: str
    """Its name in the folder."""
    format: Literal["onnx", "coreml"]
    """What reads it."""
    precision: Literal["float32", "float16", "int8"]
    """Of weights and activations."""
    bytes: int
    """Its size; of a package, of all its files."""
    sha256: str
    """Its check-sum; empty for a package."""
    parity: float | None
    """Largest difference of any probability or score from PyTorch's on the golden pictures; None if not run here."""
    score: float | None = None
    """Share right (a detector: mAP50) on rendered validation pictures: why 8 bits were accepted; None for others."""


class Provenance(Record, frozen=True, kw_only=True):
    """Where a model comes from."""

    photosynth: str
    """Version of the program that exported it."""
    trained_by: str
    """Version of the program that trained it."""
    model_key: str
    """Key of the train artifact."""
    dataset_key: str
    """Key of the dataset it was trained on."""
    classifier_key: str = ""
    """A detector's: key of the train artifact of the classifier that the threshold of its second look was fitted with;
    empty if there was none."""
    seed: int | None
    """Of the training."""
    network: str
    """The backbone."""
    epoch: int
    """The epoch whose weights these are."""
    training: dict[str, Any]
    """The train stage's settings."""
    training_summary: dict[str, Any]
    """What the train stage said of its result: scores on synthetic validation pictures among others."""
    pictures: dict[str, int]
    """Rendered pictures in each split; empty if the dataset was not at hand."""
    scores: dict[str, Any]
    """The summary of the evaluation, real and synthetic; empty if it was not evaluated."""
    asset_licences: dict[str, str]
    """Class to the licences of its 3D models, as far as the catalogue knows; empty if it was not at hand."""


class ModelInfo(Record, frozen=True, kw_only=True):
    """``model.json``: all that a client must know."""

    schema: int = 1
    """Version of this record."""
    kind: Kind
    """What the outputs mean."""
    class_names: tuple[str, ...]
    """The outputs' classes; a classifier's last one is "none of these"."""
    input_px: int
    """Side of the square input."""
    fit: Fit = "squash"
    """How a picture becomes the square."""
    resize_version: int = RESIZE_VERSION
    """Which resize rule; its golden vectors are tests/data/resize_golden.json in the sources."""
    views: Literal[1, 5] = 1
    """A classifier's: 5 also asks about the picture's four corners (0.7 of each side) and averages."""
    mean: tuple[float, float, float]
    """Inside the graph: subtracted from R, G, B in 0..1 ..."""
    std: tuple[float, float, float]
    """... and then divided by."""
    temperature: float
    """Inside the graph: logits are divided by it."""
    answer_threshold: float
    """An answer or a box with less than this is better not shown as sure."""
    second_look_threshold: float | None = None
    """A detector's: the same of the scores that a second look gives (models/second_look.py); None if it was not
    fitted."""
    licence: str
    """Under which the model is given away, as its owner stated it."""
    files: tuple[ModelFile, ...]
    """The model, in each format."""
    provenance: Provenance
    """Where it comes from."""

    def file(self, precision: Precision) -> ModelFile:
        """The ONNX file of that precision. Raises ConfigError if there is none."""
        for file in self.files:
            if file.format == "onnx" and file.precision == precision:
                return file
        raise ConfigError(
            f"the model has no {precision} ONNX file; it has {', '.join(f.file for f in self.files) or 'none'}"
        )


def preview_file(class_id: int) -> str:
    """Where a model's folder has the picture of a class's scan, if it has one."""
    return f"previews/{class_id}.jpg"


def read_model_info(folder: Path) -> ModelInfo:
    """The record of an exported model.

    Raises:
        ArtifactError: if it is absent, unreadable, or made for another resize rule.
    """
    path = Path(folder) / MODEL_FILE
    if not path.is_file():
        raise ArtifactError(f"{path} does not exist; expected a folder that `photosynth export` made")
    try:
        info = from_json(path.read_bytes(), ModelInfo, str(path))
    except ConfigError as error:
        raise ArtifactError(f"{error}. Export the model again with --overwrite.") from error
    if info.resize_version != RESIZE_VERSION:
        raise ArtifactError(
            f"{path} was made for resize rule {info.resize_version}; this program has rule {RESIZE_VERSION}: "
            "export the model again with --overwrite"
        )
    return info


def find_model(path: Path) -> Path:
    """The exported model's folder: `path` itself, or the ``export`` folder of a run.

    Raises:
        ArtifactError: if there is none.
    """
    path = Path(path)
    for folder in (path, path / "export"):
        if (folder / MODEL_FILE).is_file():
            return folder
    if not path.exists():
        raise ArtifactError(f"{path} does not exist; give a folder that `photosynth export` made")
    raise ArtifactError(
        f"{path} holds no exported model ({MODEL_FILE}); make one with: photosynth export {path} --out FOLDER"
    )


def beside(export: Path) -> Path:
    """Where the detector goes when `export` holds the classifier of the same run."""
    return export.absolute().with_name(export.absolute().name + BESIDE)


def second_look_beside(detector: Path) -> Path | None:
    """The exported classifier beside an exported detector that a second look's threshold was fitted with.

    None if there is none: no threshold was fitted, the folders are not named like `beside`, or the classifier has been
    trained anew since. Raises ArtifactError if a record cannot be read.
    """
    folder = find_model(detector).absolute()
    classifier = folder.with_name(folder.name.removesuffix(BESIDE))
    info = read_model_info(folder)
    if info.second_look_threshold is None or classifier == folder or not (classifier / MODEL_FILE).is_file():
        return None
    other = read_model_info(classifier)
    same = other.kind == "classifier" and other.provenance.model_key == info.provenance.classifier_key
    return classifier if same else None
