"""One case for BlenderProc 2.8, run by a Python that has `blenderproc` and `bpy` (4.2); used by benchmarks/render.py.

BlenderProc and Blender are GPL: this file runs in a process and an environment of its own, and photosynth imports
nothing of it. BlenderProc usually fetches its own Blender; here its API is used with the `bpy` module instead, which
takes two of its set-up steps away (installing packages, choosing a language).
"""

import inspect
import io
import json
import os
import resource
import sys
import time

import bpy  # noqa: F401 - before blenderproc
import numpy as np

os.environ["OUTSIDE_OF_THE_INTERNAL_BLENDER_PYTHON_ENVIRONMENT_BUT_IN_RUN_SCRIPT"] = "1"
from blenderproc.python.utility.SetupUtility import SetupUtility

SetupUtility.setup_pip = staticmethod(lambda *_, **__: "")
SetupUtility.setup([])
from blenderproc.api import camera, loader, renderer, types, utility  # noqa: E402
from blenderproc.api import math as bproc_math  # noqa: E402
from blenderproc.python.utility import Initializer  # noqa: E402

SIZES = {"one-300": 300, "one-640": 640}


def main() -> None:
    """Render the pictures of a job and print what they cost."""
    job = json.loads(sys.argv[1])
    source = inspect.getsource(Initializer.init).replace('bpy.context.preferences.view.language = "en_US"', "pass")
    exec(compile(source, "init", "exec"), Initializer.__dict__)
    Initializer.init()
    size = SIZES[job["case"]]
    (thing,) = loader.load_obj(os.path.join(job["folder"], "object.obj"), forward_axis="Y", up_axis="Z")
    diagonal = float(np.linalg.norm(np.ptp(thing.get_bound_box(), axis=0)))
    lamps = [types.Light() for _ in range(3)]
    camera.set_intrinsics_from_K_matrix([[1.39 * size, 0, size / 2], [0, 1.39 * size, size / 2], [0, 0, 1]], size, size)
    renderer.set_max_amount_of_samples(16)
    renderer.set_noise_threshold(0)
    renderer.set_cpu_threads(1)
    renderer.set_world_background([0.4, 0.4, 0.4])
    for k in range(job["images"] + 1):
        if k == 1:
            wall, cpu = time.perf_counter(), cpu_seconds()
        picture(k, lamps, diagonal)
    spent = {"wall": time.perf_counter() - wall, "cpu": cpu_seconds() - cpu, "marks": [], "phases": {}}
    spent["memory"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print("\nRESULT " + json.dumps(spent))


def picture(index: int, lamps: list, diagonal: float) -> None:
    """One picture from a new direction under new lamps, as JPEG."""
    from PIL import Image

    rng = np.random.default_rng(index)
    utility.reset_keyframes()
    for lamp in lamps:
        towards = np.array([*rng.uniform(-1, 1, 2), rng.uniform(0.2, 1)])
        lamp.set_type("POINT")
        lamp.set_location(towards / np.linalg.norm(towards) * 4 * diagonal)
        lamp.set_energy(60 * diagonal**2 * rng.uniform(0.4, 1.6))
        lamp.set_radius(0.15 * diagonal)
    azimuth, elevation = rng.uniform(0, 2 * np.pi), rng.uniform(-0.3, 1.2)
    direction = np.array([np.cos(elevation) * np.cos(azimuth), np.cos(elevation) * np.sin(azimuth), np.sin(elevation)])
    eye = 2 * diagonal * direction
    camera.add_camera_pose(bproc_math.build_transformation_mat(eye, camera.rotation_from_forward_vec(-eye)))
    color = renderer.render(verbose=False)["colors"][0]
    Image.fromarray(np.asarray(color, np.uint8)).save(io.BytesIO(), "JPEG", quality=90)


def cpu_seconds() -> float:
    """User and system seconds of this process and its children so far."""
    own, others = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + others.ru_utime + others.ru_stime


if __name__ == "__main__":
    main()
