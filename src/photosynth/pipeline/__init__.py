"""The main job: objects in, a classifier, a detector or both out, scored on real photos. Skips what is finished."""

from photosynth.pipeline.chain import RunResult, run
from photosynth.pipeline.folder import RUN_FILE, finished_stages, run_settings, run_stages, write_demo
from photosynth.pipeline.plan import PlannedStage, plan
from photosynth.pipeline.settings import (
    CAPTURES,
    CLASSIFIER_STAGES,
    DETECTOR_STAGES,
    SECOND_LOOK,
    STAGES,
    Inputs,
    Models,
    RunConfig,
    stages_of,
)

__all__ = [
    "CAPTURES",
    "CLASSIFIER_STAGES",
    "DETECTOR_STAGES",
    "RUN_FILE",
    "SECOND_LOOK",
    "STAGES",
    "Inputs",
    "Models",
    "PlannedStage",
    "RunConfig",
    "RunResult",
    "finished_stages",
    "plan",
    "run",
    "run_settings",
    "run_stages",
    "stages_of",
    "write_demo",
]
