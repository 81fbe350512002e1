"""A browser, a server with models, and the page open in it; everything is skipped where there is no Chromium."""

import shutil
from pathlib import Path

import pytest
from page_models import COLORS, picture, write_camera, write_catalogue, write_model
from page_visit import Visit, serving

BROWSERS = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
FLAGS = (
    "--no-sandbox --disable-gpu --no-first-run --disable-background-networking --disable-component-update "
    "--disable-sync --use-fake-device-for-media-stream"
)


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory):
    """A run with a classifier in its export folder and the catalogue beside it, and a detector elsewhere."""
    folder = tmp_path_factory.mktemp("page") / "shop"
    write_model(folder / "export")
    write_catalogue(folder / "catalogue")
    write_model(folder.parent / "finder", "detector")
    return folder


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
