"""Answers on the device: the resize rule, the same scores as the server's, offline, and the way round when it fails."""

import base64
import json
import shutil
from pathlib import Path

import httpx
import numpy as np
import pytest
from page_models import COLORS, NAMES, encoded, picture, write_model, write_pair
from page_visit import serving

from photosynth.core.asset import NONE_CLASS
from photosynth.models.golden import read_golden
from photosynth.models.resize import fit_square
from photosynth.models.second_look import cut_out

GOLDEN = Path(__file__).parents[2] / "data" / "resize_golden.json"
RESIZE = """cases => cases.map(({ source, width, height }) => {
  const rgb = Uint8Array.from(atob(source.rgb), c => c.charCodeAt(0)), rgba = new Uint8Array(rgb.length / 3 * 4);
  for (let k = 0; 3 * k < rgb.length; k++) rgba.set(rgb.subarray(3 * k, 3 * k + 3), 4 * k);
  const made = photosynth.parts.resize({ width: source.width, height: source.height, rgba }, width, height);
  return btoa(String.fromCharCode(...made));
})"""
FIT = """({ rgba, width, height, size, fit }) => {
  const pixels = { width, height, rgba: Uint8Array.from(atob(rgba), c => c.charCodeAt(0)) };
  const made = photosynth.parts.fitSquare(pixels, size, fit);
  return [btoa(String.fromCharCode(...made.rgb)), made.scaleX, made.scaleY];
}"""
CUT = """({ rgba, width, height, box }) => {
  const pixels = { width, height, rgba: Uint8Array.from(atob(rgba), c => c.charCodeAt(0)) };
  const made = photosynth.parts.cutOut(pixels, box);
  return [made.width, made.height, btoa(String.fromCharCode(...made.rgba))];
}"""


def server_scores(url, data, kind="classify"):
    answer = httpx.post(f"{url}v1/{kind}", content=data, headers={"content-type": "image/png"}).json()
    return answer["results"][0]


def test_resize_gives_the_golden_bytes(visit):
    cases = json.loads(GOLDEN.read_bytes())["cases"]
    asked = [{"source": c["source"], "width": c["result"]["width"], "height": c["result"]["height"]} for c in cases]
    made = visit().page.evaluate(RESIZE, asked)
    assert len(made) == len(cases) >= 10
    for got, case in zip(made, cases, strict=True):
        assert got == case["result"]["rgb"], f"{case['source']['width']} x {case['source']['height']}"


@pytest.mark.parametrize("fit", ["squash", "letterbox"])
def test_fit_and_views_are_those_of_python(visit, fit):
    page, rng = visit().page, np.random.default_rng(2)
    for width, height in ((120, 90), (33, 200), (7, 5), (64, 64)):
        image = rng.integers(0, 256, (height, width, 3), np.uint8)
        rgba = np.dstack([image, np.full((height, width), 255, np.uint8)])
        question = {"width": width, "height": height, "size": 48, "fit": fit}
        made = page.evaluate(FIT, {**question, "rgba": base64.b64encode(rgba.tobytes()).decode()})
        square, scale = fit_square(image, 48, fit)
        assert base64.b64decode(made[0]) == square.tobytes()
        np.testing.assert_allclose(made[1:], scale)
    corners = page.evaluate("photosynth.parts.views(105, 75, 5)")  # 0.7 * 75 = 52.5 goes to the even 52
    assert [(c["x"], c["y"], c["width"], c["height"]) for c in corners] == [
        (0, 0, 105, 75),
        (0, 0, 74, 52),
        (31, 0, 74, 52),
        (0, 23, 74, 52),
        (31, 23, 74, 52),
    ]


@pytest.mark.parametrize("threads", [1, 2])
def test_scores_equal_the_servers(visit, site, run_folder, threads):
    visitor = visit(f"?threads={threads}")
    state = visitor.ready()
    assert state["threads"] == threads
    assert 0 <= state["difference"] < 1e-4
    for case in read_golden(run_folder / "export").cases:
        data = (run_folder / "export" / case.file).read_bytes()
        answer, expected = visitor.upload(data), server_scores(site[0], data)
        assert answer["place"] == "device"
        here = {score["label"]: score["score"] for score in answer["scores"]}
        there = {score["label"]: score["score"] for score in expected["scores"]}
        assert here.keys() == there.keys()
        assert max(abs(here[label] - there[label]) for label in here) < 1e-3
        assert (answer["verdict"], answer["label"]) == (expected["verdict"], expected["label"])
    assert not visitor.faults


