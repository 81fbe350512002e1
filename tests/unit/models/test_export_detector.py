"""Export of a detector: parity with PyTorch, its record, 8 bits, and its answers on photos."""

import importlib.util
import shutil

import cv2
import msgspec
import numpy as np
import onnx
import pytest
import torch
from detect_composites import CLASSES, composite

from photosynth.core.artifact import ArtifactWriter, open_artifact, verify_artifact
from photosynth.core.asset import Asset, AssetPart
from photosynth.core.codec import read_jsonl, write_jsonl
from photosynth.core.errors import ArtifactError, ConfigError, QualityError
from photosynth.core.frame import Rle
from photosynth.core.items import DatasetInfo, Item, ItemInstance
from photosynth.core.record import Record, to_pretty_json
from photosynth.models.answers import Answer
from photosynth.models.backbones import normalisation
from photosynth.models.detect_info import DetectionScores, DetectorInfo, DetectorSpec
from photosynth.models.detector import NetworkDetector, load_detector, make_detector
from photosynth.models.export import ExportConfig, checked_parity, run
from photosynth.models.exported import DETECTOR_OUTPUTS, read_model_info
from photosynth.models.golden import golden_squares, largest_difference, made_pictures, make_case, read_golden
from photosynth.models.graphs import detector_graph, onnx_bytes
from photosynth.models.info import LITE0
from photosynth.models.predict import PredictConfig
from photosynth.models.predict import run as predict
from photosynth.models.predictor import OnnxDetector, load_predictor, open_session
from photosynth.models.resize import fit_square
from photosynth.models.trained import find_parts, load_trained, map50_of

PX = 64
SPEC = DetectorSpec(channels=16, convs=1)
MEAN, STD = normalisation(LITE0)
INFO = DetectorInfo(
    class_names=CLASSES,
    network=SPEC,
    input_px=PX,
    mean=MEAN,
    std=STD,
    answer_threshold=0.4,
    candidates=120,
    max_detections=50,
    epoch=3,
    validation=DetectionScores(map50_95=0.0, map50=0.0, f1=0.0, f1_threshold=0.4, n=4, n_objects=8),
)
WHOLE = Rle(size=(1, 1), counts="01")


class Settings(Record, frozen=True, kw_only=True):
    """Of the made-up stages."""


def write_detector(folder, info=INFO, dataset_key="0" * 64, inputs=None):
    """A detector whose classes and boxes are chance, but sure enough for many a find."""
    torch.manual_seed(1)
    network, _ = make_detector(info.network, len(info.class_names), "pretrained")
    torch.nn.init.normal_(network.head.class_logits.weight, std=0.05)
    torch.nn.init.normal_(network.head.box_values.weight, std=0.05)
    with ArtifactWriter(folder, "train_detector", 1, Settings(), 5, inputs or {"dataset": dataset_key}) as writer:
        torch.save(network.state_dict(), writer.path("detector.pt"))
        writer.write("detector.json", to_pretty_json(info))
        return writer.finish({"val_map50": 0.5})


def pictures():
    """Composites of another shape than the input's, with boxes and class ids."""
    rng = np.random.default_rng(4)
    for k in range(8):
        image, boxes, class_ids = composite(rng, 96)
        yield (image[:72], boxes, class_ids) if k % 2 else (image, boxes, class_ids)


def write_dataset(folder):
    with ArtifactWriter(folder, "dataset", 1, Settings(), 0, {}) as writer:
        items = []
        for k, (image, boxes, class_ids) in enumerate(pictures()):
            writer.write(f"images/{k}.png", cv2.imencode(".png", image[..., ::-1])[1].tobytes())
            things = tuple(
                ItemInstance(
                    class_id=int(c),
                    visible_xyxy=tuple(box.tolist()),
                    amodal_xyxy=tuple(box.tolist()),
                    visible=WHOLE,
                    amodal=WHOLE,
                    visible_fraction=1.0,
                    truncation=0.0,
                )
                for box, c in zip(boxes, class_ids, strict=True)
            )
            size_wh = (image.shape[1], image.shape[0])
            items.append(
                Item(index=k, image_file=f"images/{k}.png", size_wh=size_wh, kind="object", label=0, instances=things)
            )
        for split in ("train", "val", "test"):
            write_jsonl(writer.path(f"items-{split}.jsonl"), items)
        counts = {"train": 8, "val": 8, "test": 8}
        writer.write("dataset.json", to_pretty_json(DatasetInfo(class_names=CLASSES, counts=counts)))
        return writer.finish()


