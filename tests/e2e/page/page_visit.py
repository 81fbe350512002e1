"""A server in a thread, and a visitor of its page."""

import threading
import time
from contextlib import contextmanager

from photosynth.serve.config import ServeConfig
from photosynth.serve.model import read_sources
from photosynth.serve.registry import Registry
from photosynth.serve.server import make_server

PATIENCE_S = 90


@contextmanager
def serving(models, **settings):
    """A server of these models in a thread; gives its URL."""
    config = ServeConfig(port=0, workers=1, watch_s=0, shutdown_s=1, **settings)
    server, listener = make_server(config, Registry(read_sources([str(m) for m in models]), config))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        yield f"http://localhost:{listener.getsockname()[1]}/"
    finally:
        server.should_exit = server.force_exit = True
        thread.join(20)
        listener.close()


class Visit:
    """A visitor: a fresh browser profile with the page open."""

    def __init__(self, context, url, query=""):
        self.context, self.url, self.faults = context, url, []
        self.page = context.new_page()
        self.page.set_default_timeout(PATIENCE_S * 1000)
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.goto(url + query)

    def until(self, expression):
        """Wait until a JavaScript expression is true, and give its value."""
        for _ in range(PATIENCE_S * 20):
            value = self.page.evaluate(expression)
            if value:
                return value
            time.sleep(0.05)
        state = self.page.evaluate("photosynth.engine?.state")
        raise TimeoutError(f"{expression}; the engine is {state}; faults: {self.faults}")

    def ready(self, stage="device"):
        """Wait until the model runs on the device (or will not); gives the engine's state."""
        self.until("photosynth.engine && photosynth.engine.state.stage !== 'loading'")
        state = self.page.evaluate("photosynth.engine.state")
        assert state["stage"] == stage, state
        return state

    def upload(self, data, name="photo.png"):
        """Choose a file; gives the answer when the sheet shows it."""
        self.close()
        self.page.set_input_files("#file", [{"name": name, "mimeType": "image/png", "buffer": data}])
        self.page.wait_for_selector("dialog[open] .verdict")
        return self.page.evaluate("photosynth.seen.last")

    def close(self):
        """Close the sheet."""
        if self.page.locator("dialog[open]").count():
            self.page.click("dialog[open] header button")
        self.page.wait_for_selector("dialog[open]", state="detached")

    def text(self, selector):
        """What an element says."""
        return self.page.inner_text(selector)
