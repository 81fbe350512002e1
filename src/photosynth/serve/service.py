"""Service: what every route needs, and how a question is put to a model."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from photosynth.serve.config import ServeConfig
from photosynth.serve.corrections import Keeper
from photosynth.serve.intake import Memory
from photosynth.serve.metrics import Metrics
from photosynth.serve.model import ServedModel
from photosynth.serve.picture import decode
from photosynth.serve.refusal import Refusal
from photosynth.serve.registry import Registry
from photosynth.serve.workers import Workers


@dataclass(frozen=True)
class Service:
    """What the routes need."""

    config: ServeConfig
    registry: Registry
    workers: Workers
    memory: Memory
    metrics: Metrics
    keeper: Keeper | None

    async def ask(
        self, model: ServedModel, pictures: list[bytearray], question: Callable[[Any], Any]
    ) -> list[tuple[Any, tuple[int, int]]]:
        """Decode pictures and put each to `question`, in the workers.

        Returns:
            for each picture the answer, and the picture's width and height.

        Raises:
            Refusal: of the first picture that cannot be read, naming it where there are several.
        """

        def one(numbered: tuple[int, bytearray]) -> tuple[Any, tuple[int, int]]:
            number, data = numbered
            began = time.perf_counter()
            try:
                picture = decode(data, self.config.max_pixels)
            except Refusal as refusal:
                if len(pictures) == 1:
                    raise
                message = f"picture {number + 1}: {refusal.message}"
                raise Refusal(refusal.status, refusal.code, message) from refusal
            answer = question(picture)
            self.metrics.picture_seconds.labels(model.name).observe(time.perf_counter() - began)
            return answer, (picture.shape[1], picture.shape[0])

        with self.workers.place():
            if len(pictures) == 1:
                return [await self.workers.run(one, (0, pictures[0]))]
            return await self.workers.run_all(one, list(enumerate(pictures)))
