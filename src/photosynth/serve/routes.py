"""Routes: every path of the API."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Security
from fastapi.security import APIKeyHeader
from starlette.responses import FileResponse, Response

from photosynth.core.errors import PhotosynthError
from photosynth.models.exported import GOLDEN_FILE, read_model_info
from photosynth.serve.answers import SECOND_LOOK, classification, detections, model_summary
from photosynth.serve.assets import ASK_AGAIN, FOREVER, media_type
from photosynth.serve.intake import received
from photosynth.serve.model import ServedModel
from photosynth.serve.picture import decode
from photosynth.serve.refusal import Refusal
from photosynth.serve.schema import (
    Classification,
    ClassifyAnswer,
    CorrectionAnswer,
    DetectAnswer,
    Detections,
    Health,
    LegacyClassification,
    LegacyDetection,
    Limits,
    ModelsAnswer,
    ModelSummary,
    Problem,
    Readiness,
)
from photosynth.serve.service import Service

ModelName = Annotated[str | None, Query(max_length=200, description="Which model; the first of its kind if absent.")]


def router(service: Service, keyed: bool) -> APIRouter:
    """All paths. `keyed`: say in the documents that they want a key (Guard is who looks at it)."""
    security = [Security(APIKeyHeader(name="X-API-Key", auto_error=False))] if keyed else []
    api = APIRouter()
    for part in (_questions(service), _models(service), _corrections(service)):
        api.include_router(part, dependencies=security)
    api.include_router(_probes(service))
    return api


def _problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    return {status: {"model": Problem} for status in statuses}


def _form(properties: dict[str, Any], required: list[str], raw: bool = False) -> dict[str, Any]:
    """The OpenAPI of a body that intake.py reads."""
    schema = {"type": "object", "properties": properties, "required": required}
    content: dict[str, Any] = {"multipart/form-data": {"schema": schema}}
    if raw:
        binary = {"schema": {"type": "string", "format": "binary"}}
        content |= dict.fromkeys(("image/jpeg", "image/png", "image/webp", "image/heic"), binary)
    return {"requestBody": {"required": True, "content": content}}


FILE = {"type": "string", "format": "binary"}
FILES = {"type": "array", "items": FILE, "minItems": 1}
QUESTION = dict(responses=_problems(401, 404, 408, 413, 415, 422, 503), tags=["questions"])


def _questions(service: Service) -> APIRouter:
    api = APIRouter()
    config, registry = service.config, service.registry

    async def classify(request: Request, field: str, most: int, name: str | None) -> tuple[ServedModel, list[Any]]:
        model = registry.get(name, "classifier")
        async with received(request, config, service.memory, field) as form:
            answers = await service.ask(model, form.pictures(field, most), model.classify)
        results = [classification(model, probabilities, size_wh) for probabilities, size_wh in answers]
        for result in results:
            service.metrics.verdicts.labels(model.name, result.verdict).inc()
        return model, results

    async def detect(
        request: Request, field: str, most: int, name: str | None, min_score: float | None
    ) -> tuple[ServedModel, list[Detections]]:
        model = registry.get(name, "detector")
        async with received(request, config, service.memory, field) as form:
            answers = await service.ask(
                model, form.pictures(field, most), lambda picture: model.detect(picture, min_score)
            )
        results = [detections(model, found) for found, _ in answers]
        service.metrics.objects.labels(model.name).inc(sum(len(result.objects) for result in results))
        return model, results

    @api.post(
        "/v1/classify",
        summary="Name what pictures show",
        openapi_extra=_form({"image": FILES}, ["image"], raw=True),
        **QUESTION,
    )
    async def v1_classify(request: Request, model: ModelName = None) -> ClassifyAnswer:
        """Name what pictures show: one or several files called `image`, or one picture as the body."""
        used, results = await classify(request, "image", config.max_files, model)
        return ClassifyAnswer(model=used.name, version=used.version, threshold=used.threshold, results=results)

    @api.post(
        "/v1/detect",
        summary="Find objects in pictures",
        openapi_extra=_form({"image": FILES}, ["image"], raw=True),
        **QUESTION,
    )
    async def v1_detect(
        request: Request,
        model: ModelName = None,
        min_score: Annotated[float | None, Query(ge=0, le=1, description="Least score listed.")] = None,
    ) -> DetectAnswer:
        """Find the objects in pictures: one or several files called `image`, or one picture as the body."""
        used, results = await detect(request, "image", config.max_files, model, min_score)
        threshold = used.threshold if min_score is None else min_score
        return DetectAnswer(model=used.name, version=used.version, threshold=threshold, results=results)

    @api.post(
        "/api",
        summary="Name what a picture shows, as in 2018",
        openapi_extra=_form({"my_image": FILE}, ["my_image"]),
        **QUESTION,
    )
    async def legacy_classify(request: Request, model: ModelName = None) -> LegacyClassification:
        """The 2018 clients' question: one file called `my_image`; the most probable class and its probability."""
        _, results = await classify(request, "my_image", 1, model)
        best: Classification = results[0]
        return LegacyClassification(max_class=best.label, max_value=best.score)

    @api.post(
        "/detector",
        summary="Find objects in a picture, as in 2018",
        openapi_extra=_form({"my_image": FILE}, ["my_image"]),
        **QUESTION,
    )
    async def legacy_detect(request: Request, model: ModelName = None) -> list[LegacyDetection]:
        """The 2018 clients' other question: one file called `my_image`; what was found, surest first."""
        _, results = await detect(request, "my_image", 1, model, None)
        return [LegacyDetection(label=d.label, box=d.box_xyxy, score=d.score) for d in results[0].objects]

    return api


