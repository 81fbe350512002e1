"""Export: parity with PyTorch, the record, golden pictures, and 8 bits only when they are good enough."""

import hashlib
import importlib.util
import shutil

import msgspec
import numpy as np
import onnx
import pytest

from photosynth.core.artifact import open_artifact, verify_artifact
from photosynth.core.asset import NONE_CLASS
from photosynth.core.errors import ArtifactError, ConfigError, DependencyError, QualityError
from photosynth.core.progress import Silent
from photosynth.core.record import from_json, to_pretty_json
from photosynth.models import export as module
from photosynth.models.classifier import load_classifier
from photosynth.models.export import ExportConfig, checked_parity, run
from photosynth.models.exported import ModelInfo, find_model, read_model_info
from photosynth.models.golden import golden_squares, made_pictures, read_golden
from photosynth.models.predictor import load_predictor, open_session
from photosynth.models.quantise import judge, quantise
from photosynth.models.trained import find_parts, share_right

PLAIN = ExportConfig(int8=False, golden_pictures=0)


def test_onnx_answers_as_pytorch_does_for_any_size_and_number(tiny_run, tiny_export):
    rng = np.random.default_rng(1)
    images = [rng.integers(0, 256, (h, w, 3), dtype=np.uint8) for h, w in ((32, 32), (77, 50), (9, 200), (300, 41))]
    expected = load_classifier(tiny_run / "train").predict(images)
    for batch in (1, 3):
        predictor = load_predictor(tiny_export, batch=batch)
        assert predictor.class_names == ("blue", "red", NONE_CLASS)
        np.testing.assert_allclose(predictor.predict(images), expected, atol=1e-4)
    assert predictor.predict([]).shape == (0, 3)
    assert np.ptp(expected[:, 0]) > 0.01


def test_model_json(tiny_run, tiny_export):
    info = read_model_info(tiny_export)
    assert from_json(to_pretty_json(info), ModelInfo) == info
    assert (info.kind, info.fit, info.input_px, info.temperature) == ("classifier", "squash", 32, 1.7)
    assert info.answer_threshold == 0.6
    assert info.licence == "CC0-1.0"
    assert info.provenance.model_key == open_artifact(tiny_run / "train").key
    assert info.provenance.dataset_key == open_artifact(tiny_run / "dataset").key
    assert info.provenance.pictures == {"train": 24, "val": 18, "test": 3}
    assert info.provenance.seed == 5
    assert [file.file for file in info.files] == ["model.onnx", "model.int8.onnx"]
    for file in info.files:
        data = (tiny_export / file.file).read_bytes()
        assert (len(data), hashlib.sha256(data).hexdigest()) == (file.bytes, file.sha256)
    assert info.file("float32").parity <= 1e-4
    assert info.file("int8").bytes < 0.35 * info.file("float32").bytes
    assert verify_artifact(tiny_export) == []


def test_the_graph_takes_bytes_and_has_standard_operators_only(tiny_export):
    graph = onnx.load(str(tiny_export / "model.onnx")).graph
    (given,) = graph.input
    assert given.type.tensor_type.elem_type == onnx.TensorProto.UINT8
    assert [d.dim_value for d in given.type.tensor_type.shape.dim] == [0, 32, 32, 3]
    assert {node.domain for node in graph.node} <= {"", "ai.onnx"}
    kinds = [node.op_type for node in graph.node]
    assert "BatchNormalization" not in kinds
    assert not {"Shape", "Pad"} & set(kinds)
    pads = [tuple(a.ints) for n in graph.node if n.op_type == "Conv" for a in n.attribute if a.name == "pads"]
    assert (0, 0, 1, 1) in pads


def test_golden_pictures_are_answered_by_the_exported_model(tiny_export):
    info, golden = read_model_info(tiny_export), read_golden(tiny_export)
    assert len(golden.cases) == 5
    squares = golden_squares(tiny_export, golden, info.input_px, info.fit)
    found = load_predictor(tiny_export).predict_squares(squares)
    expected = [case.outputs["probabilities"] for case in golden.cases]
    np.testing.assert_allclose(found, expected, atol=golden.tolerance)


