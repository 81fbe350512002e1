"""The yardstick of serving.py: a LitServe server of the same model, in an environment of its own.

Written the way LitServe's documents show it: decode_request, predict, encode_response; one worker process for each
core, the model's session with one thread.
"""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path

import litserve
import numpy as np
from PIL import Image, ImageOps

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))


class Classify(litserve.LitAPI):
    """The same question and the same answer as photosynth's /api."""

    def setup(self, device: str) -> None:
        """Load the model."""
        from photosynth.models.predictor import load_predictor

        self.predictor = load_predictor(Path(sys.argv[1]), threads=1)

    def decode_request(self, request):
        """The upload as an upright picture."""
        image = ImageOps.exif_transpose(Image.open(io.BytesIO(request["my_image"].file.read())))
        return np.asarray(image.convert("RGB"))

    def predict(self, picture):
        """Probabilities."""
        return self.predictor.predict([picture])[0]

    def encode_response(self, probabilities):
        """The most probable class."""
        best = int(probabilities.argmax())
        return {"max_class": self.predictor.class_names[best], "max_value": float(probabilities[best])}


if __name__ == "__main__":
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    server = litserve.LitServer(Classify(api_path="/api"), accelerator="cpu", workers_per_device=cores)
    server.run(host="127.0.0.1", port=int(sys.argv[2]), generate_client_file=False, log_level="error")
