"""A stand-in for Blender with the worker in it: same command line, same jobs, pictures made up without any light.

Scenes it is asked for by number: 13 kills it, 14 kills it in its first life, 15 keeps it busy for a minute, 16 is
answered with an error. It notes each of its lives in the file that FAKE_BLENDER_LIVES names.
"""

import json
import os
import sys
import time
from pathlib import Path

import numpy as np
import OpenEXR


def main() -> None:
    options, (_, worker_file, _, folder) = sys.argv[1:3], sys.argv[3:]
    assert options == ["--background", "--factory-startup"]
    assert worker_file.endswith("worker.py")
    assert os.path.isdir(folder)
    lives = Path(os.environ["FAKE_BLENDER_LIVES"])
    with open(lives, "a") as file:
        file.write(f"{os.getpid()}\n")
    first_life = len(lives.read_text().splitlines()) == 1
    print("Blender 0.0 (a fake)")
    answer({"ready": "0.0"})
    for line in sys.stdin:
        job = json.loads(line)
        if job["op"] == "quit":
            return
        index = job["index"]
        print(f"Fra:1 Mem:1.00M | Sample {index}", flush=True)
        if index == 13 or (index == 14 and first_life):
            print("these are my last words", flush=True)
            os._exit(7)
        if index == 15:
            time.sleep(60)
        if index == 16:
            answer({"done": False, "error": "no such node"})
            continue
        draw(job)
        answer({"done": True, "note": "", "s": 0.0, "cpu_s": 0.25})


def answer(message: dict) -> None:
    sys.stdout.flush()
    os.write(1, f"half a line\n@photosynth {json.dumps(message)}\n".encode())


def draw(job: dict) -> None:
    """Object k of n fills the k-th of n columns wholly; its light is the scene's number, its depth k metres."""
    width, height = job["size_wh"]
    count = len(job["objects"])
    number = (np.arange(width) * count // width + 1)[None].repeat(height, axis=0)
    codes = {one["name"]: one["number"] * 1000 + 77 for one in job["objects"]}
    hashes = np.zeros((height, width), np.uint32)
    for one in job["objects"]:
        hashes[number == one["number"]] = codes[one["name"]]
    full = np.ones((height, width), np.float32)
    light = dict.fromkeys(("Combined.R", "Combined.G", "Combined.B"), full * job["index"])
    light |= {"Combined.A": full, "CryptoObject00.r": hashes.view(np.float32), "CryptoObject00.g": full}
    manifest = json.dumps({name: f"{code:08x}" for name, code in codes.items()})
    write(job["light_file"], light, {"cryptomatte/abc/manifest": manifest})
    number = number.astype(np.float32)
    centre = {"Depth.Z": number, "IndexOB.X": number, "Normal.X": 0 * full, "Normal.Y": 0 * full, "Normal.Z": full}
    write(job["centre_file"], centre, {})


def write(path: str, channels: dict, header: dict) -> None:
    header = {"compression": OpenEXR.NO_COMPRESSION, "type": OpenEXR.scanlineimage, **header}
    with OpenEXR.File(header, {f"ViewLayer.{name}": pixels for name, pixels in channels.items()}) as file:
        file.write(path)


if __name__ == "__main__":
    main()
