"""Real scans that are not part of this repository, for tests that skip without them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from photosynth.core.mesh import Mesh

SCANS = Path(__file__).parents[2].parent / "shared" / "data" / "scans" / "ycb"
needs_scans = pytest.mark.skipif(not SCANS.is_dir(), reason=f"needs the shared scans {SCANS}")


def real_scan(name: str) -> Mesh:
    """A scan by its folder's name, its box about the origin."""
    import trimesh

    loaded = trimesh.load(SCANS / name / "textured.obj", force="mesh", process=False)
    return Mesh(
        vertices_m=(loaded.vertices - loaded.bounds.mean(axis=0)).astype(np.float32),
        normals=np.array(loaded.vertex_normals, np.float32),
        uv=np.array(loaded.visual.uv, np.float32),
        faces=np.array(loaded.faces, np.int32),
        texture=np.asarray(loaded.visual.material.image.convert("RGB")),
    )
