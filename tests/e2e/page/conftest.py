"""A browser, a server with models, and the page open in it; everything is skipped where there is no Chromium."""

import shutil
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from page_models import COLORS, picture, write_camera, write_catalogue, write_model

from photosynth.serve.config import ServeConfig
from photosynth.serve.model import read_sources
from photosynth.serve.registry import Registry
from photosynth.serve.server import make_server

BROWSERS = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
FLAGS = (
    "--no-sandbox --disable-gpu --no-first-run --disable-background-networking --disable-component-update "
    "--disable-sync --use-fake-device-for-media-stream"
)
PATIENCE_S = 90


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory):
    """A run with a classifier in its export folder and the catalogue beside it, and a detector elsewhere."""
    folder = tmp_path_factory.mktemp("page") / "shop"
    write_model(folder / "export")
    write_catalogue(folder / "catalogue")
    write_model(folder.parent / "finder", "detector")
    return folder


@contextmanager
def serving(models, **settings):
    """A server of these models in a thread; gives its URL."""
    config = ServeConfig(port=0, workers=1, watch_s=0, shutdown_s=1, **settings)
    server, listener = make_server(config, Registry(read_sources([str(m) for m in models]), config))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        yield f"http://localhost:{listener.getsockname()[1]}/"
    finally:
        server.should_exit = server.force_exit = True
        thread.join(20)
        listener.close()


@pytest.fixture(scope="session")
def site(run_folder, tmp_path_factory):
    """A server's URL, and the folder where it keeps corrections."""
    kept = tmp_path_factory.mktemp("kept")
    with serving([run_folder, run_folder.parent / "finder"], keep=kept) as url:
        yield url, kept


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    """Headless Chromium whose camera shows the red thing. For one file of tests: while it lives, Playwright keeps an
    event loop running here, and tests of other rooms could not run one of their own."""
    playwright = pytest.importorskip("playwright.sync_api", reason="the Python package playwright is not installed")
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.skip("no Chromium is installed (apt-get install chromium)")
    red = picture(COLORS["001_red_mug"], (640, 480))
    camera = write_camera(tmp_path_factory.mktemp("camera") / "red.y4m", red)
    with playwright.sync_playwright() as runner:
        flags = [*FLAGS.split(), f"--use-file-for-fake-video-capture={camera}"]
        chromium = runner.chromium.launch(executable_path=found, args=flags)
        yield chromium
        chromium.close()


class Visit:
    """A visitor: a fresh browser profile with the page open."""

    def __init__(self, context, url, query=""):
        self.context, self.url, self.faults = context, url, []
        self.page = context.new_page()
        self.page.set_default_timeout(PATIENCE_S * 1000)
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.goto(url + query)

    def until(self, expression):
        """Wait until a JavaScript expression is true, and give its value."""
        for _ in range(PATIENCE_S * 20):
            value = self.page.evaluate(expression)
            if value:
                return value
            time.sleep(0.05)
        state = self.page.evaluate("photosynth.engine?.state")
        raise TimeoutError(f"{expression}; the engine is {state}; faults: {self.faults}")

    def ready(self, stage="device"):
        """Wait until the model runs on the device (or will not); gives the engine's state."""
        self.until("photosynth.engine && photosynth.engine.state.stage !== 'loading'")
        state = self.page.evaluate("photosynth.engine.state")
        assert state["stage"] == stage, state
        return state

    def upload(self, data, name="photo.png"):
        """Choose a file; gives the answer when the sheet shows it."""
        self.close()
        self.page.set_input_files("#file", [{"name": name, "mimeType": "image/png", "buffer": data}])
        self.page.wait_for_selector("dialog[open] .verdict")
        return self.page.evaluate("photosynth.seen.last")

    def close(self):
        """Close the sheet."""
        if self.page.locator("dialog[open]").count():
            self.page.click("dialog[open] header button")
        self.page.wait_for_selector("dialog[open]", state="detached")

    def text(self, selector):
        """What an element says."""
        return self.page.inner_text(selector)


@pytest.fixture
def visit(browser, site, run_folder):
    """A function that opens the page: `visit(query="", url=None, **context_options)`."""
    contexts = []

    def open_page(query="", url=None, golden=None, **options):
        options = {"viewport": {"width": 360, "height": 640}, "permissions": [], **options}
        context = browser.new_context(**options)
        contexts.append(context)
        folders = {"shop": run_folder / "export", "finder": run_folder.parent / "finder"}
        serve_golden(context, golden or folders, golden is not None)
        return Visit(context, url or site[0], query)

    yield open_page
    for context in contexts:
        context.close()


def serve_golden(context, folders, always):
    """Golden files from the models' folders, for servers that do not give them out, or `always`."""

    def answer(route):
        if not always:
            response = route.fetch()
            if response.status == 200:
                return route.fulfill(response=response)
        _, name, _, *path = route.request.url.split("?")[0].split("/v1/")[1].split("/")
        file = Path(folders[name], *path)
        kind = "image/png" if file.suffix == ".png" else "application/json"
        headers = {"cross-origin-resource-policy": "same-origin"}
        return route.fulfill(body=file.read_bytes(), headers=headers, content_type=kind)

    context.route("**/v1/models/*/files/golden**", answer)
