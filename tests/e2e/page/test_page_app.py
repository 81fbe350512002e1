"""The iPhone app as far as it can be checked without a Mac: its project files, and the page with a packed model."""

import json
import os
import plistlib
import re
import shutil
import subprocess
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml
from page_models import COLORS, NAMES, encoded, picture, write_pair
from page_visit import Visit
from PIL import Image

ROOT = Path(__file__).parents[3]
IOS = ROOT / "ios"
APP = IOS / "app" / "App"
BUILT = ROOT / "src" / "photosynth" / "serve" / "web"

if not IOS.is_dir():
    pytest.skip("the app's sources are not here", allow_module_level=True)


def test_the_plist_says_what_the_camera_is_for():
    plist = plistlib.loads((APP / "App" / "Info.plist").read_bytes())
    for name in ("NSCameraUsageDescription", "NSPhotoLibraryUsageDescription", "NSLocalNetworkUsageDescription"):
        assert len(plist[name]) > 30
    assert plist["CFBundleDisplayName"] == "photosynth"
    assert plist["UIRequiredDeviceCapabilities"] == ["arm64"]
    assert "UIInterfaceOrientationPortrait" in plist["UISupportedInterfaceOrientations"]
    assert not plist["NSAppTransportSecurity"].get("NSAllowsArbitraryLoads", False)


def test_the_project_is_whole():
    project = (APP / "App.xcodeproj" / "project.pbxproj").read_text()
    assert set(re.findall(r"IPHONEOS_DEPLOYMENT_TARGET = ([\d.]+);", project)) == {"16.4"}
    assert set(re.findall(r"PRODUCT_BUNDLE_IDENTIFIER = ([\w.]+);", project)) == {"org.photosynth.app"}
    assert "Pods" not in project
    generated = {"public", "capacitor.config.json", "config.xml"}
    named = re.findall(r"isa = PBXFileReference;[^}]*?path = \"?([^;\"]+)\"?;", project)
    for path in set(named) - generated:
        if not path.endswith(".app"):
            assert any(found.name == Path(path).name for found in IOS.rglob(Path(path).name)), path
    assert project.count("{") == project.count("}")


def test_icons_and_launch_picture():
    catalogue = APP / "App" / "Assets.xcassets"
    for folder in ("AppIcon.appiconset", "Splash.imageset"):
        for image in json.loads((catalogue / folder / "Contents.json").read_bytes())["images"]:
            opened = Image.open(catalogue / folder / image["filename"])
            assert opened.size == ((1024, 1024) if folder.startswith("App") else (2732, 2732))
            assert "A" not in opened.getbands()  # the store refuses icons with alpha


def test_swift_package_and_npm_package_agree():
    lock = json.loads((IOS / "package-lock.json").read_bytes())["packages"]
    swift = (APP / "CapApp-SPM" / "Package.swift").read_text()
    assert (
        re.search(r'capacitor-swift-pm.git", exact: "([\d.]+)"', swift).group(1)
        == (lock["node_modules/@capacitor/ios"]["version"])
    )
    config = json.loads((IOS / "capacitor.config.json").read_bytes())
    assert (IOS / config["webDir"]).resolve() == BUILT
    assert (IOS / config["ios"]["path"]).resolve() == APP.parent


def test_the_workflow_says_that_it_has_not_run():
    text = (ROOT / ".github" / "workflows" / "ios.yml").read_text()
    workflow = yaml.safe_load(text)
    assert "not part of the gate" in workflow["name"]
    assert "has not been run" in text
    assert workflow["jobs"]["build"]["runs-on"].startswith("macos")


class Quiet(SimpleHTTPRequestHandler):
    """Files without headers that a phone's web view would not send either."""

    def log_message(self, *args):
        pass


@pytest.fixture
def packed(run_folder, tmp_path):
    """The app's folder with a classifier and a detector packed in, served as the phone's web view does."""
    if shutil.which("node") is None:
        pytest.skip("node, which packs models into the app, is not installed")
    page = shutil.copytree(BUILT, tmp_path / "public")
    model = shutil.copytree(run_folder / "export", tmp_path / "shop" / "export")
    (model / "previews").mkdir()
    shutil.copy(run_folder / "catalogue" / NAMES[0] / "preview.jpg", model / "previews" / "0.jpg")
    pair = write_pair(tmp_path / "pair")
    command = ["node", IOS / "scripts" / "pack-models.mjs", model, f"finder={run_folder.parent / 'finder'}", pair]
    said = subprocess.run(command, env={**os.environ, "PHOTOSYNTH_PAGE": str(page)}, capture_output=True, text=True)
    assert said.stdout.split() == [*"classifier shop detector finder detector pair-detector".split()], said.stderr
    server = ThreadingHTTPServer(("localhost", 0), partial(Quiet, directory=str(page)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://localhost:{server.server_port}/"
    server.shutdown()
    server.server_close()


def test_a_packed_model_needs_no_server(browser, packed):
    context = browser.new_context(viewport={"width": 390, "height": 844})
    context.add_init_script("window.Capacitor = {}")
    visitor = Visit(context, packed)
    state = visitor.ready()
    assert state["threads"] == 1  # nothing isolates the page there
    assert 0 <= state["difference"] < 1e-4
    visitor.until("photosynth.pictures.size === 1")
    answer = visitor.upload(encoded(picture(COLORS[NAMES[0]])))
    assert (answer["place"], answer["label"], answer["verdict"]) == ("device", NAMES[0], "sure")
    visitor.close()
    visitor.page.click("[aria-label='Models and settings']")
    visitor.page.click("label:has-text('Finder')")
    visitor.until("photosynth.engine.model.name === 'finder'")
    assert visitor.ready()["difference"] >= 0
    assert visitor.upload(encoded(picture(COLORS[NAMES[2]])))["objects"][0]["label"] == NAMES[2]
    visitor.close()
    visitor.page.click("[aria-label='Models and settings']")
    visitor.page.click("label:has-text('Pair')")
    visitor.until("photosynth.engine.model.name === 'pair-detector'")
    visitor.ready()
    strip = picture((128, 128, 128))
    strip[100:112, 40:240] = COLORS[NAMES[0]]
    assert visitor.upload(encoded(strip))["objects"] == []  # the classifier packed with it says no
    assert visitor.upload(encoded(picture(COLORS[NAMES[0]])))["objects"][0]["label"] == NAMES[0]
    assert visitor.page.evaluate("navigator.serviceWorker.getRegistrations().then(found => found.length)") == 0
    context.close()
