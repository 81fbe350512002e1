"""Use of the page: camera, dropping, history, corrections, errors, small screens, keyboard and screen readers."""

import base64
import io
import json
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest
from page_models import COLORS, NAMES, encoded, picture
from page_visit import serving
from PIL import Image

RED = NAMES[0]
DROP = """([data, kind]) => {
  const bytes = Uint8Array.from(atob(data), c => c.charCodeAt(0)), transfer = new DataTransfer();
  transfer.items.add(new File([bytes], 'photo.png', { type: 'image/png' }));
  const options = { bubbles: true, cancelable: true };
  document.body.dispatchEvent(kind === 'drop' ? new DragEvent('drop', { ...options, dataTransfer: transfer })
    : new ClipboardEvent('paste', { ...options, clipboardData: transfer }));
}"""


def test_the_camera_names_what_it_sees(visit):
    visitor = visit(permissions=["camera"])
    visitor.ready()
    visitor.page.wait_for_selector(".card[data-verdict=sure]")
    assert "Red mug" in visitor.text(".card")
    visitor.until("photosynth.seen.frames >= 5")
    assert visitor.page.evaluate("photosynth.seen.last.place") == "device"
    width, height = visitor.page.evaluate("[photosynth.seen.last.width, photosynth.seen.last.height]")
    frame = visitor.page.evaluate("(f => [f.clientWidth, f.clientHeight])(document.querySelector('.finder'))")
    assert width / height == pytest.approx(frame[0] / frame[1], rel=0.02)  # what is asked about is what is shown
    assert "Red mug" in visitor.page.text_content("[aria-live=polite]")
    visitor.page.click("[aria-label='Hold this picture']")
    visitor.page.wait_for_selector("dialog[open] .verdict")
    assert visitor.page.get_attribute(".verdict", "data-label") == RED
    frames = visitor.page.evaluate("photosynth.seen.frames")
    visitor.page.wait_for_timeout(400)
    assert visitor.page.evaluate("photosynth.seen.frames") <= frames + 1  # it rests while the sheet is open
    visitor.close()
    visitor.until(f"photosynth.seen.frames > {frames + 2}")
    visitor.page.click("[aria-label='Close the camera']")
    assert visitor.page.evaluate("document.querySelector('video').srcObject === null")
    assert not visitor.faults


def test_copied_and_drawn_frames_are_the_same(visit):
    visitor = visit(permissions=["camera"])
    visitor.until("photosynth.seen.frames >= 2")
    grab = "photosynth.grab().then(p => [p.width, p.height, ...p.rgba])"
    assert visitor.page.evaluate("photosynth.grabber.copies")
    copied = visitor.page.evaluate(grab)
    visitor.page.evaluate("photosynth.grabber.copies = false")
    drawn = visitor.page.evaluate(grab)
    assert copied[:2] == drawn[:2]
    copied, drawn = (np.array(frame[2:]).reshape(-1, 4)[:, :3].astype(int) for frame in (copied, drawn))
    assert np.abs(copied - drawn).mean() < 1.5, np.abs(copied - drawn).mean(axis=0)
    assert np.ptp(drawn, axis=0).max() > 50  # there is something to tell apart


def renderers_mb(browser):
    """Resident memory of all pages' processes."""
    session = browser.new_browser_cdp_session()
    processes = session.send("SystemInfo.getProcessInfo")["processInfo"]
    session.detach()
    pages = [Path(f"/proc/{one['id']}/statm") for one in processes if one["type"] == "renderer"]
    return sum(int(page.read_text().split()[1]) for page in pages) * os.sysconf("SC_PAGE_SIZE") / 1e6


@pytest.mark.skipif(not Path("/proc/self/statm").is_file(), reason="this system has no /proc to read memory from")
def test_a_thousand_frames_leave_nothing_behind(visit, browser):
    visitor = visit(permissions=["camera"])
    visitor.ready()
    cdp, heap, resident = visitor.context.new_cdp_session(visitor.page), [], []
    for frames in range(100, 1101, 100):
        visitor.until(f"photosynth.seen.frames >= {frames}")
        cdp.send("HeapProfiler.collectGarbage")
        heap.append(cdp.send("Runtime.getHeapUsage")["usedSize"] / 1e6)
        resident.append(renderers_mb(browser))
    assert max(heap[-3:]) - max(heap[:3]) < 1, heap  # a frame is 0.7 MB; a thousand would be 700
    assert min(resident[-3:]) - max(resident[:3]) < 40, resident  # drawn on a canvas they left 300 here
    assert not visitor.faults


