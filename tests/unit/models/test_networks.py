"""Backbones by name, heads, what is frozen, local weights, the loaded classifier."""

import urllib.error

import numpy as np
import pytest
import torch

from photosynth.core.asset import NONE_CLASS
from photosynth.core.errors import ArtifactError, ConfigError
from photosynth.core.record import to_pretty_json
from photosynth.models.backbones import backbone_names, blocks_of, make_backbone, normalisation
from photosynth.models.classifier import load_classifier
from photosynth.models.fake import FakeClassifier
from photosynth.models.info import ClassifierInfo, NetworkSpec, ValidationScores
from photosynth.models.network import freeze, make_network, training_mode

torch.set_num_threads(1)
SMALL = "mobilenet_v3_small"


@pytest.mark.parametrize(
    ("name", "px", "features"),
    [
        ("efficientnet_lite0", 32, 1280),
        ("mobilenet_v3_small", 32, 1024),
        ("resnet18", 32, 512),
        ("shufflenet_v2_x0_5", 32, 1024),
        ("inception_v3", 75, 2048),
    ],
)
def test_backbones_give_features(name, px, features):
    backbone, notes = make_backbone(name)
    with torch.inference_mode():
        assert backbone.eval()(torch.zeros(2, 3, px, px)).shape == (2, features)
    assert notes == ()
    assert name in backbone_names()


def test_inception_sees_pictures_in_minus_one_to_one_and_has_no_second_head():
    backbone, _ = make_backbone("inception_v3")
    assert normalisation("inception_v3") == ((0.5,) * 3, (0.5,) * 3)
    assert not backbone.transform_input
    assert not any(key.lower().startswith("aux") for key in backbone.state_dict())
    assert len(blocks_of(backbone)) == 16


@pytest.mark.parametrize(("name", "message"), [("resnet5", "no backbone"), ("squeezenet1_0", "dense layer")])
def test_refuses_backbones_that_cannot_serve(name, message):
    with pytest.raises(ConfigError, match=message):
        make_backbone(name)


def test_a_picture_too_small_for_the_backbone_is_refused():
    with pytest.raises(ConfigError, match="inception_v3 cannot take pictures of 32 px"):
        make_network(NetworkSpec(backbone="inception_v3"), 3, 32)


def test_imagenet_weights_that_cannot_be_had_give_random_ones_and_a_note(monkeypatch):
    def offline(*_, **__):
        raise urllib.error.URLError("no route to host")

    monkeypatch.setattr("torch.hub.load_state_dict_from_url", offline)
    monkeypatch.setattr("torchvision.models._api.load_state_dict_from_url", offline)
    backbone, notes = make_backbone(SMALL, "imagenet")
    assert len(notes) == 1
    assert "random weights" in notes[0]
    assert blocks_of(backbone)


@pytest.mark.parametrize(("unfrozen", "learning_blocks"), [(None, 18), (0, 0), (2, 2), (18, 18)])
def test_unfrozen_blocks(unfrozen, learning_blocks):
    network, _ = make_network(NetworkSpec(), 4, 32)
    count = freeze(network, unfrozen)
    blocks = blocks_of(network.backbone)
    learning = [all(p.requires_grad for p in b.parameters()) for b in blocks]
    assert learning == [False] * (18 - learning_blocks) + [True] * learning_blocks
    assert all(p.requires_grad for p in network.head.parameters())
    head = 1280 * 4 + 4
    assert count == head + sum(p.numel() for b in blocks[18 - learning_blocks :] for p in b.parameters())


def test_too_many_unfrozen_blocks_are_refused():
    network, _ = make_network(NetworkSpec(), 4, 32)
    with pytest.raises(ConfigError, match="has 18 blocks"):
        freeze(network, 19)


@pytest.mark.parametrize("freeze_norm", [True, False])
def test_frozen_statistics_do_not_move(freeze_norm):
    network, _ = make_network(NetworkSpec(backbone=SMALL), 3, 32)
    before = {k: v.clone() for k, v in network.state_dict().items() if "running" in k}
    training_mode(network, freeze_norm)
    network(torch.randn(4, 3, 32, 32))
    after = network.state_dict()
    assert all(torch.equal(before[k], after[k]) for k in before) == freeze_norm


def test_frozen_blocks_keep_their_statistics_even_when_others_move():
    network, _ = make_network(NetworkSpec(), 3, 32)
    freeze(network, 1)
    training_mode(network, freeze_norm=False)
    modes = [b.training for b in blocks_of(network.backbone)]
    assert modes == [False] * 17 + [True]


def test_head_of_the_2018_pipeline():
    network, _ = make_network(NetworkSpec(backbone=SMALL, hidden=64, dropout=0.4), 5, 32)
    shapes = [tuple(p.shape) for p in network.head.parameters()]
    assert shapes == [(64, 1024), (64,), (5, 64), (5,)]
    assert [m.p for m in network.head if isinstance(m, torch.nn.Dropout)] == [0.4, 0.4]


