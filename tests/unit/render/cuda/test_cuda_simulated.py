"""The CUDA engine in numba's simulator, in processes of its own: what the CPU's rasteriser draws, and no less."""

import json
import os
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parent / "simulated_pictures.py"
SCENES = Path(__file__).parents[2] / "render_raster"


def simulated(what: str) -> dict:
    done = subprocess.run(
        [sys.executable, str(SCRIPT), what],
        capture_output=True,
        text=True,
        env={**os.environ, "NUMBA_ENABLE_CUDASIM": "1", "PYTHONPATH": str(SCENES)},
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.strip().splitlines()[-1].removeprefix("RESULT "))


def test_pictures_equal_those_of_the_cpu():
    found = simulated("scenes")
    assert set(found) == {"board", "behind", "nothing", "again"}
    for name, result in found.items():
        assert result["odd"] == {}, f"scene {name}"
        assert result["radiance"] <= 1e-3 * max(result["mean"], 1e-3), f"scene {name}"
    board, behind = found["board"], found["behind"]
    assert board["ids"] == 3
    assert min(board["covered"], behind["covered"]) > 0.3  # something is to be seen
    assert min(board["mean"], behind["mean"]) > 0.02
    assert found["again"] == board  # nothing is left over from other pictures


def test_the_check_before_a_job_passes_and_sees_what_is_wrong():
    found = simulated("perturbed")
    assert found["as it is"] is None
    assert "radiance in " in found["no lamps"]
    assert "coverage" not in found["no lamps"]
    assert "coverage in " in found["samples elsewhere"]
