"""Registry: the models being served, by name, replaced whole while requests go on."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from photosynth.core.errors import PhotosynthError
from photosynth.models.exported import Kind
from photosynth.serve.model import ServedModel
from photosynth.serve.refusal import Refusal


class ModelSource(Protocol):
    """Where a model comes from; model.Source, or a fake."""

    name: str

    def fingerprint(self) -> tuple[Any, ...] | None:
        """Changes whenever the model is made anew; None while it is absent or being written."""

    def load(self, config: Any) -> ServedModel:
        """Load it and ask it once. Raises PhotosynthError."""


class Registry:
    """Holds one ServedModel for each source. A request keeps the one it began with, so a swap drops nothing.

    Args:
        sources: where the models come from; all are loaded now.
        config: handed to `load`.
        note: told in a sentence what was loaded, and what could not be.

    Raises:
        PhotosynthError: if a model cannot be loaded.
    """

    def __init__(self, sources: Sequence[ModelSource], config: Any, note: Callable[[str], None] = lambda _: None):
        self._sources, self._config, self._note = tuple(sources), config, note
        self._seen = {source.name: source.fingerprint() for source in self._sources}
        self._models = {source.name: source.load(config) for source in self._sources}
        self._stop, self._now, self._loading = threading.Event(), threading.Event(), threading.Lock()
        self.swaps = 0
        """How often a model was replaced."""
        self.failures: dict[str, str] = {}
        """Name to why its newest files could not be loaded; the model before them goes on answering."""

    @property
    def models(self) -> tuple[ServedModel, ...]:
        """All models, in the order given."""
        return tuple(self._models.values())

    def first(self, kind: Kind) -> ServedModel | None:
        """The model that answers when a client names none."""
        return next((model for model in self.models if model.kind == kind), None)

    def get(self, name: str | None, kind: Kind) -> ServedModel:
        """The model a client means. Raises Refusal (404)."""
        model = self.first(kind) if name is None else self._models.get(name)
        if model is None:
            what = f"there is no {kind}" if name is None else f"there is no model {name!r}"
            raise Refusal(404, "no_such_model", f"{what} here; models: {', '.join(self._models)}")
        if model.kind != kind:
            raise Refusal(404, "no_such_model", f"model {name!r} is a {model.kind}; a {kind} is needed")
        return model

    def named(self, name: str) -> ServedModel:
        """The model of that name, of any kind. Raises Refusal (404)."""
        if name not in self._models:
            raise Refusal(404, "no_such_model", f"there is no model {name!r} here; models: {', '.join(self._models)}")
        return self._models[name]

    def refresh(self) -> int:
        """Load what has changed; returns how many models were replaced. Safe from any thread."""
        swapped = 0
        with self._loading:
            for source in self._sources:
                found = source.fingerprint()
                if found is None or found == self._seen[source.name]:
                    continue
                self._seen[source.name] = found
                try:
                    model = source.load(self._config)
                except (PhotosynthError, OSError) as error:
                    self.failures[source.name] = str(error)
                    self._note(f"model {source.name}: the new files cannot be used, the old model stays: {error}")
                    continue
                self.failures.pop(source.name, None)
                self._models = {**self._models, source.name: model}
                swapped += 1
                self._note(f"model {source.name}: now {model.version}")
        self.swaps += swapped
        return swapped

    def watch(self, every_s: float) -> None:
        """Begin to look for changes every so often (0: only when told to), in a thread of its own."""
        threading.Thread(target=self._watch, args=(every_s,), name="model-watch", daemon=True).start()

    def look_now(self) -> None:
        """Tell the watching thread to look; returns at once, and may be called from a signal handler."""
        self._now.set()

    def close(self) -> None:
        """Stop watching."""
        self._stop.set()
        self._now.set()

    def _watch(self, every_s: float) -> None:
        while not self._stop.is_set():
            self._now.wait(every_s or None)
            self._now.clear()
            if not self._stop.is_set():
                self.refresh()