def test_local_weights_round_trip(tmp_path):
    import torchvision

    published = torchvision.models.resnet18()
    torch.save(published.state_dict(), tmp_path / "published.pt")
    backbone, _ = make_backbone("resnet18", str(tmp_path / "published.pt"))
    assert torch.equal(backbone.layer1[0].conv1.weight, published.layer1[0].conv1.weight)
    network, _ = make_network(NetworkSpec(), 3, 32)
    torch.save(network.state_dict(), tmp_path / "own.pt")
    again, _ = make_backbone("efficientnet_lite0", str(tmp_path / "own.pt"))
    assert torch.equal(again.blocks[3].expand.conv.weight, network.backbone.blocks[3].expand.conv.weight)


def test_local_weights_that_do_not_fit(tmp_path):
    with pytest.raises(ConfigError, match="does not exist"):
        make_backbone(SMALL, str(tmp_path / "absent.pt"))
    (tmp_path / "text.pt").write_text("no weights")
    with pytest.raises(ConfigError, match="not a torch state dict"):
        make_backbone(SMALL, str(tmp_path / "text.pt"))
    other, _ = make_network(NetworkSpec(backbone=SMALL), 3, 32)
    torch.save(other.state_dict(), tmp_path / "other.pt")
    with pytest.raises(ConfigError, match="do not fit"):
        make_backbone("resnet18", str(tmp_path / "other.pt"))
    state = other.state_dict()
    state["backbone.features.0.0.weight"] = torch.zeros(16, 3, 5, 5)
    torch.save(state, tmp_path / "shape.pt")
    with pytest.raises(ConfigError, match=r"\(16, 3, 5, 5\)"):
        make_backbone(SMALL, str(tmp_path / "shape.pt"))


@pytest.fixture
def folder(tmp_path):
    torch.manual_seed(0)
    spec = NetworkSpec(backbone=SMALL)
    network, _ = make_network(spec, 3, 32)
    torch.save(network.state_dict(), tmp_path / "weights.pt")
    info = ClassifierInfo(
        class_names=("a", "b", NONE_CLASS),
        network=spec,
        input_px=32,
        mean=(0.5, 0.5, 0.5),
        std=(0.5, 0.5, 0.5),
        temperature=0.05,
        answer_threshold=0.5,
        epoch=1,
        validation=ValidationScores(accuracy=1.0, nll=0.1, nll_uncalibrated=0.2, n=4),
    )
    (tmp_path / "classifier.json").write_bytes(to_pretty_json(info))
    return tmp_path


def test_loaded_classifier_predicts_any_size(folder):
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 256, (h, w, 3), dtype=np.uint8) for h, w in ((32, 32), (100, 60), (9, 200))] * 12
    classifier = load_classifier(folder)
    result = classifier.predict(images)
    assert classifier.class_names == ("a", "b", NONE_CLASS)
    assert result.shape == (36, 3)
    assert result.dtype == np.float64
    np.testing.assert_allclose(result.sum(1), 1.0, atol=1e-12)
    np.testing.assert_array_equal(result, classifier.predict(images))
    np.testing.assert_allclose(result[33:], classifier.predict(images[:3]), atol=1e-4)
    assert classifier.predict([]).shape == (0, 3)


def test_five_views_are_averaged(folder):
    image = np.random.default_rng(1).integers(0, 256, (40, 40, 3), dtype=np.uint8)
    one, five = load_classifier(folder), load_classifier(folder, views=5)
    crops = [image, image[:28, :28], image[:28, 12:], image[12:, :28], image[12:, 12:]]
    np.testing.assert_allclose(five.predict([image])[0], one.predict(crops).mean(0), atol=1e-6)
    with pytest.raises(ConfigError, match="expected 1 or 5"):
        load_classifier(folder, views=3)


def test_damaged_folders_are_refused(folder):
    (folder / "weights.pt").write_bytes(b"half")
    with pytest.raises(ArtifactError, match=r"weights\.pt cannot be used"):
        load_classifier(folder)
    (folder / "classifier.json").unlink()
    with pytest.raises(ArtifactError, match="does not exist"):
        load_classifier(folder)


def test_fake_classifier_names_by_colour():
    fake = FakeClassifier({"red": (220.0, 30.0, 30.0), "green": (30.0, 220.0, 30.0)})
    pictures = [np.full((4, 5, 3), c, np.uint8) for c in ((200, 40, 40), (30, 230, 20), (128, 128, 255))]
    result = fake.predict(pictures)
    assert [fake.class_names[k] for k in result.argmax(1)] == ["red", "green", NONE_CLASS]
    np.testing.assert_allclose(result.sum(1), 1.0)
    assert fake.predict([]).shape == (0, 3)
