"""Models and servers for the tests of photosynth.serve."""

import contextlib
import hashlib
import io
import threading
import time
from dataclasses import dataclass

import httpx
import numpy as np
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from photosynth.core.asset import NONE_CLASS
from photosynth.core.instances import Instances
from photosynth.core.record import to_pretty_json
from photosynth.models.exported import ModelFile, ModelInfo, Provenance
from photosynth.serve.config import ServeConfig
from photosynth.serve.model import serve_predictor
from photosynth.serve.registry import Registry
from photosynth.serve.server import make_server

INPUT_PX = 8


def picture(color=(250, 10, 10), size_wh=(40, 30), kind="JPEG", **more):
    """A picture of one colour as bytes."""
    buffer = io.BytesIO()
    Image.new("RGB", size_wh, color).save(buffer, kind, **more)
    return buffer.getvalue()


def write_model(folder, class_names=("red", "green", "blue"), gain=10.0):
    """An exported classifier that knows three classes by the mean of R, G, B; dim is "none of these"."""
    weights = np.zeros((3, len(class_names) + 1), np.float32)
    weights[:, :3] = gain * np.eye(3)
    bias = np.zeros(len(class_names) + 1, np.float32)
    bias[-1] = 0.4 * gain
    nodes = [
        helper.make_node("Cast", ["images"], ["values"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["values"], ["means"], axes=[1, 2], keepdims=0),
        helper.make_node("Div", ["means", "full"], ["shares"]),
        helper.make_node("Gemm", ["shares", "weights", "bias"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["probabilities"], axis=1),
    ]
    constants = {"full": np.array(255.0, np.float32), "weights": weights, "bias": bias}
    graph = helper.make_graph(
        nodes,
        "colours",
        [helper.make_tensor_value_info("images", TensorProto.UINT8, ["n", INPUT_PX, INPUT_PX, 3])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["n", len(bias)])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    data = model.SerializeToString()
    file = ModelFile(
        file="model.onnx",
        format="onnx",
        precision="float32",
        bytes=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        parity=0.0,
    )
    provenance = Provenance(
        photosynth="0",
        trained_by="0",
        model_key="k",
        dataset_key="d",
        seed=0,
        network="none",
        epoch=1,
        training={},
        training_summary={},
        pictures={},
        scores={},
        asset_licences={},
    )
    info = ModelInfo(
        kind="classifier",
        class_names=(*class_names, NONE_CLASS),
        input_px=INPUT_PX,
        mean=(0.0, 0.0, 0.0),
        std=(1.0, 1.0, 1.0),
        temperature=1.0,
        answer_threshold=0.6,
        licence="CC0-1.0",
        files=(file,),
        provenance=provenance,
    )
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.onnx").write_bytes(data)
    (folder / "model.json").write_bytes(to_pretty_json(info))
    return folder


class Colours:
    """A classifier in plain Python; `gate` holds it up, `calls` counts, `fails` makes it break."""

    class_names = ("red", "green", "blue", NONE_CLASS)
    answer_threshold = 0.6

    def __init__(self, delay_s=0.0, gate=None):
        self.delay_s, self.gate, self.calls, self.seen = delay_s, gate, 0, []

    def predict(self, images):
        self.calls += 1
        self.seen += [image.shape for image in images]
        if self.gate is not None:
            assert self.gate.wait(20)
        time.sleep(self.delay_s)
        means = np.array([[*image.reshape(-1, 3).mean(0) / 255, 0.4] for image in images])
        odds = np.exp(10 * means)
        return odds / odds.sum(1, keepdims=True)


class Halves:
    """A detector that finds the left half to be class 0, with a mask, and the whole to be class 1."""

    class_names = ("left", "whole")
    answer_threshold = 0.5

    def detect(self, images, min_score=None):
        found = []
        for image in images:
            height, width = image.shape[:2]
            masks = np.zeros((2, height, width), bool)
            masks[0, :, : width // 2] = masks[1] = True
            boxes = np.array([[0, 0, width / 2, height], [0, 0, width, height]], np.float64)
            scores = np.array([0.55, 0.95])
            keep = scores >= (self.answer_threshold if min_score is None else min_score)
            found.append(Instances((width, height), boxes[keep], np.arange(2)[keep], scores[keep], masks[keep]))
        return found


class FakeSource:
    """A registry source in plain Python: set `predictor` and `mark` to make a new model appear."""

    def __init__(self, name, predictor, version="v1"):
        self.name, self.predictor, self.mark, self.version = name, predictor, 1, version

    def fingerprint(self):
        return None if self.mark is None else (self.mark,)

    def load(self, config):
        if isinstance(self.predictor, Exception):
            raise self.predictor
        return serve_predictor(self.name, self.predictor, version=self.version)


@dataclass
class Running:
    """A server on loopback."""

    url: str
    port: int
    registry: Registry
    client: httpx.Client
    server: object
    thread: threading.Thread


@contextlib.contextmanager
def running(*sources, **settings):
    """Serve sources (default: Colours as "colours", Halves as "halves") in a thread, on a free port."""
    sources = sources or (FakeSource("colours", Colours()), FakeSource("halves", Halves()))
    config = ServeConfig(**{"port": 0, "watch_s": 0, **settings})
    registry = Registry(sources, config)
    server, listener = make_server(config, registry)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    until(lambda: server.started or not thread.is_alive())
    port = listener.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    with httpx.Client(base_url=url, timeout=20) as client:
        yield Running(url, port, registry, client, server, thread)
    server.should_exit = True
    thread.join(20)
    assert not thread.is_alive()


def until(condition, seconds=20.0):
    """Wait for something to become true."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.005)