def test_made_pictures_are_always_the_same():
    digest = hashlib.sha256(b"".join(image.tobytes() for image in made_pictures())).hexdigest()
    assert digest == hashlib.sha256(b"".join(image.tobytes() for image in made_pictures())).hexdigest()
    shapes = [image.shape for image in made_pictures()]
    assert shapes == [(61, 97, 3), (224, 300, 3)]


def test_a_resize_that_differs_is_found_out(tiny_export, tmp_path):
    folder = tmp_path / "model"
    shutil.copytree(tiny_export, folder)
    shutil.copyfile(folder / "golden/01.png", folder / "golden/00.png")
    with pytest.raises(ArtifactError, match=r"00\.png resized here differs"):
        golden_squares(folder, read_golden(folder), 32, "squash")


def test_a_model_that_differs_from_pytorch_is_refused(tiny_export):
    golden = read_golden(tiny_export)
    squares = golden_squares(tiny_export, golden, 32, "squash")
    predictor = load_predictor(tiny_export)

    def runtime(shift):
        return lambda s: {"probabilities": predictor.predict_squares(s) + shift}

    assert checked_parity(golden.cases, squares, runtime(0.0), "ONNX") < 1e-4
    with pytest.raises(QualityError, match=r"ONNX model differs from PyTorch by up to 0\.0002"):
        checked_parity(golden.cases, squares, runtime(2e-4), "ONNX")
    with pytest.raises(QualityError, match="differs"):
        checked_parity(golden.cases, squares, runtime(np.nan), "ONNX")


def test_eight_bits_pass_with_pictures_of_the_run_and_fail_with_a_broken_calibration(tiny_run, tiny_export, tmp_path):
    parts = find_parts(tiny_run)
    trained = module.load_trained(parts.model.folder)
    squares, items = module._squares(trained, parts.dataset, "val", 18)
    plain, good, broken = tiny_export / "model.onnx", tiny_export / "model.int8.onnx", tmp_path / "broken.onnx"

    def score(path):
        return share_right(open_session(path), squares, items)

    assert score(plain) == 1.0
    assert judge(plain, good, score, 0.01).accepted
    quantise(plain, broken, np.full((2, 32, 32, 3), 127, np.uint8))
    verdict = judge(plain, broken, score, 0.01)
    assert not verdict.accepted
    assert verdict.drop_points > 1


def test_products_of_eight_bits_do_not_overflow_without_vnni(tiny_export):
    graph = onnx.load(str(tiny_export / "model.int8.onnx")).graph
    weights = [onnx.numpy_helper.to_array(t) for t in graph.initializer if t.data_type == onnx.TensorProto.INT8]
    layers = [w for w in weights if w.ndim >= 2]
    assert len(layers) > 10
    assert max(np.abs(w.astype(int)).max() for w in layers) == 64
    assert 2 * 255 * 64 < 2**15


def test_the_rule_is_one_point():
    scores = {"before": 0.90, "a": 0.895, "b": 0.89, "c": 0.889}
    accepted = [judge("before", name, scores.get, 0.01).accepted for name in "abc"]
    assert accepted == [True, True, False]
    assert judge("before", "c", scores.get, 0.01).drop_points == pytest.approx(1.1)


def test_an_eight_bit_version_that_fails_is_left_out_and_said(tiny_run, tmp_path, monkeypatch):
    real = module.quantise
    monkeypatch.setattr(
        module, "quantise", lambda model, out, squares, **how: real(model, out, np.full_like(squares, 127), **how)
    )
    progress = Silent()
    artifact = run(ExportConfig(calibration_pictures=2, golden_pictures=0), tiny_run, tmp_path / "x", progress=progress)
    assert [file.file for file in read_model_info(tmp_path / "x").files] == ["model.onnx"]
    assert not (tmp_path / "x" / "model.int8.onnx").exists()
    assert "was left out: it lost" in artifact.manifest.notes[0]
    assert progress.notes == list(artifact.manifest.notes)


