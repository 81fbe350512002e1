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
"""Finds of one picture that are looked at, the surest ones; the others are dropped."""


class SecondLook:
    """A core.engine.Detector made of a detector and a classifier that looks at each find once more.

    The score of a find is sqrt(s p): s is the detector's score, and p the probability that the classifier gives the
    find's class when it is shown the cut-out alone. The detector looks for everything at a few pixels a side and mostly
    fails by taking other things for an object; the classifier sees one thing, larger, and knows "none of these". Their
    geometric mean ranks as their product does (both must agree) and stays on the scale of the two. The class and the
    box stay the detector's: letting the classifier rename a find was worse.

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
        enough = max(LEAST_SCORE, least * least)  # with less, no probability lifts sqrt(s p) to `least`
        found = [_surest(one) for one in self.detector.detect(images, enough)]
        crops = [cut_out(image, box) for image, one in zip(images, found, strict=True) for box in one.boxes_xyxy]
        if not crops:
            return found
        probabilities = self.classifier.predict(crops)
        ends = np.cumsum([len(one) for one in found])[:-1]
        return [
            _judged(one, part[np.arange(len(one)), self._columns[one.class_ids]], least)
            for one, part in zip(found, np.split(probabilities, ends), strict=True)
        ]


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


def _surest(found: Instances) -> Instances:
    return _chosen(found, found.scores, np.argsort(-found.scores, kind="stable")[:MOST_LOOKED_AT])


def _judged(found: Instances, probabilities: np.ndarray, least: float) -> Instances:
    """Finds with both scores in one, from the highest down to `least`."""
    scores = np.sqrt(found.scores * probabilities)
    order = np.argsort(-scores, kind="stable")
    return _chosen(found, scores, order[scores[order] >= least])


def _chosen(found: Instances, scores: np.ndarray, rows: np.ndarray) -> Instances:
    return Instances(found.size_wh, found.boxes_xyxy[rows], found.class_ids[rows], scores[rows])
