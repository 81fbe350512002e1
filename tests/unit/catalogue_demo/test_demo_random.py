import numpy as np
import pytest

from photosynth.catalogue.demo.packages import random_label, random_package
from photosynth.catalogue.demo.words import UNWANTED, invented_word
from photosynth.core.rng import rng_for


@pytest.mark.parametrize("seed", range(24))
def test_random_packages_are_valid(check_mesh, seed):
    mesh = random_package(rng_for(seed, 0, "distractor"), 256)
    check_mesh(mesh)
    longest = np.ptp(mesh.vertices_m, axis=0).max()
    assert 0.04 < longest < 0.45
    assert mesh.texture.shape == (256, 256, 3)


def test_same_seed_same_package_other_seed_other_package():
    one, again, other = (random_package(rng_for(s, 3, "distractor"), 128) for s in (0, 0, 1))
    assert np.array_equal(one.texture, again.texture)
    assert np.array_equal(one.vertices_m, again.vertices_m)
    assert not np.array_equal(one.texture, other.texture)


def test_packages_come_in_many_shapes_and_colours():
    meshes = [random_package(rng_for(0, k, "distractor"), 96) for k in range(24)]
    assert len({len(m.faces) for m in meshes}) >= 6
    hues = np.array([m.texture.reshape(-1, 3).mean(axis=0) for m in meshes])
    assert (hues.std(axis=0) > 20).all()


@pytest.mark.parametrize(("width", "height"), [(300, 400), (400, 130), (97, 251), (1024, 512)])
def test_label_has_the_size_asked_for(width, height):
    label = random_label(np.random.default_rng(1), width, height)
    assert label.shape == (height, width, 3)
    assert label.dtype == np.uint8
    assert label.flags["C_CONTIGUOUS"]


def test_labels_differ_and_carry_print():
    labels = [random_label(np.random.default_rng(k), 160, 200) for k in range(12)]
    for k, a in enumerate(labels):
        edges = np.abs(np.diff(a.astype(int), axis=1)).max(axis=-1) > 40
        assert edges.mean() > 0.01
        for b in labels[:k]:
            assert np.abs(a.astype(int) - b.astype(int)).mean() > 8
    assert np.array_equal(labels[3], random_label(np.random.default_rng(3), 160, 200))


def test_invented_words_are_many_short_and_clean():
    rng = np.random.default_rng(0)
    words = {invented_word(rng) for _ in range(2000)}
    assert len(words) > 1900
    assert all(3 < len(word) <= 11 and word.isalpha() for word in words)
    assert not [word for word in words if any(fragment in word.lower() for fragment in UNWANTED)]