def test_a_model_alone_is_exported_without_eight_bits(tiny_run, tmp_path):
    shutil.copytree(tiny_run / "train", tmp_path / "alone")
    artifact = run(ExportConfig(), tmp_path / "alone", tmp_path / "out")
    assert "no 8-bit version" in artifact.manifest.notes[0]
    assert len(read_golden(tmp_path / "out").cases) == 2
    again = run(ExportConfig(), tmp_path / "alone", tmp_path / "out")
    assert again.key == artifact.key
    with pytest.raises(ArtifactError, match="--overwrite"):
        run(ExportConfig(licence="MIT"), tmp_path / "alone", tmp_path / "out")


def test_a_dataset_of_another_run_is_not_used(tiny_run, tmp_path):
    shutil.copytree(tiny_run, tmp_path / "run")
    manifest = tmp_path / "run/dataset/manifest.json"
    key = open_artifact(tmp_path / "run/dataset").key
    manifest.write_text(manifest.read_text().replace(key, "0" * 64))
    assert find_parts(tmp_path / "run").dataset is None
    assert find_parts(tiny_run).dataset is not None


@pytest.mark.skipif(importlib.util.find_spec("coremltools") is not None, reason="coremltools is installed")
def test_core_ml_without_coremltools_names_the_extra(tiny_run, tmp_path):
    with pytest.raises(DependencyError, match=r"photosynth\[coreml\]"):
        run(ExportConfig(coreml=True, int8=False), tiny_run, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.skipif(importlib.util.find_spec("coremltools") is None, reason="the extra coreml is not installed")
def test_core_ml_package(tiny_run, tmp_path):
    import coremltools

    run(ExportConfig(coreml=True, int8=False, golden_pictures=0), tiny_run, tmp_path / "out")
    assert read_model_info(tmp_path / "out").files[1].file == "model.mlpackage"
    spec = coremltools.models.MLModel(str(tmp_path / "out/model.mlpackage"), skip_model_load=True).get_spec()
    assert [x.name for x in spec.description.input] == ["images"]
    assert list(spec.description.input[0].type.multiArrayType.shape) == [1, 32, 32, 3]
    assert [x.name for x in spec.description.output] == ["probabilities"]


def test_what_cannot_be_exported_or_loaded(tiny_run, tiny_export, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(ArtifactError, match="no trained model"):
        run(PLAIN, tmp_path / "empty", tmp_path / "out")
    with pytest.raises(ArtifactError, match="photosynth export"):
        find_model(tiny_run / "train")
    with pytest.raises(ConfigError, match="max_int8_drop"):
        ExportConfig(max_int8_drop=2)
    broken = tmp_path / "broken"
    shutil.copytree(tiny_export, broken)
    (broken / "model.onnx").write_bytes(b"half")
    with pytest.raises(ArtifactError, match=r"not the file that model\.json describes"):
        load_predictor(broken)
    info = msgspec.structs.replace(read_model_info(tiny_export), resize_version=99)
    (broken / "model.json").write_bytes(to_pretty_json(info))
    with pytest.raises(ArtifactError, match="resize rule 99"):
        load_predictor(broken)


def test_an_exported_classifier_can_be_scored_like_a_trained_one(tiny_run, tiny_export):
    from photosynth.evaluate.asked import load_asked_classifier, open_model

    assert open_model(tiny_export, "train").manifest.stage == "export"
    assert open_model(tiny_run / "train", "train").manifest.stage == "train"
    with pytest.raises(ArtifactError, match="expected 'train'"):
        open_model(tiny_run / "dataset", "train")
    image = np.full((20, 20, 3), 90, np.uint8)
    exported, trained = (
        load_asked_classifier(open_model(folder, "train"), ("blue", "red"))
        for folder in (tiny_export, tiny_run / "train")
    )
    np.testing.assert_allclose(exported.predict([image]), trained.predict([image]), atol=1e-4)
    small = load_asked_classifier(open_model(tiny_export, "train"), ("blue", "red"), "int8").predict([image])
    np.testing.assert_array_equal(small, load_predictor(tiny_export, precision="int8").predict([image]))
    assert (small != exported.predict([image])).any()
