"""Exported models in miniature for the page's tests: real folders with golden pictures, made without training."""

import hashlib
import io

import cv2
import numpy as np
import onnxruntime
from msgspec.structs import replace
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from photosynth.core.asset import NONE_CLASS, Asset, AssetPart
from photosynth.core.record import to_pretty_json
from photosynth.models.exported import ModelFile, ModelInfo, Provenance
from photosynth.models.golden import TOLERANCE, Golden, made_pictures, make_case
from photosynth.models.resize import fit_square

PX = 64
COLORS = {"001_red_mug": (215, 40, 40), "002_green_tin": (40, 190, 60), "003_blue_box": (40, 70, 220)}
NAMES = tuple(COLORS)
DETECTED = NAMES[::2]


def picture(color, size_wh=(320, 240), seed=0):
    """A noisy grey picture with a block of a colour in it, (H, W, 3) uint8."""
    rng = np.random.default_rng([seed, *color])
    width, height = size_wh
    image = rng.integers(90, 120, (height, width, 1)) + rng.integers(-5, 6, (height, width, 3))
    image[height // 5 : -height // 6, width // 6 : -width // 5] = color + rng.integers(-12, 13, 3)
    return image.clip(0, 255).astype(np.uint8)


def encoded(image, kind="PNG", **more):
    """A picture's bytes as a file."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, kind, **more)
    return buffer.getvalue()


def _constants(**values):
    return [numpy_helper.from_array(value, name) for name, value in values.items()]


def classifier_graph():
    """Mean colour and eight fixed 3 x 3 filters, a linear layer and a softmax; grey is "none of these"."""
    rng = np.random.default_rng(5)
    weights = np.zeros((11, 4), np.float32)
    weights[:3, :3] = 30 * (np.eye(3) - 1 / 3)
    weights[3:] = rng.normal(0, 0.5, (8, 4))
    node = helper.make_node
    nodes = [
        node("Cast", ["images"], ["floats"], to=TensorProto.FLOAT),
        node("Div", ["floats", "full"], ["shares"]),
        node("Transpose", ["shares"], ["planes"], perm=[0, 3, 1, 2]),
        node("ReduceMean", ["planes"], ["means"], axes=[2, 3], keepdims=0),
        node("Conv", ["planes", "filters"], ["edges"], strides=[2, 2], pads=[1, 1, 1, 1]),
        node("Relu", ["edges"], ["edges+"]),
        node("ReduceMean", ["edges+"], ["edge means"], axes=[2, 3], keepdims=0),
        node("Concat", ["means", "edge means"], ["features"], axis=1),
        node("Gemm", ["features", "weights", "bias"], ["logits"]),
        node("Softmax", ["logits"], ["probabilities"], axis=1),
    ]
    constants = _constants(
        full=np.array(255, np.float32),
        filters=rng.normal(0, 0.3, (8, 3, 3, 3)).astype(np.float32),
        weights=weights,
        bias=np.array([0, 0, 0, 2], np.float32),
    )
    return nodes, constants, [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["n", 4])]


def detector_graph():
    """The box about every pixel that is much redder, and about those much bluer, than the rest; two rows."""
    node, nodes = helper.make_node, []
    for k, (own, others) in enumerate(((0, (1, 2)), (2, (0, 1)))):
        for name, channel in (("own", own), ("a", others[0]), ("b", others[1])):
            nodes.append(node("Gather", ["floats", f"c{channel}"], [f"{name}{k}"], axis=3))
        nodes += [
            node("Max", [f"a{k}", f"b{k}"], [f"rest{k}"]),
            node("Sub", [f"own{k}", f"rest{k}"], [f"excess{k}"]),
            node("Greater", [f"excess{k}", "least"], [f"is{k}"]),
            node("Cast", [f"is{k}"], [f"mask{k}"], to=TensorProto.FLOAT),
        ]
        for axis, ends in ((1, ("x0", "x1")), (2, ("y0", "y1"))):
            nodes += [
                node("ReduceMax", [f"mask{k}"], [f"line{k}{axis}"], axes=[axis], keepdims=0),
                node("ArgMax", [f"line{k}{axis}"], [f"first{k}{axis}"], axis=1, keepdims=1),
                node("ArgMax", [f"line{k}{axis}"], [f"last{k}{axis}"], axis=1, keepdims=1, select_last_index=1),
                node("Cast", [f"first{k}{axis}"], [f"{ends[0]}{k}"], to=TensorProto.FLOAT),
                node("Cast", [f"last{k}{axis}"], [f"last float{k}{axis}"], to=TensorProto.FLOAT),
                node("Add", [f"last float{k}{axis}", "one"], [f"{ends[1]}{k}"]),
            ]
        nodes += [
            node("Concat", [f"x0{k}", f"y0{k}", f"x1{k}", f"y1{k}"], [f"box{k}"], axis=1),
            node("Unsqueeze", [f"box{k}", "axis1"], [f"row{k}"]),
            node("ReduceMax", [f"line{k}1"], [f"any{k}"], axes=[1], keepdims=1),
            node("Mul", [f"any{k}", f"score{k}"], [f"scored{k}"]),
        ]
    nodes = [
        node("Cast", ["images"], ["values"], to=TensorProto.FLOAT),
        node("Identity", ["values"], ["floats"]),
        *nodes,
        node("Concat", ["row0", "row1"], ["boxes"], axis=1),
        node("Concat", ["scored0", "scored1"], ["scores"], axis=1),
        node("Cast", ["scores"], ["whole"], to=TensorProto.INT64),
        node("Mul", ["whole", "nought"], ["noughts"]),
        node("Add", ["noughts", "ids"], ["class_ids"]),
    ]
    constants = _constants(
        c0=np.array(0, np.int64),
        c1=np.array(1, np.int64),
        c2=np.array(2, np.int64),
        least=np.array(60, np.float32),
        one=np.array(1, np.float32),
        axis1=np.array([1], np.int64),
        score0=np.array(0.93, np.float32),
        score1=np.array(0.88, np.float32),
        nought=np.array(0, np.int64),
        ids=np.array([[0, 1]], np.int64),
    )
    outputs = [
        helper.make_tensor_value_info("boxes", TensorProto.FLOAT, ["n", 2, 4]),
        helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["n", 2]),
        helper.make_tensor_value_info("class_ids", TensorProto.INT64, ["n", 2]),
    ]
    return nodes, constants, outputs


PROVENANCE = Provenance(
    photosynth="0",
    trained_by="0",
    model_key="",
    dataset_key="",
    seed=0,
    network="made for a test",
    epoch=1,
    training={},
    training_summary={},
    pictures={},
    scores={},
    asset_licences={},
)


def write_pair(folder):
    """A classifier, and beside it a detector whose finds it looks at; the detector's folder."""
    write_model(folder, key="colours", classifier_key="")
    finder = folder.with_name(f"{folder.name}-detector")
    return write_model(finder, "detector", second_look_threshold=0.6, key="boxes", classifier_key="colours")


def write_model(folder, kind="classifier", views=1, second_look_threshold=None, key="", classifier_key=""):
    """An exported model's folder with golden pictures."""
    nodes, constants, outputs = classifier_graph() if kind == "classifier" else detector_graph()
    images = helper.make_tensor_value_info("images", TensorProto.UINT8, ["n", PX, PX, 3])
    graph = helper.make_graph(nodes, kind, [images], outputs, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    data = model.SerializeToString()
    fit = "squash" if kind == "classifier" else "letterbox"
    names = (*NAMES, NONE_CLASS) if kind == "classifier" else DETECTED
    sha256 = hashlib.sha256(data).hexdigest()
    file = ModelFile(file="model.onnx", format="onnx", precision="float32", bytes=len(data), sha256=sha256, parity=0.0)
    info = ModelInfo(
        kind=kind,
        class_names=names,
        input_px=PX,
        fit=fit,
        views=views,
        mean=(0.0, 0.0, 0.0),
        std=(1.0, 1.0, 1.0),
        temperature=1.0,
        answer_threshold=0.7,
        second_look_threshold=second_look_threshold,
        licence="CC0-1.0",
        files=(file,),
        provenance=replace(PROVENANCE, model_key=key, classifier_key=classifier_key),
    )
    (folder / "golden").mkdir(parents=True)
    (folder / "model.onnx").write_bytes(data)
    (folder / "model.json").write_bytes(to_pretty_json(info))
    session, cases = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"]), []
    for number, image in enumerate([*made_pictures(), *(picture(color) for color in COLORS.values())]):
        name = f"golden/{number:02d}.png"
        (folder / name).write_bytes(encoded(image))
        square = fit_square(image, PX, fit)[0][None]
        found = session.run(None, {"images": square})
        answers = {output.name: value[0] for output, value in zip(session.get_outputs(), found, strict=True)}
        cases.append(make_case(image, name, PX, fit, answers))
    (folder / "golden.json").write_bytes(to_pretty_json(Golden(tolerance=TOLERANCE, cases=tuple(cases))))
    return folder


def write_catalogue(folder):
    """A catalogue's list and its turntable pictures: three views side by side."""
    assets = []
    for name, color in COLORS.items():
        part = AssetPart(name="whole", model_file=f"{name}/whole.glb")
        assets.append(Asset(asset_id=name, class_name=name, parts=(part,), size_m=(1, 1, 1), scale_known=False))
        views = np.full((60, 180, 3), 229, np.uint8)
        for k in range(3):
            cv2.circle(views, (60 * k + 30, 30), 14 + 4 * k, color, -1)
        (folder / name).mkdir(parents=True)
        (folder / name / "preview.jpg").write_bytes(encoded(views, "JPEG", quality=95))
    (folder / "assets.json").write_bytes(to_pretty_json(assets))
    return folder


def write_camera(path, image):
    """A still picture as a one-second video file that Chromium takes for a camera (YUV4MPEG2, 4:2:0)."""
    height, width = image.shape[:2]
    planes = cv2.cvtColor(image, cv2.COLOR_RGB2YUV_I420).tobytes()
    head = f"YUV4MPEG2 W{width} H{height} F10:1 Ip A1:1 C420mpeg2\n".encode()
    path.write_bytes(head + (b"FRAME\n" + planes) * 10)
    return path
