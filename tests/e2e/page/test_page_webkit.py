"""The page in WebKitGTK, of the engine family of iPhone Safari: starts, answers as the server, camera, offline."""

import base64
import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import httpx
import pytest
from page_models import COLORS, NAMES, encoded, picture
from page_visit import PATIENCE_S, serving

BROWSERS = sorted(Path("/usr/lib").glob("*/webkit2gtk-4.1/MiniBrowser"))
PROGRAMS = ("WebKitWebDriver", "xvfb-run", "dbus-run-session")
SETTINGS = {
    "WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS": "1",
    "WEBKIT_DISABLE_COMPOSITING_MODE": "1",
    "LIBGL_ALWAYS_SOFTWARE": "1",
    "JSC_useSharedArrayBuffer": "1",
}
PASTE = """const bytes = Uint8Array.from(atob(arguments[0]), c => c.charCodeAt(0)), transfer = new DataTransfer();
transfer.items.add(new File([bytes], 'photo.png', { type: 'image/png' }));
document.body.dispatchEvent(new ClipboardEvent('paste', { bubbles: true, clipboardData: transfer }));"""


@pytest.fixture(scope="module")
def webkit():
    """WebKitGTK's MiniBrowser under a driver, on a screen of its own."""
    selenium = pytest.importorskip("selenium.webdriver", reason="the Python package selenium is not installed")
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    if missing or not BROWSERS:
        pytest.skip("WebKitGTK is not installed (apt-get install webkit2gtk-driver xvfb dbus)")
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        port = probe.getsockname()[1]
    command = ["dbus-run-session", "--", "xvfb-run", "-a", "WebKitWebDriver", f"--port={port}"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen(command, env={**os.environ, **SETTINGS}, start_new_session=True, **quiet)
    try:
        options = selenium.WebKitGTKOptions()
        options.binary_location = str(BROWSERS[0])
        options.add_argument("--automation")
        options.add_argument("--enable-mock-capture-devices=true")
        for attempt in range(100):
            try:
                httpx.get(f"http://localhost:{port}/status")
                break
            except httpx.TransportError:
                assert attempt < 99, "WebKitWebDriver did not start"
                time.sleep(0.2)
        driver = selenium.Remote(f"http://localhost:{port}", options=options)
        yield driver
        driver.quit()
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(10)


def until(driver, expression):
    for _ in range(PATIENCE_S * 10):
        value = driver.execute_script(f"return {expression}")
        if value:
            return value
        time.sleep(0.1)
    raise TimeoutError(expression)


def ready(driver):
    until(driver, "window.photosynth && photosynth.engine && photosynth.engine.state.stage !== 'loading'")
    state = driver.execute_script("return photosynth.engine.state")
    assert state["stage"] == "device", state


def ask(driver, data):
    driver.execute_script("document.querySelector('dialog').close(); photosynth.seen.last = null")
    driver.execute_script(PASTE, base64.b64encode(data).decode())
    until(driver, "document.querySelector('dialog[open] .verdict')")
    return driver.execute_script("return photosynth.seen.last")


def test_webkit(webkit, run_folder):
    data = encoded(picture(COLORS[NAMES[2]]))
    with serving([run_folder]) as url:
        expected = httpx.post(f"{url}v1/classify", content=data, headers={"content-type": "image/png"}).json()
        webkit.get(url)
        ready(webkit)
        answer = ask(webkit, data)
        assert answer["place"] == "device"
        assert answer["label"] == NAMES[2]
        there = {score["label"]: score["score"] for score in expected["results"][0]["scores"]}
        assert max(abs(there[s["label"]] - s["score"]) for s in answer["scores"]) < 1e-3
        webkit.execute_script("document.querySelector('dialog').close()")
        webkit.execute_script("document.querySelector('[aria-label=History]').click()")
        until(webkit, "document.querySelector('.tile')")
        webkit.execute_script("document.querySelector('dialog').close()")
        webkit.execute_script("document.querySelector('.shutter').click()")
        until(webkit, "photosynth.seen.frames >= 5")
        assert webkit.execute_script("return photosynth.stage.video.videoWidth") > 0
        webkit.execute_script("document.querySelector('[aria-label=\"Close the camera\"]').click()")
        until(webkit, "photosynth.pictures.size === 3")
        webkit.execute_async_script("navigator.serviceWorker.ready.then(arguments[0])")
    webkit.refresh()
    ready(webkit)
    assert ask(webkit, data)["score"] == answer["score"]
