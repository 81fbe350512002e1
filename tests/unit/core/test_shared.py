"""Arrays in files: whoever comes first works them out, the others map them, and nothing breaks where that fails."""

import os

import numpy as np
import pytest

from photosynth.core import shared
from photosynth.core.shared import SharedArrays


def numbers():
    return {
        "places": np.arange(15, dtype=np.float32).reshape(5, 3),
        "none": np.zeros((0, 3), np.int32),
        "one": np.asarray(2.5),
        "texels": np.arange(70, dtype=np.uint32),
    }


def refused():
    raise AssertionError("made again")


def assert_equal(found, expected):
    assert set(found) == set(expected)
    for name, array in expected.items():
        assert found[name].dtype == array.dtype
        assert found[name].shape == array.shape
        np.testing.assert_array_equal(found[name], array)


def test_the_second_who_asks_gets_what_the_first_made(tmp_path):
    assert_equal(SharedArrays(tmp_path / "shared").get("box", numbers), numbers())
    found = SharedArrays(tmp_path / "shared").get("box", refused)
    assert_equal(found, numbers())
    for array in found.values():
        assert array.flags.c_contiguous
        assert array.flags.aligned
        assert array.flags.writeable
    with pytest.raises(AssertionError, match="made again"):
        SharedArrays(tmp_path / "shared").get("ball", refused)


def test_what_one_changes_the_others_do_not_see(tmp_path):
    first = SharedArrays(tmp_path).get("box", numbers)
    first["places"][:] = -1
    assert_equal(SharedArrays(tmp_path).get("box", refused), numbers())


def test_another_version_makes_its_own(tmp_path):
    SharedArrays(tmp_path, "1").get("box", numbers)
    with pytest.raises(AssertionError, match="made again"):
        SharedArrays(tmp_path, "2").get("box", refused)


@pytest.mark.parametrize("keep", [0, 5, 100, -1])
def test_a_file_that_is_not_whole_is_made_again(tmp_path, keep):
    SharedArrays(tmp_path).get("box", numbers)
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:keep])
    assert_equal(SharedArrays(tmp_path).get("box", numbers), numbers())
    assert_equal(SharedArrays(tmp_path).get("box", refused), numbers())


def test_without_leave_to_write_everyone_makes_their_own(tmp_path):
    (tmp_path / "file").write_text("in the way")
    for _ in range(2):
        assert_equal(SharedArrays(tmp_path / "file" / "shared").get("box", numbers), numbers())


def test_a_folder_that_is_full_takes_no_more(tmp_path, monkeypatch):
    SharedArrays(tmp_path).get("box", numbers)
    monkeypatch.setattr(shared, "MAX_BYTES", sum(p.stat().st_size for p in tmp_path.iterdir()) + 10)
    assert_equal(SharedArrays(tmp_path).get("ball", numbers), numbers())
    assert len(os.listdir(tmp_path)) == 1


def test_a_disk_that_is_nearly_full_is_left_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(shared, "LEFT_BYTES", 1 << 62)
    assert_equal(SharedArrays(tmp_path).get("box", numbers), numbers())
    assert os.listdir(tmp_path) == []


def test_removed_files_stay_with_those_who_have_them(tmp_path):
    held = SharedArrays(tmp_path / "shared")
    found = held.get("box", numbers)
    held.remove()
    assert not (tmp_path / "shared").exists()
    assert_equal(found, numbers())
    held.remove()
