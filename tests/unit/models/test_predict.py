"""Predict: photos, videos and broken files in; JSON lines, COCO results and drawn pictures out; without torch."""

import hashlib
import json
import os
import shutil
import subprocess
import sys

import cv2
import msgspec
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from photosynth.cli import main
from photosynth.core.artifact import open_artifact, verify_artifact
from photosynth.core.asset import NONE_CLASS
from photosynth.core.errors import ArtifactError, ConfigError, QualityError
from photosynth.core.photo import read_photo
from photosynth.core.progress import Silent
from photosynth.core.record import to_pretty_json
from photosynth.models.answers import Answer, Found, coco_images, coco_results
from photosynth.models.drawing import draw_answer
from photosynth.models.exported import ModelFile, read_model_info, second_look_beside
from photosynth.models.footage import find_footage
from photosynth.models.predict import PredictConfig, run
from photosynth.models.predictor import load_predictor, load_second_look
from photosynth.serve.config import ServeConfig
from photosynth.serve.model import Source

BLUE, RED, GREY = (40, 60, 200), (200, 50, 40), (110, 110, 110)


def noisy(color, size_wh):
    """A picture of that colour, B G R."""
    noise = np.random.default_rng(0).integers(-40, 41, (size_wh[1], size_wh[0], 3))
    return np.clip(np.array(color[::-1]) + noise, 0, 255).astype(np.uint8)


def write_picture(path, color, size_wh=(40, 30)):
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), noisy(color, size_wh))


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    write_picture(folder / "a.png", BLUE)
    write_picture(folder / "shelf" / "b.jpg", RED, (64, 48))
    write_picture(folder / "shelf" / "c.png", GREY)
    (folder / "shelf" / "broken.jpg").write_bytes(b"\xff\xd8\xff no picture")
    (folder / ".hidden").mkdir()
    write_picture(folder / ".hidden" / "d.png", RED)
    return folder


def lines_of(folder):
    return [json.loads(line) for line in (folder / "predictions.jsonl").read_text().splitlines()]


def test_a_folder_of_photos(tiny_export, photos, tmp_path):
    progress = Silent()
    artifact = run(PredictConfig(), tiny_export, photos, tmp_path / "out", progress=progress)
    first, second, third = lines_of(tmp_path / "out")
    assert [line["file"] for line in (first, second, third)] == ["a.png", "shelf/b.jpg", "shelf/c.png"]
    assert first["found"][0]["class_name"] == "blue"
    assert second["found"] == [
        {"box_xyxy": [0.0, 0.0, 64.0, 48.0], "class_name": "red", "score": second["probabilities"]["red"], "sure": True}
    ]
    assert third["found"] == []
    assert third["probabilities"][NONE_CLASS] > 0.5
    assert "shelf/broken.jpg was left out" in progress.notes[0]
    assert artifact.manifest.summary == {"pictures": 3, "with a sure find": 2, "unreadable": 1}
    names = sorted(p.relative_to(tmp_path / "out/pictures").as_posix() for p in tmp_path.rglob("out/pictures/**/*.*"))
    assert names == ["a.png.jpg", "shelf/b.jpg", "shelf/c.png.jpg"]
    assert verify_artifact(tmp_path / "out") == []
    assert run(PredictConfig(), tiny_export, photos, tmp_path / "out").key == artifact.key


def test_coco_results_are_read_by_pycocotools(tiny_export, photos, tmp_path):
    from pycocotools.coco import COCO

    run(PredictConfig(pictures=False), tiny_export, photos, tmp_path / "out")
    assert not (tmp_path / "out" / "pictures").exists()
    truth = COCO(str(tmp_path / "out" / "coco_images.json"))
    results = truth.loadRes(str(tmp_path / "out" / "coco_results.json"))
    found = {truth.imgs[r["image_id"]]["file_name"]: r for r in results.dataset["annotations"]}
    assert set(found) == {"a.png", "shelf/b.jpg"}
    assert found["shelf/b.jpg"]["bbox"] == [0.0, 0.0, 64.0, 48.0]
    assert truth.cats[found["shelf/b.jpg"]["category_id"]]["name"] == "red"