def _models(service: Service) -> APIRouter:
    api = APIRouter(tags=["models"])
    config, registry = service.config, service.registry

    @api.get("/v1/models", summary="Every model", responses=_problems(401))
    async def models() -> ModelsAnswer:
        """Every model, and what the server takes."""
        classifier, detector = registry.first("classifier"), registry.first("detector")
        return ModelsAnswer(
            models=[model_summary(model) for model in registry.models],
            classifier=None if classifier is None else classifier.name,
            detector=None if detector is None else detector.name,
            keeps_corrections=service.keeper is not None,
            limits=Limits(
                max_upload_bytes=config.max_upload_bytes, max_pixels=config.max_pixels, max_files=config.max_files
            ),
        )

    @api.get("/v1/models/{name}", summary="One model", responses=_problems(401, 404, 422))
    async def model(name: str) -> ModelSummary:
        """One model."""
        return model_summary(registry.named(name))

    @api.get(
        "/v1/models/{name}/files/{file:path}",
        summary="A file of a model",
        response_class=FileResponse,
        responses={200: {"content": {"application/octet-stream": {"schema": FILE}}}, **_problems(401, 404, 422, 503)},
    )
    def model_file(name: str, file: str, sha256: str | None = None) -> Response:
        """A file of a model, for clients that run it themselves. With its sha256 it may be kept for ever."""
        return _model_file(registry.named(name), file, sha256)

    @api.get(
        f"/v1/models/{{name}}{SECOND_LOOK}/files/{{file:path}}",
        summary="A file of a model's second look",
        response_class=FileResponse,
        responses={200: {"content": {"application/octet-stream": {"schema": FILE}}}, **_problems(401, 404, 422, 503)},
    )
    def second_look_file(name: str, file: str, sha256: str | None = None) -> Response:
        """A file of the classifier that judges a detector's finds."""
        looker = registry.named(name).looker
        if looker is None:
            raise Refusal(404, "no_such_file", f"model {name!r} takes no second look")
        return _model_file(looker, file, sha256)

    @api.get(
        "/v1/models/{name}/pictures/{number}",
        summary="A picture of a scan",
        response_class=FileResponse,
        responses={200: {"content": {"image/jpeg": {"schema": FILE}}}, **_problems(401, 404, 422)},
    )
    def scan_picture(name: str, number: int, version: str | None = None) -> Response:
        """A picture of the scan that class `number` was learned from."""
        served = registry.named(name)
        label = served.class_names[number] if 0 <= number < len(served.class_names) else None
        path = served.pictures.get(label or "")
        if path is None or not path.is_file():
            raise Refusal(404, "no_such_picture", f"model {name!r} has no picture of class {number}")
        return FileResponse(path, media_type="image/jpeg", headers={"cache-control": "private, max-age=3600"})

    return api


