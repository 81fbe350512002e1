"""Schema: the JSON that goes out, typed for the OpenAPI document."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field


class Problem(BaseModel):
    """Any answer that is not 2xx."""

    error: str = Field(description="A word for programs.", examples=["too_large"])
    message: str = Field(description="A sentence for people.")


class Score(BaseModel):
    """One class and its probability."""

    label: str
    score: float = Field(ge=0, le=1)


class Classification(BaseModel):
    """What one picture shows."""

    label: str = Field(description='The most probable class; it may be "none of these".')
    score: float = Field(ge=0, le=1, description="Its calibrated probability.")
    verdict: Literal["sure", "unsure", "none"] = Field(
        description='"sure": show the label. "unsure": the score is below the threshold. "none": none of these.'
    )
    none_of_these: float = Field(ge=0, le=1, description="Probability that it shows none of the objects.")
    scores: list[Score] = Field(description="Every class, most probable first.")
    size_wh: tuple[int, int] = Field(description="The upright picture's width and height in pixels.")


class ClassifyAnswer(BaseModel):
    """Answer of /v1/classify: one result for each picture, in the order sent."""

    model: str
    version: str = Field(description="Changes when another model takes the same name.")
    threshold: float = Field(description="Scores below it are unsure.")
    results: list[Classification]


class Mask(BaseModel):
    """A mask as COCO's uncompressed run lengths: column by column, zeros first."""

    size: tuple[int, int] = Field(description="Height and width in pixels.")
    counts: list[int]


class Detection(BaseModel):
    """One object found."""

    label: str
    score: float = Field(ge=0, le=1, description="Calibrated.")
    box_xyxy: tuple[float, float, float, float] = Field(
        description="Left, top, right, bottom in pixels of the upright picture."
    )
    mask: Mask | None = Field(default=None, description="Its pixels, if the model tells.")


class Detections(BaseModel):
    """What was found in one picture, surest first; an empty list means none of these."""

    objects: list[Detection]
    size_wh: tuple[int, int] = Field(description="The upright picture's width and height in pixels.")


class DetectAnswer(BaseModel):
    """Answer of /v1/detect: one result for each picture, in the order sent."""

    model: str
    version: str = Field(description="Changes when another model takes the same name.")
    threshold: float = Field(description="The least score listed.")
    results: list[Detections]


class LegacyClassification(BaseModel):
    """Answer of /api, as in 2018."""

    max_class: str
    max_value: float


class LegacyDetection(BaseModel):
    """One item of the answer of /detector, as in 2018."""

    label: str
    box: tuple[float, float, float, float] = Field(description="Left, top, right, bottom in pixels.")
    score: float


class ModelFileLink(BaseModel):
    """One file of a model, for clients that run it themselves."""

    file: str
    url: str
    precision: str
    bytes: int
    sha256: str


class ModelSummary(BaseModel):
    """One model."""

    name: str
    kind: Literal["classifier", "detector"]
    version: str
    class_names: list[str] = Field(description='A classifier\'s last one is "none of these".')
    threshold: float
    files: list[ModelFileLink] = Field(description="ONNX files, smallest first; empty if they may not be fetched.")
    pictures: dict[str, str] = Field(description="Class to the URL of a picture of its scan, where there is one.")
    info: dict[str, Any] | None = Field(description="The model's model.json: how to prepare a picture, provenance.")
    second_look: ModelSummary | None = Field(
        description="The classifier that judges a detector's finds; `threshold` of the detector is then for both."
    )


class Limits(BaseModel):
    """What the server takes."""

    max_upload_bytes: int
    max_pixels: int
    max_files: int


class ModelsAnswer(BaseModel):
    """Answer of /v1/models."""

    models: list[ModelSummary]
    classifier: str | None = Field(description="Name of the model that /v1/classify uses by default.")
    detector: str | None = Field(description="Name of the model that /v1/detect uses by default.")
    keeps_corrections: bool = Field(description="Whether /v1/corrections keeps what it gets.")
    limits: Limits


class CorrectionAnswer(BaseModel):
    """Answer of /v1/corrections."""

    label: str
    stored: str = Field(description="The photo's name in the folder.")


class Health(BaseModel):
    """Answer of /healthz."""

    status: Literal["ok"] = "ok"


class Readiness(BaseModel):
    """Answer of /readyz."""

    ready: bool
    models: dict[str, str] = Field(description="Name to version.")