@pytest.fixture(scope="module")
def detector_run(tmp_path_factory):
    """A folder with a finished dataset, a finished detector, and the export of both."""
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("detector-run")
    write_detector(folder / "train_detector", dataset_key=write_dataset(folder / "dataset").key)
    config = ExportConfig(max_int8_drop=1.0, calibration_pictures=8, golden_pictures=2, licence="CC0-1.0")
    run(config, folder, folder / "export")
    return folder


def in_order(found):
    """Class and box of each, in an order that does not hang on whose score is larger by a rounding."""
    rows = np.column_stack([found.class_ids, found.boxes_xyxy])
    return rows[np.lexsort(np.round(rows.T[::-1], 0))]


def test_onnx_finds_what_pytorch_finds(detector_run):
    images = [image for image, _, _ in pictures()] + [np.full((30, 200, 3), 90, np.uint8)]
    expected = load_detector(detector_run / "train_detector").detect(images, 0.05)
    predictor = load_predictor(detector_run)
    assert isinstance(predictor, OnnxDetector)
    assert (predictor.class_names, predictor.answer_threshold) == (CLASSES, 0.4)
    for one, other in zip(predictor.detect(images, 0.05), expected, strict=True):
        assert one.size_wh == other.size_wh
        np.testing.assert_allclose(one.scores, other.scores, atol=1e-4)
        np.testing.assert_allclose(in_order(one), in_order(other), atol=0.05)
    assert sum(map(len, expected)) > 20


def test_model_json_and_golden_answers(detector_run):
    info, golden = read_model_info(detector_run / "export"), read_golden(detector_run / "export")
    assert (info.kind, info.fit, info.input_px, info.temperature, info.views) == ("detector", "letterbox", PX, 1.0, 1)
    assert (info.class_names, info.answer_threshold, info.mean, info.std) == (CLASSES, 0.4, MEAN, STD)
    assert info.provenance.model_key == open_artifact(detector_run / "train_detector").key
    assert info.provenance.network == "retinanet on efficientnet_lite0"
    assert [file.file for file in info.files] == ["model.onnx", "model.int8.onnx"]
    assert info.file("float32").parity <= 1e-4
    assert info.file("int8").bytes < 0.4 * info.file("float32").bytes
    assert verify_artifact(detector_run / "export") == []
    assert len(golden.cases) == 4
    assert all(max(case.outputs["scores"]) > 0.05 for case in golden.cases)
    squares = golden_squares(detector_run / "export", golden, PX, "letterbox")
    session = load_predictor(detector_run).session
    for case, square in zip(golden.cases, squares, strict=True):
        found = dict(zip(DETECTOR_OUTPUTS, session.run(DETECTOR_OUTPUTS, {"images": square[None]}), strict=True))
        np.testing.assert_allclose(found["scores"][0], case.outputs["scores"], atol=1e-4)
        empty = found["scores"][0] == 0
        assert not found["boxes"][0][empty].any()
        assert not found["class_ids"][0][empty].any()


def test_a_detector_s_last_layers_and_suppression_stay_in_float32(detector_run):
    graph = onnx.load(str(detector_run / "export/model.int8.onnx")).graph
    assert {node.domain for node in graph.node} <= {"", "ai.onnx"}
    makers = {name: node.op_type for node in graph.node for name in node.output}
    products = [node for node in graph.node if node.op_type == "MatMul"]
    assert len(products) >= 15
    assert "DequantizeLinear" not in {makers.get(name) for node in products for name in node.input}
    plain = {i for n in graph.node if n.op_type == "Conv" and makers.get(n.input[1]) is None for i in n.input[1:2]}
    shapes = {next(iter(tensor.dims)) for tensor in graph.initializer if tensor.name in plain}
    assert shapes == {9 * 3, 9 * 4}  # anchors times classes, anchors times sides


