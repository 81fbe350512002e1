"""Small pictures of patterned packages on clutter, for tests of the detector."""

import cv2
import numpy as np

CLASSES = ("stripes", "checks", "rings")
COLOURS = (((30, 90, 200), (230, 220, 40)), ((40, 160, 60), (235, 235, 235)), ((190, 40, 60), (250, 200, 180)))


def package(class_id, side_wh):
    """A (h, w, 3) uint8 pattern."""
    width, height = side_wh
    y, x = np.mgrid[:height, :width] / min(side_wh)
    kinds = ((x * 4) % 1 < 0.5, ((x * 3) % 1 < 0.5) ^ ((y * 3) % 1 < 0.5), (np.hypot(x - 0.5, y - 0.5) * 5) % 1 < 0.5)
    first, second = (np.array(colour, np.uint8) for colour in COLOURS[class_id])
    return np.where(kinds[class_id][..., None], first, second)


def composite(rng, size_px, n_objects=2):
    """A picture, its boxes (n, 4) and class ids (n,); packages do not overlap by much, the last is in front."""
    coarse = rng.integers(40, 210, (6, 6, 3), dtype=np.uint8)
    image = cv2.resize(coarse, (size_px, size_px), interpolation=cv2.INTER_CUBIC)
    for _ in range(4):
        x, y, w, h = (int(v) for v in rng.integers(6, size_px // 3, 4))
        colour = [int(v) for v in rng.integers(0, 256, 3)]
        cv2.rectangle(image, (x * 2, y * 2), (x * 2 + w, y * 2 + h), colour, -1)
    boxes, class_ids = [], []
    for k in range(n_objects):
        w, h = (int(v) for v in rng.integers(size_px // 5, size_px // 2 - 4, 2))
        left = 2 if k % 2 == 0 else size_px // 2
        x, y = left + int(rng.integers(0, size_px // 2 - w - 1)), int(rng.integers(0, size_px - h))
        class_id = int(rng.integers(len(CLASSES)))
        image[y : y + h, x : x + w] = package(class_id, (w, h))
        boxes.append((x, y, x + w, y + h))
        class_ids.append(class_id)
    noisy = image.astype(np.int16) + rng.integers(-12, 13, image.shape, dtype=np.int16)
    return np.clip(noisy, 0, 255).astype(np.uint8), np.array(boxes, np.float64), np.array(class_ids, np.int64)