def test_jpegs_are_turned_upright_and_answer_as_on_the_server(visit, site):
    visitor = visit()
    visitor.ready()
    data = encoded(
        picture(COLORS[NAMES[1]], (301, 203)),
        "JPEG",
        quality=90,
        exif=b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0",
    )
    answer, expected = visitor.upload(data, "photo.jpg"), server_scores(site[0], data)
    assert [answer["width"], answer["height"]] == expected["size_wh"] == [203, 301]
    assert answer["score"] == pytest.approx(expected["score"], abs=5e-3)  # decoders may differ by a grey level


def test_boxes_equal_the_servers(visit, site):
    visitor = visit()
    visitor.page.evaluate("localStorage.setItem('model', 'finder')")
    visitor.page.reload()
    visitor.ready()
    for color, size in ((NAMES[0], (320, 240)), (NAMES[2], (200, 333))):
        data = encoded(picture(COLORS[color], size))
        answer, expected = visitor.upload(data), server_scores(site[0], data, "detect")
        assert answer["place"] == "device"
        assert [o["label"] for o in answer["objects"]] == [o["label"] for o in expected["objects"]] == [color]
        np.testing.assert_allclose(answer["objects"][0]["box"], expected["objects"][0]["box_xyxy"], atol=0.5)
    painted = (
        "[...document.querySelector('dialog canvas').getContext('2d').getImageData(0, 0, 99, 99).data].some(Boolean)"
    )
    assert visitor.until(painted)
    nothing = visitor.upload(encoded(picture((128, 128, 128))))
    assert (nothing["verdict"], nothing["objects"]) == ("none", [])


def test_finds_are_looked_at_twice_as_on_the_server(visit, tmp_path):
    pair = write_pair(tmp_path / "pair")
    strip = picture((128, 128, 128))
    strip[100:112, 40:240] = COLORS[NAMES[0]]
    small, tiny = picture((128, 128, 128)), picture((128, 128, 128))
    small[100:130, 100:130] = tiny[100:110, 100:110] = COLORS[NAMES[0]]
    with serving([pair]) as url:
        visitor = visit(url=url)
        assert visitor.ready()["difference"] >= 0
        threshold = visitor.page.evaluate("photosynth.engine.model.threshold")
        assert threshold == 0.6
        alone = visitor.page.evaluate("photosynth.engine.model.info.answer_threshold")
        scores = []
        shown = (picture(COLORS[NAMES[0]]), picture(COLORS[NAMES[2]], (200, 333)), small, tiny, strip)
        for image, count in zip(shown, (1, 1, 1, 1, 0), strict=True):
            answer, expected = visitor.upload(encoded(image)), server_scores(url, encoded(image), "detect")
            assert answer["place"] == "device"
            assert [o["label"] for o in answer["objects"]] == [o["label"] for o in expected["objects"]]
            assert len(answer["objects"]) == count
            for here, there in zip(answer["objects"], expected["objects"], strict=True):
                assert here["score"] == pytest.approx(there["score"], abs=1e-3)
                assert threshold < here["score"] < 0.99
                np.testing.assert_allclose(here["box"], there["box_xyxy"], atol=0.5)
                scores.append(here["score"])
    assert scores[3] == pytest.approx(0.93, abs=1e-3), "the detector's own: too small to be looked at"
    assert abs(scores[2] - scores[3]) > 0.01, "partly the classifier's: seen in half its size"
    with serving([pair], second_look=False) as url:
        visitor = visit(url=url)
        visitor.ready()
        (found,) = visitor.upload(encoded(strip))["objects"]  # the detector alone takes it for the thing
    assert found["label"] == NAMES[0]
    assert found["score"] > alone


def test_cut_outs_are_those_of_python(visit):
    page, rng = visit().page, np.random.default_rng(4)
    image = rng.integers(0, 256, (40, 60, 3), np.uint8)
    rgba = base64.b64encode(np.dstack([image, np.full((40, 60), 255, np.uint8)]).tobytes()).decode()
    for box in ([10, 8, 31, 20], [0, 0, 60, 40], [-5, 30, 9, 55], [58.5, 2.5, 63, 4], [70, 70, 70, 70], [3, 3, 3, 3]):
        width, height, made = page.evaluate(CUT, {"rgba": rgba, "width": 60, "height": 40, "box": box})
        expected = cut_out(image, np.array(box, float))
        assert (height, width) == expected.shape[:2]
        there = np.frombuffer(base64.b64decode(made), np.uint8).reshape(height, width, 4)
        np.testing.assert_array_equal(there[..., :3], expected)