def shown(scores, boxes, class_ids):
    """A detector's outputs for one picture, with a row of padding."""
    rows = ([*boxes, np.zeros(4)], [*scores, 0], [*class_ids, 0])
    values = [np.array([row], float) for row in rows]
    return dict(zip(DETECTOR_OUTPUTS, values, strict=True))


def test_finds_are_compared_as_sets(detector_run):
    boxes = [[0, 0, 9, 9], [5, 5, 20, 20], [1, 1, 4, 4]]
    wanted = shown([0.5, 0.5, 0.01], boxes, [0, 1, 1])
    case = msgspec.structs.replace(
        read_golden(detector_run / "export").cases[0],
        outputs={name: tuple(value.ravel()) for name, value in wanted.items()},
    )

    def apart(*found):
        answer = shown(*found)
        return largest_difference([case], np.zeros((1, 2, 2, 3), np.uint8), lambda squares: answer)

    assert apart([0.5, 0.5, 0.01], boxes, [0, 1, 1]) == 0
    assert apart([0.5, 0.5, 0.02], [boxes[1], boxes[0], [0, 0, 1, 1]], [1, 0, 0]) == 0  # order, and what is faint
    assert apart([0.5, 0.4, 0.01], boxes, [0, 1, 1]) == pytest.approx(0.1)
    assert apart([0.5, 0.5, 0.01], boxes, [0, 0, 1]) == pytest.approx(0.49)  # another class: a faint one is nearest
    assert apart([0.5, 0.5, 0.3], boxes, [0, 1, 1]) == pytest.approx(0.2)  # one too many
    assert apart([0.5, 0.5, 0.01], [boxes[0], [5, 5, 20, 21], boxes[2]], [0, 1, 1]) == pytest.approx(1e-4 / 0.05)
    assert apart([0.5, 0.0, 0.0], boxes, [0, 0, 0]) == pytest.approx(0.5)  # one is missing
    assert np.isnan(apart([0.5, np.nan, 0.0], boxes, [0, 1, 1]))


def test_a_detector_that_differs_is_refused(detector_run):
    golden = read_golden(detector_run / "export")
    squares = golden_squares(detector_run / "export", golden, PX, "letterbox")
    session = load_predictor(detector_run).session

    def runtime(squares):
        boxes, scores, class_ids = session.run(DETECTOR_OUTPUTS, {"images": squares})
        return {"boxes": boxes + np.float32(0.1), "scores": scores, "class_ids": class_ids}

    with pytest.raises(QualityError, match="differs from PyTorch"):
        checked_parity(golden.cases, squares, runtime, "ONNX")


def test_the_score_is_map50_in_the_square_s_pixels(detector_run):
    parts = find_parts(detector_run)
    assert (parts.model.manifest.stage, parts.dataset.folder.name) == ("train_detector", "dataset")
    assert load_trained(parts.model.folder).score is map50_of
    items = list(read_jsonl(parts.dataset.path("items-val.jsonl"), Item))

    class Knowing:
        """Answers with the truth, letterboxed from 96 x 96 or 96 x 72 to 64 px."""

        def __init__(self, factor):
            self.factor, self.items = factor, iter(items)

        def run(self, names, given):
            things = next(self.items).instances
            boxes = [np.array(thing.visible_xyxy) * self.factor for thing in things]
            answer = shown([0.9] * len(boxes), boxes, [thing.class_id for thing in things])
            return [answer[name] for name in names]

    squares = np.zeros((len(items), PX, PX, 3), np.uint8)
    assert map50_of(Knowing(64 / 96), squares, items) == 1.0
    assert map50_of(Knowing(1.0), squares, items) < 0.5


def test_predict_draws_what_an_exported_detector_finds(detector_run, tmp_path):
    photos = detector_run / "dataset/images"
    artifact = predict(PredictConfig(min_score=0.2), detector_run, photos, tmp_path / "out")
    found = list(read_jsonl(artifact.path("predictions.jsonl"), Answer))
    image = cv2.imread(str(photos / found[1].file))[..., ::-1]
    expected = load_detector(detector_run / "train_detector").detect([image], 0.2)[0]
    np.testing.assert_allclose([f.box_xyxy for f in found[1].found], expected.boxes_xyxy, atol=0.06)
    assert [f.class_name for f in found[1].found] == [CLASSES[c] for c in expected.class_ids]
    assert [f.sure for f in found[1].found] == (expected.scores >= 0.4).tolist()
    assert len(list(artifact.path("pictures").iterdir())) == 8


