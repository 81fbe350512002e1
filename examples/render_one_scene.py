"""Render one scene of a built-in object and save the picture, its mask and its depth.

    .venv/bin/python examples/render_one_scene.py out

Everything a scene holds is concrete: change a number, run again, and see what it does.
"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image

from photosynth.catalogue.demo.packages import demo_object
from photosynth.core.camera import Camera
from photosynth.core.geometry import as_matrix4, look_at
from photosynth.core.meshes import FixedMeshes
from photosynth.core.scene import Background, Environment, EnvironmentFill, Finish, Light, Placement, Scene
from photosynth.render.compose import compose
from photosynth.render.raster.engine import RasterEngine


def main(out: Path) -> None:
    """Write picture.png, mask.png and depth.png."""
    out.mkdir(parents=True, exist_ok=True)
    side = 640
    eye = np.array([0.18, -0.5, 0.2])
    scene = Scene(
        index=0,
        camera=Camera(
            size_wh=(side, side),
            focal_px=1.4 * side,
            principal_px=(side / 2, side / 2),
            world_from_cam=as_matrix4(look_at(eye, np.zeros(3))),
        ),
        placements=(Placement(asset_id="juice", part="whole", class_name="orange_juice", roughness=0.4),),
        lights=(Light(position_m=(0.6, -0.6, 0.9), radius_m=0.05, power_w=18.0, temperature_k=4500.0),),
        environment=Environment(map_file="package:apartment.exr", strength=0.4),
        background=Background(
            fill=EnvironmentFill(
                map_file="package:apartment.exr", yaw_rad=1.9, pitch_rad=-0.3, roll_rad=0.0, fov_rad=0.8, exposure=0.5
            ),
            contact_shadow=0.5,
        ),
        finish=Finish(defocus_rel=0.0005, shot_noise=0.01),
    )
    engine = RasterEngine(FixedMeshes({("juice", "whole"): demo_object("orange_juice")}))
    frame = compose(scene, engine.render(scene))
    depth = np.where(np.isfinite(frame.depth_m), frame.depth_m, 0.0)
    Image.fromarray(frame.color).save(out / "picture.png")
    Image.fromarray((frame.instance_ids == 1).astype(np.uint8) * 255).save(out / "mask.png")
    Image.fromarray((depth / depth.max() * 255).astype(np.uint8)).save(out / "depth.png")
    print(f"wrote picture.png, mask.png and depth.png to {out}")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "scene"))
