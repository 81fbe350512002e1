"""The models of a run, and where their exports lie: the detector's beside the classifier's as NAME-detector."""

from __future__ import annotations

from pathlib import Path

from photosynth.models.exported import MODEL_FILE, beside
from photosynth.pipeline.folder import is_run, trained_models

EXPORT = "export"
"""The folder of a run in which its exported model is looked for."""


def exports(model: Path, out: Path) -> list[tuple[Path, Path]]:
    """Which trained models to export, and where to: of a run with two, the second one goes beside `out`.

    Args:
        model: a run, or a trained model.
        out: the folder of the first export.
    """
    models = list(trained_models(model).values()) if is_run(model) else []
    if len(models) < 2:
        return [(models[0] if models else model, out)]
    return list(zip(models, (out, beside(out)), strict=True))


def exported(model: Path, detector: bool) -> Path:
    """The exported model that is meant by a run or an export; with `detector`, the one beside it if there is one."""
    first = model / EXPORT if is_run(model) else model
    second = beside(first)
    if (second / MODEL_FILE).is_file() and (detector or (is_run(model) and not (first / MODEL_FILE).is_file())):
        return second
    return model


def served(models: tuple[str, ...]) -> tuple[str, ...]:
    """``PATH`` and ``NAME=PATH`` arguments, a run with two exported models as one for each."""
    found: list[str] = []
    for text in models:
        name, equals, path = text.partition("=")
        equals = bool(equals) and "/" not in name
        folder = Path(path if equals else text)
        first = folder / EXPORT
        second = beside(first)
        if not (is_run(folder) and (second / MODEL_FILE).is_file()):
            found.append(text)
            continue
        name = name if equals else folder.absolute().name
        if (first / MODEL_FILE).is_file():
            found.append(f"{name}={first}")
        found.append(f"{name}-detector={second}")
    return tuple(found)
