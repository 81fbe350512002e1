"""Renders scenes in numba's CUDA simulator and on the CPU; prints as JSON what differs. Run by test_cuda_simulated."""

import json
import sys

import numpy as np
from raster_scenes import box, camera, lamp, placement, scene, slab, source, sphere

from photosynth.core.scene import Environment
from photosynth.render.cuda import check, shading, visibility
from photosynth.render.cuda.agreement import odd_pixels
from photosynth.render.cuda.engine import CudaEngine
from photosynth.render.raster import prepared
from photosynth.render.raster.engine import RasterEngine, RasterOptions

SMALL = dict(size_wh=(24, 18), focal_px=35.0)
prepared.MAX_EDGE = 0.8  # a thread of the simulator is a thread of Python: few triangles
sys.setswitchinterval(1e-4)  # it waits for them in a loop
NO_AMBIENT = RasterOptions(ambient_occlusion=False)


def compared(engine, one, reference) -> dict:
    ours, theirs = engine.render(one), reference.render(one)
    return {
        "odd": odd_pixels(ours, theirs),
        "radiance": float(np.abs(ours.radiance - theirs.radiance).max()),
        "mean": float(theirs.radiance.mean()),
        "covered": float((theirs.coverage > 0).mean()),
        "ids": len(np.unique(theirs.instance_ids)),
    }


def scenes() -> dict:
    """Two objects on a board; one that reaches behind the camera; nothing. All by one engine, in this order."""
    meshes = source(box=box(), ball=sphere(rings=5), wall=box((0.1, 4.0, 0.5)))
    engine, reference = CudaEngine(meshes, NO_AMBIENT), RasterEngine(meshes, NO_AMBIENT)
    things = (placement("box", (0, 0, 0.07), 0.3), placement("ball", (0.09, -0.04, 0.06), roughness=0.2))
    sky = Environment(map_file="package:lobby.exr", strength=0.8, rotation_rad=1.0)
    on_board = scene(things, [lamp()], sky, camera(**SMALL), [slab()])
    along = scene([placement("wall", (-0.1, 0, 0))], cam=camera((0.05, 0, 0.1), (0, 0.5, 0), **SMALL))
    nothing = scene([], [lamp()], cam=camera(**SMALL))
    found = {name: compared(engine, one, reference) for name, one in
             (("board", on_board), ("behind", along), ("nothing", nothing))}  # fmt: skip
    found["again"] = compared(engine, on_board, reference)
    return found


def perturbed() -> dict:
    """What the self-check says of the engine as it is, and with one thing wrong at a time."""
    found = {"as it is": check.disagreement(CudaEngine, 1)}
    for name, module, attribute, wrong in (
        ("no lamps", shading, "_add_light", lambda *_: None),
        ("samples elsewhere", visibility, "X1", 0.6),
    ):
        right = getattr(module, attribute)
        setattr(module, attribute, wrong)
        found[name] = check.disagreement(CudaEngine, 1)
        setattr(module, attribute, right)
    return found


if __name__ == "__main__":
    print("RESULT " + json.dumps({"scenes": scenes, "perturbed": perturbed}[sys.argv[1]]()))
