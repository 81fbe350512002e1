"""CPU or GPU: what is chosen, and what is said of it."""

import json
import subprocess
import sys
from types import SimpleNamespace

import pytest

from photosynth.core.errors import ConfigError, DependencyError
from photosynth.core.manifest import MANIFEST_FILE, STARTED_FILE
from photosynth.core.record import to_plain
from photosynth.render.config import RenderConfig, key_of, of_content
from photosynth.render.cuda import device
from photosynth.render.cuda.device import Choice, choose_device, on_device, probe_cuda, said

INPUTS = {"scenes": "a" * 64, "catalogue": "b" * 64}
GPU, NO_GPU = Choice(cuda=True), Choice(cuda=False, reason="no CUDA GPU was found")


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    monkeypatch.delenv("NUMBA_ENABLE_CUDASIM", raising=False)
    monkeypatch.setenv("NUMBA_CUDA_LOW_OCCUPANCY_WARNINGS", "0")
    probe_cuda.cache_clear()
    yield
    probe_cuda.cache_clear()


def chosen(monkeypatch, choice: Choice) -> list[str]:
    asked = []
    monkeypatch.setattr(device, "probe_cuda", lambda: asked.append("asked") or choice)
    return asked


def installed(monkeypatch, yes: bool, context=lambda: None) -> None:
    monkeypatch.setattr(device, "find_spec", lambda name: object() if yes and name == "numba_cuda" else None)
    if yes:
        import numba

        fake = SimpleNamespace(current_context=context)
        monkeypatch.setitem(sys.modules, "numba.cuda", fake)
        monkeypatch.setattr(numba, "cuda", fake, raising=False)


def test_a_cpu_render_has_the_key_that_its_schema_says():
    plain = to_plain(of_content(RenderConfig()))
    assert set(plain) == {"engine", "keep_layers", "max_failed_fraction", "cycles"}
    assert key_of(RenderConfig(), INPUTS) == "7d54df98c2e933e17ed10c30a59e632f91b3ae6174fffce36909359e635806d5"
    assert key_of(RenderConfig(device="cpu"), INPUTS) == key_of(RenderConfig(device="cuda"), INPUTS)
    assert key_of(RenderConfig(engine="cuda"), INPUTS) != key_of(RenderConfig(), INPUTS)


