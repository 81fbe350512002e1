"""Small models for the catalogue's tests: a box whose six sides have six colours, in every format."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

from photosynth.catalogue.surface import Surface

SIDES = ("+x", "-x", "+y", "-y", "+z", "-z")
COLOURS = {
    "+x": (220, 30, 30),
    "-x": (30, 200, 40),
    "+y": (40, 60, 230),
    "-y": (230, 220, 40),
    "+z": (210, 50, 210),
    "-z": (40, 210, 220),
}
AXES = {"+x": (1, 0, 0), "-x": (-1, 0, 0), "+y": (0, 1, 0), "-y": (0, -1, 0), "+z": (0, 0, 1), "-z": (0, 0, -1)}


def box_picture(cell_px: int = 64) -> np.ndarray:
    """Three columns and two rows of plain cells, in the order of SIDES from the top left."""
    out = np.zeros((2 * cell_px, 3 * cell_px, 3), np.uint8)
    for k, side in enumerate(SIDES):
        row, column = divmod(k, 3)
        out[row * cell_px : (row + 1) * cell_px, column * cell_px : (column + 1) * cell_px] = COLOURS[side]
    return out


def box(size=(0.1, 0.2, 0.3), steps: int = 1, inset: float = 0.1) -> Surface:
    """A box of `steps` x `steps` quads a side, its sides apart in the texture (uv `inset` from the cells' edges)."""
    vertices, uv, faces = [], [], []
    grid = np.linspace(0.0, 1.0, steps + 1)
    a, b = (m.ravel() for m in np.meshgrid(grid, grid, indexing="ij"))
    for k, side in enumerate(SIDES):
        normal = np.array(AXES[side], float)
        right = np.roll(np.abs(normal), 1)
        up = np.cross(normal, right)
        points = normal / 2 + (a[:, None] - 0.5) * right + (b[:, None] - 0.5) * up
        row, column = divmod(k, 3)
        u = (column + inset + a * (1 - 2 * inset)) / 3
        v = 1 - (row + inset + (1 - b) * (1 - 2 * inset)) / 2
        start = len(vertices) * (steps + 1) ** 2
        for i in range(steps):
            for j in range(steps):
                p = start + i * (steps + 1) + j
                q = p + steps + 1
                faces += [(p, q, q + 1), (p, q + 1, p + 1)]
        vertices.append(points * np.array(size))
        uv.append(np.stack([u, v], axis=1))
    return Surface(np.concatenate(vertices), np.array(faces, np.int64), uv=np.concatenate(uv), texture=box_picture())


def obj_text(surface: Surface, material: str | None = None, library: str | None = None) -> str:
    lines = [f"mtllib {library}"] if library else []
    lines += [f"v {x:.6f} {y:.6f} {z:.6f}" for x, y, z in surface.vertices]
    if surface.uv is not None:
        lines += [f"vt {u:.6f} {v:.6f}" for u, v in surface.uv]
    lines += [f"usemtl {material}"] if material else []
    mark = (lambda k: f"{k}/{k}") if surface.uv is not None else str
    lines += ["f " + " ".join(mark(int(k) + 1) for k in face) for face in surface.faces]
    return "\n".join(lines) + "\n"


def jpeg(picture: np.ndarray) -> bytes:
    data = io.BytesIO()
    Image.fromarray(picture).save(data, "JPEG", quality=95, subsampling=0)
    return data.getvalue()


def write_obj(folder: Path, name: str = "box", surface: Surface | None = None) -> Path:
    """NAME.obj, NAME.mtl and NAME.jpg."""
    folder.mkdir(parents=True, exist_ok=True)
    surface = surface or box()
    (folder / f"{name}.obj").write_text(obj_text(surface, "skin", f"{name}.mtl"))
    (folder / f"{name}.mtl").write_text(f"newmtl skin\nmap_Kd {name}.jpg\n")
    (folder / f"{name}.jpg").write_bytes(jpeg(surface.texture))
    return folder / f"{name}.obj"


def y_up(surface: Surface) -> Surface:
    x, y, z = surface.vertices.T
    return Surface(np.stack([x, z, -y], axis=1), surface.faces, uv=surface.uv, texture=surface.texture)


def write_archive(path: Path, files: dict[str, bytes | str]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def half_scans(path: Path, bottom_scale: float = 3.0) -> Path:
    """A four-file .model, y-up, whose bottom is `bottom_scale` times as large."""
    top = y_up(box())
    bottom = Surface(top.vertices * bottom_scale + 5.0, top.faces, uv=top.uv, texture=top.texture)
    picture = jpeg(box_picture())
    return write_archive(
        path, {"Top.obj": obj_text(top), "Top.jpg": picture, "Bot.obj": obj_text(bottom), "Bot.jpg": picture}
    )


def colour_seen(vertices, uv, faces, texture, direction) -> np.ndarray:
    """The texture's colour where a ray from the middle of the box leaves the surface, (3,) float."""
    vertices, uv, faces = np.asarray(vertices, float), np.asarray(uv, float), np.asarray(faces)
    p, q, r = (vertices[faces[:, k]] for k in range(3))
    toward = np.broadcast_to(np.asarray(direction, float), p.shape)
    matrix = np.stack([toward, p - q, p - r], axis=2)
    solvable = np.abs(np.linalg.det(matrix)) > 1e-12
    matrix[~solvable] = np.eye(3)
    distance, b, c = np.linalg.solve(matrix, p[:, :, None])[:, :, 0].T
    hit = solvable & (distance > 0) & (b >= -1e-6) & (c >= -1e-6) & (b + c <= 1 + 1e-6)
    assert hit.any(), "no face lies that way"
    k = int(np.argmax(np.where(hit, distance, -1.0)))
    u, v = (1 - b[k] - c[k]) * uv[faces[k, 0]] + b[k] * uv[faces[k, 1]] + c[k] * uv[faces[k, 2]]
    height, width = texture.shape[:2]
    return texture[min(height - 1, int((1 - v) * height)), min(width - 1, int(u * width))].astype(float)