def test_boxes_lie_over_the_camera_picture(visit):
    visitor = visit(permissions=["camera"])
    visitor.page.evaluate("localStorage.setItem('model', 'finder')")
    visitor.page.reload()
    visitor.ready()
    visitor.until("photosynth.seen.last?.objects.length === 1")
    answer = visitor.page.evaluate("photosynth.seen.last")
    left, _, right, _ = answer["objects"][0]["box"]
    painted = visitor.page.evaluate(
        """() => { const c = document.querySelector('.finder canvas'), p = c.getContext('2d');
        const row = p.getImageData(0, c.height >> 1, c.width, 1).data, xs = [];
        for (let x = 0; x < c.width; x++) if (row[4 * x + 3]) xs.push(x / c.width);
        return [xs[0], xs.at(-1)]; }"""
    )
    np.testing.assert_allclose(painted, [left / answer["width"], right / answer["width"]], atol=0.03)


def test_a_blocked_camera_is_explained(visit):
    visitor = visit()
    visitor.page.evaluate(
        "() => { navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('', 'NotAllowedError')) }"
    )
    visitor.page.click("[aria-label='Open the camera']")
    assert "blocked" in visitor.text(".notice")


@pytest.mark.parametrize("kind", ["drop", "paste"])
def test_photos_can_be_dropped_and_pasted(visit, kind):
    visitor = visit()
    visitor.ready()
    data = base64.b64encode(encoded(picture(COLORS[NAMES[2]]))).decode()
    visitor.page.evaluate(DROP, [data, kind])
    visitor.page.wait_for_selector("dialog[open] .verdict")
    assert visitor.page.get_attribute(".verdict", "data-label") == NAMES[2]


def test_history_stays_and_can_be_cleared(visit):
    visitor = visit()
    visitor.ready()
    for name in NAMES[:2]:
        visitor.upload(encoded(picture(COLORS[name])))
    visitor.close()
    visitor.page.reload()
    visitor.ready()
    visitor.page.click("[aria-label=History]")
    visitor.page.wait_for_selector(".tile")
    assert visitor.page.locator(".tile").all_inner_texts() == ["Green tin", "Red mug"]
    visitor.page.click(".tile >> nth=1")
    visitor.page.wait_for_selector(".verdict")
    assert visitor.page.get_attribute(".verdict", "data-label") == RED
    visitor.close()
    visitor.page.click("[aria-label=History]")
    visitor.page.click("text=Clear history")
    visitor.page.click("text=Tap again to delete")
    visitor.page.wait_for_selector(".empty")


def test_wrong_answers_are_kept_here_and_on_the_server(visit, site):
    visitor = visit()
    visitor.ready()
    photo = picture(COLORS[RED], seed=11)
    visitor.upload(encoded(photo))
    visitor.page.click("text=This is wrong")
    assert visitor.page.locator("button.choice").count() == len(NAMES) + 1
    visitor.page.click(f"button.choice[data-label='{NAMES[1]}']")
    visitor.page.wait_for_selector(".thanks")
    assert "on the server" in visitor.text(".thanks")
    kept = list(Path(site[1], NAMES[1]).glob("*.jpg"))
    assert len(kept) == 1
    line = json.loads(Path(site[1], "corrections.jsonl").read_text().splitlines()[-1])
    assert (line["label"], line["answered"], line["model"]) == (NAMES[1], RED, "shop")
    visitor.close()
    visitor.page.click("[aria-label=History]")
    with visitor.page.expect_download() as download:
        visitor.page.click("#export")
    with zipfile.ZipFile(download.value.path()) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        (name,) = [name for name in names if name.endswith(".jpg")]
        assert name.startswith(f"corrections/{NAMES[1]}/")
        there = np.asarray(Image.open(io.BytesIO(archive.read(name)))).astype(int)
        coco = json.loads(archive.read("corrections.whole-picture.coco.json"))
    assert np.abs(there - photo).mean() < 8
    assert coco["images"][0]["file_name"] == name.removeprefix("corrections/")
    assert coco["annotations"][0]["bbox"] == [0, 0, 320, 240]


def test_what_cannot_be_read_is_said(visit):
    visitor = visit()
    visitor.ready()
    visitor.page.set_input_files("#file", [{"name": "a.png", "mimeType": "image/png", "buffer": b"nonsense"}])
    visitor.page.wait_for_selector(".notice p")
    assert "cannot be read" in visitor.text(".notice")
    assert visitor.page.locator("dialog[open]").count() == 0