def test_a_video(tiny_export, tmp_path):
    path = tmp_path / "film.avi"
    film = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 10, (48, 32))
    for color in (BLUE, BLUE, RED, RED, RED):
        film.write(noisy(color, (48, 32)))
    film.release()
    run(PredictConfig(every=2), tiny_export, path, tmp_path / "out")
    lines = lines_of(tmp_path / "out")
    assert [line["file"] for line in lines] == ["film.avi#000000", "film.avi#000002", "film.avi#000004"]
    colors = [max(line["probabilities"], key=line["probabilities"].get) for line in lines]
    assert colors == ["blue", "red", "red"]
    run(PredictConfig(frames=1, pictures=False), tiny_export, path, tmp_path / "one")
    assert len(lines_of(tmp_path / "one")) == 1


class FakeCamera:
    """Three red frames, then Ctrl-C."""

    def __init__(self, source):
        self.opened, self.left = source == 3, 3

    def isOpened(self):
        return self.opened

    def grab(self):
        self.left -= 1
        if self.left < 0:
            raise KeyboardInterrupt
        return True

    def retrieve(self):
        return True, noisy(RED, (32, 24))

    def release(self):
        self.left = 0


def test_a_camera_ends_with_an_interrupt_and_keeps_its_answers(tiny_export, tmp_path, monkeypatch):
    monkeypatch.setattr(cv2, "VideoCapture", FakeCamera)
    run(PredictConfig(), tiny_export, "3", tmp_path / "out")
    assert [line["found"][0]["class_name"] for line in lines_of(tmp_path / "out")] == ["red"] * 3
    with pytest.raises(ArtifactError, match="--overwrite"):
        run(PredictConfig(), tiny_export, "3", tmp_path / "out")
    with pytest.raises(ConfigError, match="camera 4 cannot be opened"):
        run(PredictConfig(), tiny_export, "4", tmp_path / "other")


def test_what_cannot_be_answered(tiny_export, tiny_run, tmp_path):
    with pytest.raises(ConfigError, match="does not exist"):
        find_footage(tmp_path / "absent")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigError, match="no photos"):
        find_footage(tmp_path / "empty")
    (tmp_path / "film.mp4").write_bytes(b"nothing")
    with pytest.raises(ConfigError, match="neither a photo nor a video"):
        find_footage(tmp_path / "film.mp4")
    (tmp_path / "bad.png").write_bytes(b"nothing")
    with pytest.raises(QualityError, match="none of 1 pictures"):
        run(PredictConfig(), tiny_export, tmp_path / "bad.png", tmp_path / "out")
    with pytest.raises(ArtifactError, match="photosynth export"):
        run(PredictConfig(), tiny_run / "train", tmp_path / "bad.png", tmp_path / "out2")
    with pytest.raises(ConfigError, match="min_score"):
        PredictConfig(min_score=2)
    with pytest.raises(ConfigError, match="NoSuchProvider"):
        load_predictor(tiny_export, providers=["NoSuchProvider"])


def test_eight_bits_on_request(tiny_export, photos):
    import simplejpeg

    image = simplejpeg.decode_jpeg((photos / "shelf/b.jpg").read_bytes(), colorspace="RGB")
    small, plain = (load_predictor(tiny_export, precision=p).predict([image])[0] for p in ("int8", "float32"))
    assert small.argmax() == plain.argmax() == 1
    assert 0 < np.abs(small - plain).max() < 0.3


NO_TORCH = """
import sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("torch", "torchvision", "onnx", "numba", "bpy"):
            raise ImportError(f"{name} must not be needed")

sys.meta_path.insert(0, Refuse())
from photosynth.cli import main
sys.exit(main(sys.argv[1:]))
"""


