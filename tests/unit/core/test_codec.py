"""Masks and record lists to files and back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from photosynth.core import codec
from photosynth.core.errors import ArtifactError
from photosynth.core.record import Record


class Line(Record, frozen=True, kw_only=True):
    """A line."""

    k: int


@given(arrays(bool, st.tuples(st.integers(1, 12), st.integers(1, 12))))
def test_masks_round_trip(mask):
    rle = codec.rle_from_mask(mask)
    assert rle.size == mask.shape
    np.testing.assert_array_equal(codec.mask_from_rle(rle), mask)


@pytest.mark.parametrize("n", [0, 1, 5])
def test_jsonl_round_trips(tmp_path, n):
    lines = [Line(k=k) for k in range(n)]
    codec.write_jsonl(tmp_path / "x.jsonl", lines)
    assert list(codec.read_jsonl(tmp_path / "x.jsonl", Line)) == lines


def test_broken_line_is_named(tmp_path):
    (tmp_path / "x.jsonl").write_text('{"k":1}\n{"k":\n')
    with pytest.raises(ArtifactError, match=r"x\.jsonl:2"):
        list(codec.read_jsonl(tmp_path / "x.jsonl", Line))


def test_full_disk_is_an_artifact_error_and_leaves_no_half_file(tmp_path, monkeypatch):
    (tmp_path / "x").write_bytes(b"old")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(codec.os, "replace", full)
    with pytest.raises(ArtifactError, match="No space left"):
        codec.write_atomic(tmp_path / "x", b"new")
    assert [p.name for p in tmp_path.iterdir()] == ["x"]
    assert (tmp_path / "x").read_bytes() == b"old"