def test_evaluate_takes_an_exported_detector(detector_run):
    from photosynth.evaluate.asked import is_detector, load_asked_classifier, load_asked_detector, open_model

    artifact = open_model(detector_run / "export", "train_detector")
    assert is_detector(detector_run / "export")
    assert isinstance(load_asked_detector(artifact, CLASSES), OnnxDetector)
    with pytest.raises(ArtifactError, match="holds a detector; expected a classifier"):
        load_asked_classifier(artifact, CLASSES)


def write_catalogue(folder):
    with ArtifactWriter(folder, "catalogue", 1, Settings(), None, {}) as writer:
        part = AssetPart(name="whole", model_file="x.glb")
        one = {"parts": (part,), "size_m": (0.1, 0.1, 0.1), "scale_known": True}
        assets = [Asset(asset_id=f"{k}_thing", class_name=c, **one) for k, c in enumerate(CLASSES)]
        writer.write("assets.json", to_pretty_json(assets))
        writer.finish()


@pytest.mark.parametrize("precision", ["float32", "int8"])
def test_evaluate_asks_the_file_of_the_precision_and_says_so(detector_run, tmp_path, precision):
    from photosynth.evaluate.findings import LEAST_SCORE, Finding
    from photosynth.evaluate.stage import EvaluateConfig, run

    write_catalogue(tmp_path / "catalogue")
    dataset, export = detector_run / "dataset", detector_run / "export"
    config = EvaluateConfig(precision=precision, bootstrap_resamples=100, gallery_photos=0, contact_pictures=0)
    artifact = run(config, None, dataset, tmp_path / "catalogue", tmp_path / "out", detector=export)
    file = {"float32": "model.onnx", "int8": "model.int8.onnx"}[precision]
    assert artifact.manifest.summary["detector_file"] == f"{file}, ONNX Runtime"
    assert f"answered by {file}, ONNX Runtime" in artifact.path("report.html").read_text()
    assert not any("another dataset" in note for note in artifact.manifest.notes)
    found = list(read_jsonl(artifact.path("findings_synthetic.jsonl"), Finding))
    images = [cv2.imread(str(dataset / f.file))[..., ::-1] for f in found]
    own, other = (
        [one.scores for one in load_predictor(export, precision=each).detect(images, LEAST_SCORE)]
        for each in (precision, "int8" if precision == "float32" else "float32")
    )
    for one, scores in zip(found, own, strict=True):
        np.testing.assert_allclose(one.scores, scores, atol=1e-6)
    assert any(len(a) != len(b) or np.abs(a - b).max() > 1e-3 for a, b in zip(own, other, strict=True))


def test_a_precision_that_a_model_does_not_have_is_refused(detector_run, tmp_path):
    from photosynth.evaluate.asked import answering_file

    trained = open_artifact(detector_run / "train_detector")
    assert answering_file(trained, "float32") == "detector.pt, PyTorch"
    with pytest.raises(ConfigError, match="answers in float32; for int8 give what `photosynth export` made"):
        answering_file(trained, "int8")
    alone = run(ExportConfig(int8=False, golden_pictures=0), detector_run, tmp_path / "export")
    with pytest.raises(ConfigError, match=r"no int8 ONNX file; it has model\.onnx"):
        answering_file(alone, "int8")


def test_an_export_remembers_its_dataset(detector_run, tmp_path):
    """Also one that was made where the dataset was not at hand."""
    from photosynth.evaluate.asked import knows_dataset

    shutil.copytree(detector_run / "train_detector", tmp_path / "model")
    export = run(ExportConfig(int8=False, golden_pictures=0), tmp_path / "model", tmp_path / "out")
    dataset = open_artifact(detector_run / "dataset")
    assert dataset.key not in export.manifest.inputs.values()
    assert knows_dataset(export, dataset)
    write_catalogue(tmp_path / "other")
    assert not knows_dataset(export, open_artifact(tmp_path / "other"))
    assert knows_dataset(open_artifact(detector_run / "train_detector"), dataset)


