"""The worker process: builds Blender scenes from jobs and renders them with Cycles.

This file alone imports bpy, which is GPL: nothing else of photosynth may, and this file imports nothing of
photosynth. It runs by path in a process of its own, under Python with the bpy package or inside Blender:

    python -P worker.py -- FOLDER
    blender --background --factory-startup --python worker.py -- FOLDER

Jobs are lines of JSON on standard input, written by `job.py`; an answer is one line on standard output that starts
with ``@photosynth ``, for Blender talks there as well. The end of standard input means that the parent is gone: the
process removes FOLDER and exits, in the middle of a frame if need be.

All numbers of a job are in photosynth's conventions (OpenCV camera axes, principal point in pixels from the top
left corner, roughness and reflectance as in core.scene); they become Blender's here.
"""

from __future__ import annotations

import json
import os
import queue
import shutil
import sys
import threading
import time
import traceback
from typing import Any

import bpy
import numpy as np
from mathutils import Matrix

PREFIX = "@photosynth "
NEAR_M, FAR_M = 1e-3, 1e5
SENSOR_MM = 36.0
GPU_KINDS = {"auto": ("OPTIX", "CUDA", "HIP", "ONEAPI", "METAL"), "cuda": ("CUDA",), "optix": ("OPTIX",)}

_kept_meshes: dict[str, Any] = {}
_kept_images: dict[str, Any] = {}


def main(folder: str) -> None:
    """Answer jobs until the parent says quit or is gone."""
    jobs: queue.Queue[dict[str, Any]] = queue.Queue()
    threading.Thread(target=_read_jobs, args=(jobs, folder), daemon=True).start()
    bpy.ops.wm.read_factory_settings(use_empty=True)
    _answer({"ready": bpy.app.version_string, "pid": os.getpid()})
    while True:
        job = jobs.get()
        if job["op"] == "quit":
            _leave(0)
        began, cpu = time.monotonic(), time.process_time()
        try:
            note = {"render": _render, "save": _save}[job["op"]](job)
            _answer({"done": True, "note": note, "s": time.monotonic() - began, "cpu_s": time.process_time() - cpu})
        except Exception as error:
            _answer({"done": False, "error": f"{error}\n{traceback.format_exc(limit=-3)}"})


def _read_jobs(jobs: queue.Queue[dict[str, Any]], folder: str) -> None:
    for line in sys.stdin:
        jobs.put(json.loads(line))
    shutil.rmtree(folder, ignore_errors=True)
    _leave(0)


def _leave(code: int) -> None:
    sys.stdout.flush()
    os._exit(code)  # Blender's own shutdown may wait for a render


def _answer(message: dict[str, Any]) -> None:
    """One write, so that Blender's own lines cannot fall into it; it starts on a fresh line for the same reason."""
    sys.stdout.flush()
    os.write(1, f"\n{PREFIX}{json.dumps(message)}\n".encode())


def _render(job: dict[str, Any]) -> str:
    """Two renders: the light, and what stands at the pixels' centres. Returns a note, mostly empty."""
    scene = bpy.context.scene
    _clear(scene)
    note = _settings(scene, job)
    _build(scene, job)
    layer, cycles = scene.view_layers[0], scene.cycles
    layer.use_pass_cryptomatte_object, layer.pass_cryptomatte_depth = True, 2
    layer.use_pass_z = layer.use_pass_normal = layer.use_pass_object_index = False
    cycles.pixel_filter_type = "BOX"  # always one pixel wide
    _write(scene, job["light_file"])
    layer.use_pass_cryptomatte_object = False
    layer.use_pass_z = layer.use_pass_normal = layer.use_pass_object_index = True
    cycles.samples, cycles.max_bounces, cycles.use_denoising = 1, 0, False
    cycles.pixel_filter_type, cycles.filter_width = "BLACKMAN_HARRIS", 0.01
    _write(scene, job["centre_file"])
    _clear(scene)
    return note


def _save(job: dict[str, Any]) -> str:
    """Write a .blend for people: everything packed, pictures shown through the sRGB curve."""
    scene = bpy.context.scene
    _clear(scene)
    note = _settings(scene, job)
    _build(scene, job)
    scene.name = f"scene {job['index']}"
    settings = scene.render.image_settings
    if hasattr(settings, "media_type"):
        settings.media_type = "IMAGE"
    settings.file_format, settings.color_mode = "PNG", "RGBA"
    scene.render.filepath = "//"
    for image in bpy.data.images:
        if image.filepath and not image.packed_file:
            image.pack()
            image.filepath = image.filepath_raw = "//" + os.path.basename(image.filepath)
    bpy.ops.wm.save_as_mainfile(filepath=job["blend_file"], check_existing=False, compress=True)
    return note


def _write(scene: Any, path: str) -> None:
    scene.render.filepath = path
    bpy.ops.render.render(write_still=True)
    if not os.path.isfile(path):
        raise RuntimeError(f"Blender wrote no {os.path.basename(path)}")


