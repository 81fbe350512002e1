"""What `show` says and `verify` checks of a folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from photosynth.core.artifact import Artifact, open_artifact, verify_artifact
from photosynth.core.errors import ArtifactError
from photosynth.core.manifest import STARTED_FILE
from photosynth.pipeline import RUN_FILE, finished_stages, run_stages


def describe(folder: Path) -> Iterator[str]:
    """Lines about an artifact, or about each stage of a run.

    Raises:
        ArtifactError: if the folder is neither.
    """
    if not (folder / RUN_FILE).is_file():
        yield from _describe_artifact(open_artifact(folder))
        return
    done, stages = finished_stages(folder), run_stages(folder)
    yield f"run {folder}: {len(done)} of {len(stages)} stages finished"
    for name in stages:
        yield ""
        if name in done:
            yield from _describe_artifact(done[name])
        else:
            begun = (folder / name / STARTED_FILE).is_file()
            yield f"{name}: {'begun, not finished: run the same command again' if begun else 'not begun'}"
    evaluations = [artifact.folder for artifact in done.values() if artifact.manifest.stage == "evaluate"]
    if evaluations:
        from photosynth.pipeline.report import closing_rows

        yield ""
        for row in [("", "synthetic", "real", "gap"), *closing_rows(evaluations)]:
            yield "  ".join(str(cell).ljust(26) for cell in row).rstrip()


def _describe_artifact(artifact: Artifact) -> Iterator[str]:
    manifest = artifact.manifest
    yield f"{manifest.stage} {artifact.folder}"
    yield f"  key      {manifest.key[:16]} (photosynth {manifest.photosynth}, schema {manifest.schema})"
    for name, key in manifest.inputs.items():
        yield f"  input    {name} {key[:16]}"
    for name, value in manifest.summary.items():
        yield f"  {name:<8} {value}"
    for name, value in manifest.config.items():
        yield f"  set      {name} = {_short(value)}"
    for note in manifest.notes:
        yield f"  note     {note}"


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 90 else text[:87] + "..."


def verify(folder: Path) -> Iterator[tuple[Path, list[str]]]:
    """Each artifact in the folder with its problems; datasets are audited too.

    Raises:
        ArtifactError: if there is no artifact.
    """
    if (folder / RUN_FILE).is_file():
        folders = [artifact.folder for artifact in finished_stages(folder).values()]
        if not folders:
            raise ArtifactError(f"{folder} has no finished stage; run it again")
    else:
        folders = [folder]
    for each in folders:
        problems = verify_artifact(each)
        if open_artifact(each).manifest.stage == "dataset":
            from photosynth.dataset.audit import audit

            problems += audit(each)
        yield each, problems