def test_five_views_are_averaged_as_on_the_server(visit, tmp_path):
    model = write_model(tmp_path / "views", views=5)
    with serving([model]) as url:
        visitor = visit(url=url, golden={"views": model})
        visitor.ready()
        data = encoded(picture(COLORS[NAMES[2]], (105, 75)))
        answer, expected = visitor.upload(data), server_scores(url, data)
    assert answer["place"] == "device"
    assert answer["score"] == pytest.approx(expected["score"], abs=1e-3)


def test_it_works_without_a_network_after_the_first_visit(visit, run_folder):
    with serving([run_folder]) as url:
        visitor = visit(url=url)
        visitor.ready()
        visitor.until("navigator.serviceWorker.ready.then(() => photosynth.pictures.size === 3)")
        before = visitor.upload(encoded(picture(COLORS[NAMES[0]])))
    visitor.context.set_offline(True)
    visitor.page.reload()
    visitor.ready()
    assert visitor.page.evaluate("crossOriginIsolated")
    after = visitor.upload(encoded(picture(COLORS[NAMES[0]])))
    assert after["place"] == "device"
    assert after["score"] == before["score"]
    visitor.page.wait_for_selector(".scan img")
    assert "Offline" in visitor.text(".badge")


def test_a_model_that_does_not_start_in_time_is_asked_on_the_server(visit):
    visitor = visit("?patience_ms=1")
    assert "too long" in visitor.ready("server")["reason"]
    answer = visitor.upload(encoded(picture(COLORS[NAMES[0]])))
    assert (answer["place"], answer["label"]) == ("server", NAMES[0])
    assert "From the server" in visitor.text(".badge")


@pytest.mark.parametrize("what", ["outputs", "input_sha256"])
def test_a_model_that_answers_otherwise_here_is_not_believed(visit, run_folder, tmp_path, what):
    wrong = shutil.copytree(run_folder / "export", tmp_path / "wrong")
    golden = json.loads((wrong / "golden.json").read_bytes())
    if what == "outputs":
        golden["cases"][1]["outputs"]["probabilities"][0] += 0.01
    else:
        golden["cases"][1]["input_sha256"] = "0" * 64
    (wrong / "golden.json").write_text(json.dumps(golden))
    reason = visit(golden={"shop": wrong}).ready("server")["reason"]
    assert "golden" in reason
    assert ("resize" if what == "input_sha256" else "scores") in reason


@pytest.mark.parametrize("change", ["order", "score", "box"])
def test_a_detectors_finds_are_checked_as_a_set(visit, run_folder, tmp_path, change):
    other = shutil.copytree(run_folder.parent / "finder", tmp_path / "other")
    golden = json.loads((other / "golden.json").read_bytes())
    for case in golden["cases"]:
        outputs = case["outputs"]
        if change == "order":
            outputs["boxes"] = outputs["boxes"][4:] + outputs["boxes"][:4]
            outputs["scores"].reverse()
            outputs["class_ids"].reverse()
        elif change == "score":
            outputs["scores"] = [score and score - 0.01 for score in outputs["scores"]]
        else:
            outputs["boxes"][1] += 2
            outputs["boxes"][5] += 2
    (other / "golden.json").write_text(json.dumps(golden))
    visitor = visit(golden={"finder": other, "shop": run_folder / "export"})
    visitor.page.evaluate("localStorage.setItem('model', 'finder')")
    visitor.page.reload()
    if change == "order":
        visitor.ready()
    else:
        assert "golden" in visitor.ready("server")["reason"]


def test_sure_unsure_and_none_of_these(visit):
    visitor = visit()
    visitor.ready()
    assert visitor.upload(encoded(picture(COLORS[NAMES[1]])))["verdict"] == "sure"
    assert "Green tin" in visitor.text(".verdict .name")
    assert "Learned from this scan" in visitor.text(".scan")
    assert visitor.upload(encoded(picture((110, 110, 110))))["label"] == NONE_CLASS
    assert "None of these" in visitor.text(".verdict .name")
    assert visitor.page.locator(".scan").count() == 0
    amber = picture((205, 200, 40))
    assert visitor.upload(encoded(amber))["verdict"] == "unsure"
    assert "Not sure" in visitor.text(".verdict .name")
    assert "Perhaps" in visitor.text(".maybe")