def test_the_command_needs_no_torch(tiny_export, photos, tmp_path):
    command = [sys.executable, "-c", NO_TORCH, "predict", str(tiny_export), str(photos)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["file"] for line in lines] == ["a.png", "shelf/b.jpg", "shelf/c.png"]
    assert "shelf/broken.jpg was left out" in done.stderr
    done = subprocess.run([*command, "--out", str(tmp_path / "out")], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert len(lines_of(tmp_path / "out")) == 3


def test_the_verbs(tiny_run, tmp_path, photos, capsys):
    assert main(["export", str(tiny_run), "--out", str(tmp_path / "model"), "--no-int8", "--golden-pictures", "1"]) == 0
    assert "kind classifier" in capsys.readouterr().out
    assert main(["predict", str(tmp_path / "model"), str(photos / "a.png")]) == 0
    assert json.loads(capsys.readouterr().out)["found"][0]["class_name"] == "blue"
    assert main(["predict", str(tmp_path / "model"), str(photos / "a.png"), "--precision", "int8"]) == 1
    assert "no int8 ONNX file" in capsys.readouterr().err


BOXES = np.array([[4, 2, 20, 10], [0, 0, 40, 8], [1, 1, 2, 2]], np.float32)
SCORES = np.array([0.9, 0.4, 0.0], np.float32)


@pytest.fixture
def detector_folder(tiny_export, tmp_path):
    """An exported detector that always finds the same: it fixes the seam that real ones fit into."""
    outputs = {"boxes": BOXES, "scores": SCORES, "class_ids": np.array([1, 0, 0], np.int64)}
    nodes, given = [], []
    for name, value in outputs.items():
        constant = numpy_helper.from_array(value[None], name)
        nodes.append(helper.make_node("Constant", [], [name], value=constant))
        given.append(helper.make_tensor_value_info(name, constant.data_type, [1, *value.shape]))
    images = helper.make_tensor_value_info("images", TensorProto.UINT8, ["n", 32, 32, 3])
    graph = helper.make_graph(nodes, "detector", [images], given)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    folder = tmp_path / "detector"
    folder.mkdir()
    onnx.save(model, str(folder / "model.onnx"))
    data = (folder / "model.onnx").read_bytes()
    file = ModelFile(
        file="model.onnx",
        format="onnx",
        precision="float32",
        bytes=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        parity=0.0,
    )
    info = msgspec.structs.replace(
        read_model_info(tiny_export), kind="detector", class_names=("blue", "red"), fit="letterbox", files=(file,)
    )
    (folder / "model.json").write_bytes(to_pretty_json(info))
    return folder


def test_a_detector_gives_boxes_in_picture_pixels(detector_folder):
    detector = load_predictor(detector_folder)
    image = np.zeros((30, 64, 3), np.uint8)
    (sure,) = detector.detect([image])
    assert sure.size_wh == (64, 30)
    assert sure.class_ids.tolist() == [1]
    np.testing.assert_allclose(sure.boxes_xyxy, [[8, 4, 40, 20]])
    (both,) = detector.detect([image], min_score=0.0)
    np.testing.assert_allclose(both.scores, [0.9, 0.4], atol=1e-6)
    np.testing.assert_allclose(both.boxes_xyxy[1], [0, 0, 64, 16])


def test_predict_with_a_detector(detector_folder, photos, tmp_path):
    run(PredictConfig(min_score=0.3), detector_folder, photos / "shelf", tmp_path / "out")
    first = lines_of(tmp_path / "out")[0]
    assert [(f["class_name"], f["sure"]) for f in first["found"]] == [("red", True), ("blue", False)]
    assert first["probabilities"] == {}
    results = json.loads((tmp_path / "out" / "coco_results.json").read_text())
    assert results[0] == {"bbox": [8.0, 4.0, 32.0, 16.0], "category_id": 2, "image_id": 1, "score": 0.9}


@pytest.fixture
def pair(tiny_export, detector_folder, tmp_path):
    """The exports of a run of two models beside each other: the classifier's, and the detector's."""
    classifier, detector = tmp_path / "shop", tmp_path / "shop-detector"
    shutil.copytree(tiny_export, classifier)
    detector_folder.rename(detector)
    info = read_model_info(detector)
    made_from = msgspec.structs.replace(info.provenance, classifier_key=info.provenance.model_key, model_key="d" * 64)
    rewrite(detector, provenance=made_from, second_look_threshold=0.7)
    return classifier, detector


def rewrite(folder, **changes):
    """Change fields of a model.json."""
    info = msgspec.structs.replace(read_model_info(folder), **changes)
    (folder / "model.json").write_bytes(to_pretty_json(info))


def test_the_classifier_beside_a_detector_looks_again(pair, photos, tmp_path, capsys):
    classifier, detector = pair
    photo = str(photos / "shelf/b.jpg")  # red
    for model in ([str(classifier), "--detector"], [str(detector)]):
        assert main(["predict", *model, photo, "--min-score", "0.3"]) == 0
        answer = json.loads(capsys.readouterr().out)
        assert answer["second_look"] is True
        (red,) = answer["found"]  # the detector's "blue" is red to the classifier
        crop = read_photo(photos / "shelf/b.jpg")[0:28, 8:40]
        probability = load_predictor(classifier).predict([crop])[0, 1]
        assert (red["class_name"], red["sure"]) == ("red", True)
        assert red["score"] == pytest.approx(np.sqrt(0.9 * probability), abs=1e-5) != pytest.approx(0.9, abs=1e-3)
    assert main(["predict", str(detector), photo, "--min-score", "0.3", "--no-second-look"]) == 0
    alone = json.loads(capsys.readouterr().out)
    assert alone["second_look"] is False
    assert [f["score"] for f in alone["found"]] == [0.9, 0.4]
    assert main(["predict", str(detector), photo, "--out", str(tmp_path / "out")]) == 0
    manifest = open_artifact(tmp_path / "out").manifest
    assert manifest.summary["second_look"] is True
    assert set(manifest.inputs) == {"model", "photos", "second_look"}


def test_only_the_classifier_that_it_was_fitted_with_looks_again(pair, tmp_path):
    classifier, detector = pair
    assert second_look_beside(detector) == classifier
    assert second_look_beside(classifier) is None
    shutil.copytree(detector, tmp_path / "elsewhere")
    assert second_look_beside(tmp_path / "elsewhere") is None
    made_from = read_model_info(classifier).provenance
    rewrite(classifier, provenance=msgspec.structs.replace(made_from, model_key="trained anew"))
    assert second_look_beside(detector) is None
    rewrite(classifier, provenance=made_from)
    rewrite(detector, second_look_threshold=None)
    assert second_look_beside(detector) is None
    with pytest.raises(ConfigError, match="no threshold for a second look"):
        load_second_look(detector, classifier)
    with pytest.raises(ConfigError, match="must be an exported detector"):
        load_second_look(classifier, classifier)


def test_a_served_detector_is_looked_at_too_until_its_classifier_goes(pair):
    classifier, detector = pair
    source, image = Source("shop-detector", detector), noisy(RED, (64, 48))[..., ::-1]
    both, alone = source.load(ServeConfig()), source.load(ServeConfig(second_look=False))
    assert (both.kind, both.threshold, alone.threshold) == ("detector", 0.7, 0.6)
    assert both.version.startswith(f"{alone.version}-")
    assert 0.7 < both.detect(image, None).scores[0] != pytest.approx(alone.detect(image, None).scores[0], abs=1e-4)
    assert both.info.second_look_threshold == 0.7
    before = source.fingerprint()
    os.utime(classifier / "manifest.json", ns=(1, 1))
    changed = source.fingerprint()
    (classifier / "model.json").write_text("half")
    broken = source.fingerprint()
    (classifier / "model.json").unlink()
    assert len({before, changed, broken, None}) == 4
    assert source.fingerprint() == broken
    assert source.load(ServeConfig()).version == alone.version


def test_coco_ids_leave_none_of_these_out():
    box = Found(class_name="b", score=0.5, sure=False, box_xyxy=(1.0, 2.0, 4.0, 8.0))
    answers = [Answer(file="x", size_wh=(9, 9), found=()), Answer(file="y", size_wh=(9, 9), found=(box,))]
    names = ("a", "b", NONE_CLASS)
    assert [c["name"] for c in coco_images(answers, names)["categories"]] == ["a", "b"]
    assert coco_results(answers, names) == [
        {"image_id": 2, "category_id": 2, "bbox": [1.0, 2.0, 3.0, 6.0], "score": 0.5}
    ]


def test_drawing_marks_the_box_and_leaves_the_picture_alone():
    image = np.full((120, 160, 3), 250, np.uint8)
    found = Found(class_name="b", score=0.97, sure=True, box_xyxy=(40.0, 30.0, 150.0, 110.0))
    answer = Answer(file="x", size_wh=(160, 120), found=(found,))
    drawn = draw_answer(image, answer, ("a", "b", NONE_CLASS))
    assert (image == 250).all()
    assert (drawn[109, 60:140] != 250).any(1).all()
    assert (drawn[70, 60:140] == 250).all()
    assert (drawn[:25] == 250).all()
    empty = draw_answer(image, Answer(file="x", size_wh=(160, 120), found=()), ("a", "b", NONE_CLASS))
    assert (empty[:20] != 250).any()