def test_without_the_extra_nothing_of_cuda_is_imported(monkeypatch, tmp_path):
    installed(monkeypatch, False)
    monkeypatch.setattr(device, "DRIVER_FILE", tmp_path / "none")
    assert choose_device("auto") == Choice(cuda=False, reason="the extra cuda is not installed")
    probe_cuda.cache_clear()
    monkeypatch.setattr(device, "DRIVER_FILE", tmp_path)  # a driver, so a GPU: worth a word
    assert choose_device("auto").surprising
    code = (
        "import sys\nfrom photosynth.render import stage\nfrom photosynth.render.cuda import device\n"
        "device.find_spec = lambda name: None\ndevice.choose_device('auto')\n"
        "assert not [m for m in sys.modules if m == 'numba' or m.startswith('numba.')]"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_no_gpu_no_driver_no_trust(monkeypatch):
    def no_driver():
        raise RuntimeError("\nError at driver init:\n\nCUDA driver library cannot be found.\nEnsure that\n:")

    installed(monkeypatch, True, no_driver)
    choice = choose_device("auto")
    assert choice.reason == "no CUDA GPU was found (RuntimeError: CUDA driver library cannot be found)"
    assert choice.surprising  # who installed the extra wanted one
    with pytest.raises(DependencyError, match=r"CUDA driver library cannot be found.*uv sync --extra cuda"):
        choose_device("cuda")
    assert choose_device("cpu") == Choice(cuda=False, reason="it was asked for")


@pytest.mark.parametrize(
    ("says", "reason"),
    [
        (lambda engine: None, ""),
        (lambda engine: "a picture differs", "a picture differs"),
        (lambda engine: 1 / 0, "the GPU failed its check (ZeroDivisionError: division by zero)"),
    ],
)
def test_a_gpu_is_taken_only_if_it_passes_the_check(monkeypatch, says, reason):
    installed(monkeypatch, True)
    monkeypatch.setitem(sys.modules, "photosynth.render.cuda.engine", SimpleNamespace(CudaEngine=None))
    monkeypatch.setattr("photosynth.render.cuda.check.disagreement", says)
    assert choose_device("auto") == Choice(cuda=not reason, reason=reason, surprising=bool(reason))


def test_the_simulator_is_no_gpu(monkeypatch):
    installed(monkeypatch, True)
    monkeypatch.setenv("NUMBA_ENABLE_CUDASIM", "1")
    assert "simulated" in choose_device("auto").reason


def test_which_engine_and_what_the_summary_says(monkeypatch, tmp_path):
    chosen(monkeypatch, GPU)
    config, choice = on_device(RenderConfig(), INPUTS, tmp_path)
    assert (config.engine, said(config, choice)) == ("cuda", {"device": "cuda"})
    config, choice = on_device(RenderConfig(device="cpu"), INPUTS, tmp_path)
    assert (config.engine, said(config, choice)) == ("raster", {"device": "cpu: it was asked for"})
    chosen(monkeypatch, NO_GPU)
    config, choice = on_device(RenderConfig(), INPUTS, tmp_path)
    assert (config.engine, said(config, choice)) == ("raster", {"device": "cpu: no CUDA GPU was found"})
    for named in (RenderConfig(engine="cuda"), RenderConfig(device="cuda")):
        with pytest.raises(DependencyError, match="no CUDA GPU was found"):
            on_device(named, INPUTS, tmp_path)


def test_other_engines_know_no_device(tmp_path):
    config, choice = on_device(RenderConfig(engine="fake"), INPUTS, tmp_path)
    assert (config.engine, said(config, choice)) == ("fake", {})
    for wrong in (RenderConfig(engine="cycles", device="cuda"), RenderConfig(engine="cuda", device="cpu")):
        with pytest.raises(ConfigError, match="is for engine raster"):
            on_device(wrong, INPUTS, tmp_path)


@pytest.mark.parametrize("file", [MANIFEST_FILE, STARTED_FILE])
def test_a_folder_is_gone_on_with_where_it_was_begun(monkeypatch, tmp_path, file):
    asked = chosen(monkeypatch, GPU)
    (tmp_path / file).write_text(json.dumps({"key": key_of(RenderConfig(), INPUTS)}))
    config, choice = on_device(RenderConfig(), INPUTS, tmp_path)
    assert (config.engine, choice.cuda) == ("raster", False)
    assert len(asked) == (0 if file == MANIFEST_FILE else 1)  # what is finished needs no GPU
    assert on_device(RenderConfig(device="cuda"), INPUTS, tmp_path)[0].engine == "cuda"
    assert on_device(RenderConfig(keep_layers=True), INPUTS, tmp_path)[0].engine == "cuda"  # other settings


def test_a_finished_folder_from_a_gpu_is_good_on_a_cpu(monkeypatch, tmp_path):
    asked = chosen(monkeypatch, NO_GPU)
    (tmp_path / MANIFEST_FILE).write_text(json.dumps({"key": key_of(RenderConfig(engine="cuda"), INPUTS)}))
    assert on_device(RenderConfig(), INPUTS, tmp_path)[0].engine == "cuda"
    assert not asked
    (tmp_path / MANIFEST_FILE).rename(tmp_path / STARTED_FILE)
    assert on_device(RenderConfig(), INPUTS, tmp_path)[0].engine == "raster"
    (tmp_path / STARTED_FILE).write_text("broken")
    assert on_device(RenderConfig(), INPUTS, tmp_path)[0].engine == "raster"