def _model_file(served: ServedModel, file: str, sha256: str | None) -> Response:
    onnx = {} if served.info is None else {f.file: f.sha256 for f in served.info.files if f.format == "onnx"}
    golden = file == GOLDEN_FILE or re.fullmatch(r"golden/\d+\.png", file) is not None
    sums = set(onnx.values()) if golden else {onnx[file]} if file in onnx else set()
    if served.folder is None or not sums or sha256 not in (None, *sums):
        raise Refusal(404, "no_such_file", f"model {served.name!r} has no such file now; ask /v1/models")
    if golden and not (served.folder / file).is_file():
        raise Refusal(404, "no_such_file", f"model {served.name!r} has no golden pictures")
    path: Path = served.folder / file
    try:
        unchanged = read_model_info(served.folder) == served.info and path.is_file()
    except PhotosynthError:
        unchanged = False
    if not unchanged:  # the folder is a step ahead of what is served
        raise Refusal(503, "changing", "the model is being replaced; come again", 3)
    headers = {"cache-control": ASK_AGAIN if sha256 is None else FOREVER}
    if file in onnx:
        headers["etag"] = f'"{onnx[file]}"'
    return FileResponse(path, media_type=media_type(file), headers=headers)


def _corrections(service: Service) -> APIRouter:
    api = APIRouter(tags=["corrections"])
    form = {"image": FILE, "label": {"type": "string"}, "answered": {"type": "string"}, "model": {"type": "string"}}

    @api.post(
        "/v1/corrections",
        summary="Send the right answer",
        status_code=201,
        openapi_extra=_form(form, ["image", "label"]),
        responses=_problems(401, 403, 408, 413, 415, 422, 503),
    )
    async def correct(request: Request) -> CorrectionAnswer:
        """Send a photo with the right answer. It is kept only if the server was started with --keep."""
        if service.keeper is None:
            raise Refusal(403, "nothing_kept", "this server keeps nothing; start it with --keep DIR")
        async with received(request, service.config, service.memory, None) as parts:
            data = parts.pictures("image", 1)[0]
            label, known = parts.text("label"), {c for m in service.registry.models for c in m.class_names}
            if label not in known:
                raise Refusal(422, "unknown_label", f"{label[:60]!r} is no class of the models here")
            said = [parts.text(name, "")[:200] for name in ("answered", "model")]

            def keep() -> Any:
                assert service.keeper is not None
                return service.keeper.store(decode(data, service.config.max_pixels), label, *said)

            with service.workers.place():
                correction = await service.workers.run(keep)
        service.metrics.corrections.inc()
        return CorrectionAnswer(label=label, stored=correction.file)

    return api


def _probes(service: Service) -> APIRouter:
    api = APIRouter(tags=["probes"])

    @api.get("/healthz", summary="Alive?")
    async def healthz() -> Health:
        """Whether the process lives."""
        return Health()

    @api.get("/readyz", summary="Ready?")
    async def readyz() -> Readiness:
        """Whether it answers questions."""
        return Readiness(ready=True, models={model.name: model.version for model in service.registry.models})

    @api.get(
        "/metrics",
        summary="Counters",
        response_class=Response,
        responses={200: {"content": {"text/plain": {}}}, **_problems(401)},
    )
    async def metrics() -> Response:
        """Counters for Prometheus."""
        return Response(service.metrics.text(), media_type=service.metrics.content_type)

    return api