def test_a_detector_alone_with_the_other_head(tmp_path):
    info = msgspec.structs.replace(INFO, network=DetectorSpec(head="aligned", channels=16, convs=1))
    write_detector(tmp_path / "model", info)
    artifact = run(ExportConfig(), tmp_path / "model", tmp_path / "out")
    assert artifact.manifest.summary["parity"] <= 1e-4
    assert "no 8-bit version" in artifact.manifest.notes[0]


def test_torchvision_s_retinanet_answers_in_onnx_as_in_pytorch():
    torch.manual_seed(1)
    spec = DetectorSpec(head="retinanet", backbone="resnet50")
    network, _ = make_detector(spec, len(CLASSES))
    torch.nn.init.normal_(network.head.classification_head.cls_logits.weight, std=0.05)
    graph = detector_graph(NetworkDetector(network, msgspec.structs.replace(INFO, network=spec)))
    squares, cases = [], []
    for image in made_pictures():
        squares.append(fit_square(image, PX, "letterbox")[0])
        outputs = {name: value[0] for name, value in graph.run(squares[-1][None]).items()}
        cases.append(make_case(image, "made.png", PX, "letterbox", outputs))
    session = open_session(onnx_bytes(graph))
    found = largest_difference(
        cases,
        np.stack(squares),
        lambda s: dict(zip(DETECTOR_OUTPUTS, session.run(DETECTOR_OUTPUTS, {"images": s}), strict=True)),
    )
    assert found <= 1e-4
    assert all(max(case.outputs["scores"]) > 0.05 for case in cases)


def test_a_detector_of_a_run_of_two_models_has_folders_of_its_own(tmp_path):
    """The classifier's dataset and evaluation lie beside it too."""
    info = msgspec.structs.replace(INFO, second_look_threshold=0.3)
    for name in ("dataset", "evaluate"):
        with ArtifactWriter(tmp_path / name, name, 1, Settings(), 9, {}) as writer:
            writer.finish()
    own = write_dataset(tmp_path / "dataset_detector")
    inputs = {"dataset": own.key, "classifier": "c" * 64}
    model = write_detector(tmp_path / "train_detector", info, inputs=inputs)
    with ArtifactWriter(
        tmp_path / "evaluate_detector", "evaluate", 1, Settings(), 0, {"detector": model.key}
    ) as writer:
        evaluated = writer.finish({"map50_real": 0.75})
    parts = find_parts(tmp_path / "train_detector")
    assert (parts.model.key, parts.dataset.key, parts.evaluation.key) == (model.key, own.key, evaluated.key)
    config = ExportConfig(max_int8_drop=1.0, calibration_pictures=4, golden_pictures=2)
    run(config, tmp_path / "train_detector", tmp_path / "export")
    record = read_model_info(tmp_path / "export")
    assert record.second_look_threshold == 0.3
    assert record.provenance.classifier_key == "c" * 64
    assert record.provenance.scores == {"map50_real": 0.75}
    assert record.provenance.pictures == {"train": 8, "val": 8, "test": 8}
    assert record.file("int8").score is not None
    assert len(read_golden(tmp_path / "export").cases) == 4


def test_half_a_detector_is_refused(detector_run, tmp_path):
    shutil.copytree(detector_run / "train_detector", tmp_path / "model")
    (tmp_path / "model/detector.pt").write_bytes(b"half")
    with pytest.raises(ArtifactError):
        run(ExportConfig(), tmp_path / "model", tmp_path / "out")


@pytest.mark.skipif(importlib.util.find_spec("coremltools") is None, reason="the extra coreml is not installed")
def test_core_ml_package_of_a_detector(detector_run, tmp_path):
    import coremltools

    run(ExportConfig(coreml=True, int8=False, golden_pictures=0), detector_run, tmp_path / "out")
    spec = coremltools.models.MLModel(str(tmp_path / "out/model.mlpackage"), skip_model_load=True).get_spec()
    assert [x.name for x in spec.description.output] == list(DETECTOR_OUTPUTS)