def _settings(scene: Any, job: dict[str, Any]) -> str:
    render, cycles = scene.render, scene.cycles
    render.engine = "CYCLES"
    render.resolution_x, render.resolution_y = job["size_wh"]
    render.resolution_percentage = 100
    render.pixel_aspect_x = render.pixel_aspect_y = 1.0
    render.film_transparent = True
    render.use_compositing = render.use_sequencer = False
    render.dither_intensity = 0.0
    render.threads_mode = "FIXED" if job["threads"] else "AUTO"
    if job["threads"]:
        render.threads = job["threads"]
    settings = render.image_settings
    if hasattr(settings, "media_type"):
        settings.media_type = "MULTI_LAYER_IMAGE"  # Blender 5
    settings.file_format, settings.color_depth, settings.exr_codec = "OPEN_EXR_MULTILAYER", "32", "NONE"
    scene.view_settings.view_transform, scene.view_settings.look = "Standard", "None"
    scene.view_settings.exposure, scene.view_settings.gamma = 0.0, 1.0
    cycles.samples, cycles.seed = job["samples"], job["index"] & 0x7FFFFFFF
    cycles.use_adaptive_sampling = False
    cycles.use_auto_tile = False
    for name in ("max_bounces", "diffuse_bounces", "glossy_bounces"):
        setattr(cycles, name, job["bounces"])
    cycles.transmission_bounces = cycles.volume_bounces = 0
    cycles.sample_clamp_direct = cycles.sample_clamp_indirect = cycles.blur_glossy = 0.0
    cycles.caustics_reflective = True
    cycles.use_denoising = job["denoise"]
    if job["denoise"]:
        cycles.denoiser, cycles.denoising_input_passes = "OPENIMAGEDENOISE", "RGB_ALBEDO_NORMAL"
    return _device(cycles, job["device"])


def _device(cycles: Any, device: str) -> str:
    cycles.device = "CPU"
    if device == "cpu":
        return ""
    preferences = bpy.context.preferences.addons["cycles"].preferences
    offered = {kind[0] for kind in preferences.get_device_types(bpy.context)}
    for kind in GPU_KINDS.get(device, (device.upper(),)):
        if kind not in offered:
            continue
        preferences.compute_device_type = kind
        preferences.refresh_devices()
        found = [d for d in preferences.devices if d.type == kind]
        for one in preferences.devices:
            one.use = one.type == kind
        if found:
            cycles.device = "GPU"
            return f"rendered on {found[0].name} ({kind})"
    return f"no {device} device was found; rendered on the CPU"


def _clear(scene: Any) -> None:
    """Remove what belongs to one scene; meshes and pictures of assets stay."""
    kept = set(_kept_meshes.values()) | set(_kept_images.values())
    data = bpy.data
    for group in (data.objects, data.cameras, data.lights, data.materials, data.worlds, data.meshes, data.images):
        for block in list(group):
            if block not in kept:
                group.remove(block, do_unlink=True)


def _build(scene: Any, job: dict[str, Any]) -> None:
    for one in job["objects"]:
        _object(scene, one)
    for k, lamp in enumerate(job["lights"]):
        _lamp(scene, f"light {k + 1}", lamp)
    _environment(scene, job["environment"])
    _camera(scene, job)


def _camera(scene: Any, job: dict[str, Any]) -> None:
    """OpenCV's axes (+y down, +z forward) to Blender's (+y up, -z forward); the principal point as a lens shift."""
    width, height = job["size_wh"]
    camera = bpy.data.cameras.new("camera")
    camera.sensor_fit, camera.sensor_width = "HORIZONTAL", SENSOR_MM
    camera.lens = job["focal_px"] * SENSOR_MM / width
    camera.shift_x = (width / 2 - job["principal_px"][0]) / width
    camera.shift_y = (job["principal_px"][1] - height / 2) / width
    camera.clip_start, camera.clip_end = NEAR_M, FAR_M
    holder = bpy.data.objects.new("camera", camera)
    holder.matrix_world = Matrix(np.array(job["world_from_cam"]) @ np.diag([1.0, -1.0, -1.0, 1.0]))
    scene.collection.objects.link(holder)
    scene.camera = holder


def _lamp(scene: Any, name: str, lamp: dict[str, Any]) -> None:
    light = bpy.data.lights.new(name, "POINT")
    light.energy, light.color, light.shadow_soft_size = lamp["power_w"], lamp["color_linear"], lamp["radius_m"]
    if hasattr(light, "use_soft_falloff"):
        light.use_soft_falloff = False
    holder = bpy.data.objects.new(name, light)
    holder.location = lamp["position_m"]
    holder.visible_camera = False
    scene.collection.objects.link(holder)


