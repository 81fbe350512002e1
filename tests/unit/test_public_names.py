"""The public names: pinned, documented, and imported only when used."""

import subprocess
import sys
import tomllib
from pathlib import Path

import photosynth

NAMES = [
    "Artifact",
    "Asset",
    "Camera",
    "Frame",
    "Inputs",
    "Instances",
    "Item",
    "PhotosynthError",
    "Report",
    "RunConfig",
    "RunResult",
    "Scene",
    "__version__",
    "load_classifier",
    "load_recipe",
    "open_artifact",
    "run",
]


def test_public_names_are_pinned():
    assert sorted(photosynth.__all__) == NAMES


def test_every_public_name_exists_and_is_documented():
    for name in NAMES:
        value = getattr(photosynth, name)
        assert name == "__version__" or value.__doc__


def test_import_is_light():
    code = "import sys, photosynth; print(sorted({'numpy', 'torch', 'cv2', 'msgspec'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"


def test_version_is_the_packages():
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    assert photosynth.__version__ == project["version"]