def test_a_server_with_a_key_is_asked_with_it(visit, run_folder, tmp_path):
    (tmp_path / "key").write_text("open sesame\n")
    with serving([run_folder], api_key_file=tmp_path / "key") as url:
        visitor = visit(url=url)
        visitor.page.wait_for_selector(".notice p")
        assert "wants a key" in visitor.text(".notice")
        visitor.page.click(".notice button")
        visitor.page.fill("#field-key", "open sesame")
        visitor.page.click("text=Use this key")
        visitor.ready()
        visitor.until("photosynth.pictures.size === 3")


def test_the_model_can_be_picked(visit):
    visitor = visit()
    visitor.ready()
    visitor.page.click("[aria-label='Models and settings']")
    assert visitor.page.locator(".option input:checked").count() == 1
    visitor.page.click("label:has-text('Finder')")
    visitor.until("photosynth.engine.model.name === 'finder'")
    visitor.ready()
    visitor.page.reload()
    visitor.until("photosynth.engine?.model.name === 'finder'")


AXE = """axe.run(document, { resultTypes: ['violations'] })
.then(r => r.violations.map(v => [v.id, v.nodes.map(n => n.html)]))"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_and_everything_fits(visit, scheme):
    axe = pytest.importorskip("axe_playwright_python", reason="axe-playwright-python is not installed")
    visitor = visit(color_scheme=scheme, reduced_motion="reduce")
    page = visitor.page
    page.evaluate(Path(axe.__file__).with_name("axe.min.js").read_text() + ";0")

    def check(where):
        page.wait_for_timeout(50)
        assert page.evaluate(AXE) == [], where
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), where
        small = page.evaluate(
            """[...document.querySelectorAll('button, .option')].filter(b => b.checkVisibility())
            .map(b => b.getBoundingClientRect()).filter(r => r.width < 44 || r.height < 44).length"""
        )
        assert small == 0, where

    visitor.ready()
    visitor.until("photosynth.pictures.size === 3")
    check("welcome")
    visitor.upload(encoded(picture(COLORS[RED])))
    check("answer")
    page.click("text=This is wrong")
    check("what is it really")
    page.click("button.choice >> nth=0")
    page.wait_for_selector(".thanks")
    visitor.upload(encoded(picture((205, 200, 40))))
    check("unsure")
    visitor.close()
    page.click("[aria-label=History]")
    page.wait_for_selector(".tile")
    check("history")
    visitor.close()
    page.click("[aria-label='Models and settings']")
    check("models")
    visitor.close()
    page.set_input_files("#file", [{"name": "a.png", "mimeType": "image/png", "buffer": b"nonsense"}])
    page.wait_for_selector(".notice p")
    check("error")
    visitor.context.grant_permissions(["camera"])
    page.click("[aria-label='Open the camera']")
    page.wait_for_selector(".card[data-verdict=sure]")
    check("camera")
    page.evaluate("""(b => { b.removeAttribute('aria-label'); b.title = ''; })(document.querySelector('.shutter'))""")
    assert [fault for fault, _ in page.evaluate(AXE)] == ["button-name"]  # it does look


def test_the_keyboard_is_enough(visit):
    visitor = visit()
    visitor.ready()
    page, reached = visitor.page, []
    for _ in range(8):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.getAttribute('aria-label')"))
    wanted = {"Models and settings", "Choose a photo", "Open the camera", "History"}
    assert wanted <= set(reached)
    page.focus("[aria-label=History]")
    page.keyboard.press("Enter")
    page.wait_for_selector("dialog[open]")
    assert page.evaluate("document.querySelector('dialog').contains(document.activeElement)")
    page.keyboard.press("Escape")
    page.wait_for_selector("dialog[open]", state="detached")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "History"


@pytest.mark.parametrize("size", [(360, 640), (320, 568), (844, 390), (1280, 800)])
def test_it_fits_the_screen(visit, size):
    visitor = visit(viewport=dict(zip(("width", "height"), size, strict=True)), permissions=["camera"])
    visitor.ready()
    visitor.page.wait_for_selector(".card[data-verdict=sure]")
    outside = visitor.page.evaluate(
        """[...document.querySelectorAll('#app button, .finder, .badge')].filter(e => e.checkVisibility()).filter(e => {
        const r = e.getBoundingClientRect();
        return r.left < -1 || r.top < -1 || r.right > innerWidth + 1 || r.bottom > innerHeight + 1; }).length"""
    )
    assert outside == 0
    finder = visitor.page.evaluate("document.querySelector('.finder').getBoundingClientRect().height")
    assert finder > 0.4 * size[1]
