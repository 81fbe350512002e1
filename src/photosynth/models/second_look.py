"""Second look: a detector whose finds a classifier judges too, each cut out of the picture. Free of torch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from photosynth.core.engine import Classifier, Detector
from photosynth.core.errors import ConfigError
from photosynth.core.instances import Instances

CROP_MARGIN = 0.0
"""Beside a box in its cut-out, in longer sides of the box. Of 0, 0.1 and 0.25 the first was the best on 12 real photos
(mAP50 0.940, 0.900, 0.917), which so had a say in it."""
LEAST_SCORE = 0.05
"""Of the detector; finds with less are not looked at, and dropped."""
MOST_LOOKED_AT = 20
"""Finds of one picture that are looked at, the surest ones."""
SEES_FROM, SEES_WELL = 0.25, 0.75
"""Sides of a cut-out, in sides of the classifier's input, up to which its word counts nothing and from which it counts
as much as the detector's. Enlarged four times a thing looks like nothing that it has learnt from."""


class SecondLook:
    """A core.engine.Detector made of a detector and a classifier that looks at each find once more.

    The score of a find is s^(1 - w) p^w: s is the detector's score, p the probability that the classifier gives the
    find's class when it is shown the cut-out alone, and w how much that counts: see `weights`. The detector looks for
    everything at a few pixels a side and mostly fails by taking other things for an object; the classifier sees one
    thing, larger, and knows "none of these". Their geometric mean ranks as their product does (both must agree) and
    stays on the scale of the two. The class and the box stay the detector's: letting the classifier rename a find was
    worse. Finds of no weight and all but the MOST_LOOKED_AT surest of the others keep the detector's score.

    Args:
        detector: finds.
        classifier: judges; it must know the detector's classes, in any order.
        answer_threshold: a box that scores less is better not shown; best fitted on validation pictures, as such
            scores are others than the detector's.

    Raises:
        ConfigError: if the classifier does not know a class of the detector's.
    """

    def __init__(self, detector: Detector, classifier: Classifier, answer_threshold: float) -> None:
        self.detector, self.classifier = detector, classifier
        self.class_names = tuple(detector.class_names)
        self.answer_threshold = float(answer_threshold)
        self._columns = class_columns(self.class_names, classifier.class_names)

    def detect(self, images: Sequence[np.ndarray], min_score: float | None = None) -> list[Instances]:
        """The objects in (H, W, 3) uint8 sRGB pictures of any size, surest first, boxes in picture pixels.

        The classifier is asked once about the cut-outs of all pictures; without any find it is not asked.

        Args:
            images: the pictures.
            min_score: leave out what scores less; None takes `answer_threshold`. What the detector itself gives less
                than LEAST_SCORE is never there.
        """
        least = self.answer_threshold if min_score is None else min_score
        enough = max(LEAST_SCORE, least * least)  # with less, no probability lifts the score to `least`
        found = [_surest_first(one) for one in self.detector.detect(images, enough)]
        counts = [_of_the_surest(weights(one.boxes_xyxy, self.classifier.input_px)) for one in found]
        crops = [
            cut_out(image, box)
            for image, one, count in zip(images, found, counts, strict=True)
            for box in one.boxes_xyxy[count > 0]
        ]
        if not found:
            return []
        told = self.classifier.predict(crops) if crops else np.zeros((0, len(self.classifier.class_names)))
        parts = np.split(told, np.cumsum([(count > 0).sum() for count in counts])[:-1])
        return [
            _judged(one, count, part[np.arange(len(part)), self._columns[one.class_ids[count > 0]]], least)
            for one, count, part in zip(found, counts, parts, strict=True)
        ]


def weights(boxes_xyxy: np.ndarray, input_px: int) -> np.ndarray:
    """How much the classifier's word counts for boxes (n, 4) in picture pixels, (n,) 0..0.5.

    Half, as much as the detector's, where the longer side is at least SEES_WELL of the classifier's input; nothing up
    to SEES_FROM; in between in proportion.
    """
    boxes = np.asarray(boxes_xyxy, float).reshape(-1, 4)
    sides = np.maximum(boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]) / input_px
    return 0.5 * np.clip((sides - SEES_FROM) / (SEES_WELL - SEES_FROM), 0.0, 1.0)


def class_columns(detector_names: Sequence[str], classifier_names: Sequence[str]) -> np.ndarray:
    """For each class of a detector, its column in a classifier's answers, (classes,) int64.

    Raises:
        ConfigError: if the classifier does not know one of them.
    """
    unknown = [name for name in detector_names if name not in classifier_names]
    if unknown:
        raise ConfigError(
            f"a second look needs a classifier of the detector's classes; this one does not know {', '.join(unknown)}: "
            f"it knows {', '.join(classifier_names)}. Give the classifier that was trained on the same objects"
        )
    return np.array([tuple(classifier_names).index(name) for name in detector_names], np.int64)


def cut_out(image: np.ndarray, box_xyxy: np.ndarray) -> np.ndarray:
    """The part of a (H, W, 3) picture inside the square round a box's middle, cut at the picture's edges.

    Its side is the box's longer one and CROP_MARGIN of it on either side. It is a view, and at least one pixel wide and
    high, also of a box without an area or outside the picture.
    """
    height, width = image.shape[:2]
    low, high = np.asarray(box_xyxy[:2], float), np.asarray(box_xyxy[2:], float)
    half = max(high - low) * (0.5 + CROP_MARGIN)
    x0, y0 = (int(v) for v in np.clip(np.rint((low + high) / 2 - half), 0, (width - 1, height - 1)))
    x1, y1 = (int(v) for v in np.clip(np.rint((low + high) / 2 + half), (x0 + 1, y0 + 1), (width, height)))
    return image[y0:y1, x0:x1]


def _surest_first(found: Instances) -> Instances:
    return _chosen(found, found.scores, np.argsort(-found.scores, kind="stable"))


def _of_the_surest(weight: np.ndarray) -> np.ndarray:
    """The weights of the first MOST_LOOKED_AT that have one."""
    return np.where(np.cumsum(weight > 0) <= MOST_LOOKED_AT, weight, 0.0)


def _judged(found: Instances, weight: np.ndarray, probabilities: np.ndarray, least: float) -> Instances:
    """Finds with both scores in one, from the highest down to `least`; probabilities (m,) of those with a weight."""
    scores, looked = found.scores.copy(), weight > 0
    scores[looked] = scores[looked] ** (1.0 - weight[looked]) * probabilities ** weight[looked]
    order = np.argsort(-scores, kind="stable")
    return _chosen(found, scores, order[scores[order] >= least])


def _chosen(found: Instances, scores: np.ndarray, rows: np.ndarray) -> Instances:
    return Instances(found.size_wh, found.boxes_xyxy[rows], found.class_ids[rows], scores[rows])