def _environment(scene: Any, environment: dict[str, Any]) -> None:
    world = bpy.data.worlds.new("environment")
    scene.world = world
    world.use_nodes = True
    nodes, links = world.node_tree.nodes, world.node_tree.links
    nodes.clear()
    background, output = nodes.new("ShaderNodeBackground"), nodes.new("ShaderNodeOutputWorld")
    background.inputs["Color"].default_value = (1.0, 1.0, 1.0, 1.0)
    background.inputs["Strength"].default_value = environment["strength"]
    links.new(background.outputs["Background"], output.inputs["Surface"])
    if environment["file"] is None:
        return
    texture, mapping = nodes.new("ShaderNodeTexEnvironment"), nodes.new("ShaderNodeMapping")
    texture.image = _image(environment["file"], "Linear Rec.709", keep=True)
    world.cycles.sampling_method = "MANUAL"  # the automatic one takes seconds of a frame for the same noise
    world.cycles.sample_map_resolution = min(max(texture.image.size[0], 256), 2048)
    texture.interpolation, texture.projection = "Linear", "EQUIRECTANGULAR"
    mapping.inputs["Rotation"].default_value[2] = -environment["rotation_rad"]  # looked up where it was unturned
    links.new(nodes.new("ShaderNodeTexCoord").outputs["Generated"], mapping.inputs["Vector"])
    links.new(mapping.outputs["Vector"], texture.inputs["Vector"])
    links.new(texture.outputs["Color"], background.inputs["Color"])


def _object(scene: Any, one: dict[str, Any]) -> None:
    holder = bpy.data.objects.new(one["name"], _mesh(one["mesh_file"], one["keep"]))
    holder.matrix_world = Matrix(one["world_from_object"])
    holder.pass_index = one["number"]
    scene.collection.objects.link(holder)
    slot = holder.material_slots[0]
    slot.link = "OBJECT"  # placements of one mesh differ in material
    slot.material = _material(one)


def _material(one: dict[str, Any]) -> Any:
    material = bpy.data.materials.new(one["name"])
    material.use_nodes = True
    nodes, links = material.node_tree.nodes, material.node_tree.links
    nodes.clear()
    texture, gain = nodes.new("ShaderNodeTexImage"), nodes.new("ShaderNodeVectorMath")
    surface, output = nodes.new("ShaderNodeBsdfPrincipled"), nodes.new("ShaderNodeOutputMaterial")
    texture.image = _image(one["texture_file"], "sRGB", one["keep"])
    texture.interpolation, texture.extension = "Linear", "MIRROR" if one["mirrored"] else "REPEAT"
    gain.operation = "MULTIPLY"
    gain.inputs[1].default_value = one["albedo_gain_linear"]
    surface.inputs["Roughness"].default_value = one["roughness"]
    f0 = min(one["specular_f0"], 0.99)
    surface.inputs["IOR"].default_value = (1 + f0**0.5) / (1 - f0**0.5)  # level 0.5: the reflectance of that index
    surface.inputs["Specular IOR Level"].default_value = 0.5
    links.new(texture.outputs["Color"], gain.inputs[0])
    links.new(gain.outputs["Vector"], surface.inputs["Base Color"])
    links.new(surface.outputs["BSDF"], output.inputs["Surface"])
    for column, node in enumerate((texture, gain, surface, output)):
        node.location = (300 * column, 0)
    return material


def _image(path: str, colorspace: str, keep: bool) -> Any:
    if path in _kept_images:
        return _kept_images[path]
    image = bpy.data.images.load(path, check_existing=False)
    image.colorspace_settings.name = colorspace
    image.alpha_mode = "NONE"
    if keep:
        _kept_images[path] = image
    return image


def _mesh(path: str, keep: bool) -> Any:
    if path in _kept_meshes:
        return _kept_meshes[path]
    with np.load(path) as arrays:
        vertices, normals, uv, faces = (arrays[name] for name in ("vertices", "normals", "uv", "faces"))
    mesh = bpy.data.meshes.new(os.path.splitext(os.path.basename(path))[0])
    mesh.vertices.add(len(vertices))
    mesh.vertices.foreach_set("co", vertices.ravel())
    mesh.loops.add(faces.size)
    mesh.loops.foreach_set("vertex_index", faces.ravel())
    mesh.polygons.add(len(faces))
    mesh.polygons.foreach_set("loop_start", np.arange(0, faces.size, 3, dtype=np.int32))
    mesh.update(calc_edges=True)
    layer = mesh.uv_layers.new(name="uv")
    layer.data.foreach_set("uv", np.ascontiguousarray(uv[faces.ravel()]).ravel())
    mesh.polygons.foreach_set("use_smooth", np.ones(len(faces), bool))
    mesh.normals_split_custom_set_from_vertices(normals.tolist())
    mesh.materials.append(None)
    if keep:
        _kept_meshes[path] = mesh
    return mesh


if __name__ == "__main__":
    try:
        main(sys.argv[sys.argv.index("--") + 1])
    except BaseException:
        traceback.print_exc()
        _leave(1)
