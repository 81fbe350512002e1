"""How long a frame of the live camera takes in Chromium, and whether memory stays bounded over many of them.

    photosynth serve RUN &
    python web/bench/frames.py http://127.0.0.1:8000/ --photo photo.jpg --frames 1000 [--threads 1] [--precision int8]

Prints one line of JSON: milliseconds for a frame (resize and model, in the worker), and after a tenth, a half and all
of the frames the page's JavaScript heap (after a collection) and the private memory of the browser's processes, in MB.
Needs the Python packages playwright, psutil and opencv-python, and Chromium.
"""

import argparse
import json
import shutil
import tempfile
import time
from pathlib import Path

import cv2
import psutil
from playwright.sync_api import sync_playwright

FLAGS = (
    "--no-sandbox --disable-gpu --no-first-run --disable-background-networking --disable-component-update "
    "--disable-sync --use-fake-ui-for-media-stream --use-fake-device-for-media-stream"
)


def write_camera(path, photo):
    """The photo as a one-second 640 x 480 video (YUV4MPEG2)."""
    image = cv2.resize(cv2.imread(str(photo)), (640, 480), interpolation=cv2.INTER_AREA)
    planes = cv2.cvtColor(image, cv2.COLOR_BGR2YUV_I420).tobytes()
    path.write_bytes(b"YUV4MPEG2 W640 H480 F10:1 Ip A1:1 C420mpeg2\n" + (b"FRAME\n" + planes) * 10)


def private_mb():
    """Memory that only this script's browser holds, by the kind of its processes."""
    found = {}
    for process in psutil.Process().children(recursive=True):
        kind = [word.removeprefix("--type=") for word in process.cmdline() if word.startswith("--type=")]
        if "chrom" in process.name():
            name = kind[0] if kind else "browser"
            found[name] = found.get(name, 0) + process.memory_full_info().uss / 1e6
    return {name: round(value) for name, value in found.items() if value >= 20}


def main():
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("url")
    parser.add_argument("--photo", required=True)
    parser.add_argument("--frames", type=int, default=1000)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--precision", default="float32")
    args = parser.parse_args()
    browser_file = shutil.which("chromium") or shutil.which("google-chrome-stable")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as runner:
        camera = Path(folder) / "camera.y4m"
        write_camera(camera, args.photo)
        flags = [*FLAGS.split(), f"--use-file-for-fake-video-capture={camera}", "--js-flags=--expose-gc"]
        browser = runner.chromium.launch(executable_path=browser_file, args=flags)
        context = browser.new_context(viewport={"width": 390, "height": 844}, permissions=["camera"])
        context.add_init_script(f"localStorage.setItem('precision', '{args.precision}')")
        page = context.new_page()
        page.goto(f"{args.url}?threads={args.threads}")
        marks = []
        for count in (args.frames // 10, args.frames // 2, args.frames):
            while page.evaluate("photosynth.seen.frames") < count:
                time.sleep(0.2)
            heap = page.evaluate("(gc(), performance.memory.usedJSHeapSize / 1e6)")
            times = sorted(page.evaluate("photosynth.seen.ms"))
            marks.append({"frames": count, "heap_mb": round(heap, 1), "private_mb": private_mb()})
        state = page.evaluate("photosynth.engine.state")
        found = {
            "p50_ms": times[len(times) // 2],
            "p10_ms": times[len(times) // 10],
            "p90_ms": times[-len(times) // 10],
        }
        found = {name: round(value, 1) for name, value in found.items()}
        print(json.dumps({**found, "engine": state, "precision": args.precision, "memory": marks}))
        browser.close()


if __name__ == "__main__":
    main()
