"""A tiny run: coloured pictures, a network whose last layer was solved for, and its export."""

import cv2
import numpy as np
import pytest
import torch

from photosynth.core.artifact import ArtifactWriter
from photosynth.core.asset import NONE_CLASS
from photosynth.core.codec import write_jsonl
from photosynth.core.items import DatasetInfo, Item
from photosynth.core.record import Record, to_pretty_json
from photosynth.models.backbones import normalisation
from photosynth.models.export import ExportConfig
from photosynth.models.export import run as export
from photosynth.models.info import LITE0, ClassifierInfo, NetworkSpec, ValidationScores
from photosynth.models.network import make_network
from photosynth.models.preprocess import normalise
from photosynth.models.resize import resize_square

PX = 32
NAMES = ("blue", "red")
COLORS = ((40, 60, 200), (200, 50, 40), (110, 110, 110))


class Settings(Record, frozen=True, kw_only=True):
    """Of the made-up stages."""

    note: str = "made up"


def colored(label, rng):
    """A noisy picture of a class's colour, (20, 28, 3)."""
    noise = rng.integers(-40, 41, (20, 28, 3))
    return np.clip(np.array(COLORS[label]) + noise, 0, 255).astype(np.uint8)


def write_dataset(out, counts=(("train", 24), ("val", 18), ("test", 3))):
    rng = np.random.default_rng(7)
    with ArtifactWriter(out, "dataset", 1, Settings(), 0, {}) as writer:
        for split, n in counts:
            items = []
            for k in range(n):
                file = f"images/{split}-{k:03d}.png"
                picture = cv2.cvtColor(colored(k % 3, rng), cv2.COLOR_RGB2BGR)
                writer.write(file, cv2.imencode(".png", picture)[1].tobytes())
                items.append(Item(index=k, image_file=file, size_wh=(28, 20), kind="object", label=k % 3, instances=()))
            write_jsonl(writer.path(f"items-{split}.jsonl"), items)
        writer.write("dataset.json", to_pretty_json(DatasetInfo(class_names=NAMES, counts=dict(counts))))
        return writer.finish()


def solved_network(spec):
    """ImageNet features, and a head that tells the colours apart (ridge regression)."""
    torch.manual_seed(0)
    network = make_network(spec, 3, PX, "imagenet")[0].eval()
    rng = np.random.default_rng(3)
    squares = np.stack([resize_square(colored(k % 3, rng), PX) for k in range(60)])
    with torch.inference_mode():
        features = network.backbone(torch.from_numpy(normalise(squares, *normalisation(LITE0)))).double()
    center = features.mean(0)
    goal = 6.0 * torch.eye(3, dtype=torch.float64).repeat(20, 1)
    spread = features - center
    weight = spread.T @ torch.linalg.solve(spread @ spread.T + 1.0 * torch.eye(60, dtype=torch.float64), goal)
    head = network.head[-1]
    with torch.no_grad():
        head.weight.copy_(weight.T.float())
        head.bias.copy_(-(center @ weight).float())
    return network


def write_classifier(out, dataset_key):
    spec = NetworkSpec()
    mean, std = normalisation(LITE0)
    info = ClassifierInfo(
        class_names=(*NAMES, NONE_CLASS),
        network=spec,
        input_px=PX,
        mean=mean,
        std=std,
        temperature=1.7,
        answer_threshold=0.6,
        epoch=2,
        validation=ValidationScores(accuracy=1.0, nll=0.1, nll_uncalibrated=0.2, n=18),
    )
    with ArtifactWriter(out, "train", 1, Settings(), 5, {"dataset": dataset_key}) as writer:
        torch.save(solved_network(spec).state_dict(), writer.path("weights.pt"))
        writer.write("classifier.json", to_pretty_json(info))
        return writer.finish({"val_accuracy": 1.0})


@pytest.fixture(scope="session")
def tiny_run(tmp_path_factory):
    """A run's folder with a finished dataset and a finished classifier."""
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("tiny-run")
    dataset = write_dataset(folder / "dataset")
    write_classifier(folder / "train", dataset.key)
    return folder


@pytest.fixture(scope="session")
def tiny_export(tiny_run, tmp_path_factory):
    """The run's exported model; not to be changed."""
    out = tmp_path_factory.mktemp("tiny-export") / "model"
    config = ExportConfig(calibration_pictures=12, golden_pictures=3, licence="CC0-1.0")
    export(config, tiny_run, out)
    return out
