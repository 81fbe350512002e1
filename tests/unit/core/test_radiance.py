"""Radiance files: what is wrong with one is found without using it."""

import cv2
import numpy as np

from photosynth.core.radiance import radiance_fault


def test_a_mended_map_is_read_again(tmp_path) -> None:
    (tmp_path / "a.hdr").write_bytes(b"#?RADIANCE\n")
    assert "cannot be read" in radiance_fault(tmp_path / "a.hdr")
    cv2.imwrite(str(tmp_path / "a.hdr"), np.ones((8, 16, 3), np.float32))
    assert radiance_fault(tmp_path / "a.hdr") is None
    assert "No such file" in radiance_fault(tmp_path / "nowhere.hdr")
