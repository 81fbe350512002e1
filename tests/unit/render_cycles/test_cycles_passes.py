"""Depth and normals of the object that owns a pixel."""

import numpy as np

from photosynth.render.cycles.passes import CentrePass, at_majority


def test_depth_is_that_of_the_majority():
    centre = np.array([[0, 1, 1, 2, 2]], np.int32)
    depth = np.array([[np.inf, 1.0, 1.5, 3.0, 4.0]], np.float32)
    normals = np.zeros((1, 5, 3), np.float32)
    normals[0, 1:3] = (1, 0, 0)
    normals[0, 3:] = (0, 1, 0)
    numbers = np.array([[1, 1, 2, 0, 3]], np.int32)
    got_depth, got_normals = at_majority(numbers, CentrePass(centre, depth, normals), {3: 9.0})
    assert got_depth[0].tolist() == [1.0, 1.0, 3.0, np.inf, 9.0]  # nearest of 1, own, nearest of 2, nothing, origin
    assert got_normals[0, :3].tolist() == [[1, 0, 0], [1, 0, 0], [0, 1, 0]]
    assert not got_normals[0, 3:].any()
    assert depth[0, 2] == 1.5  # the pass is left as it was
