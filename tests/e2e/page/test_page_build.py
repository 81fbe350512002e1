"""The built page: made from these sources, small, and whole."""

import hashlib
import json
import re
from pathlib import Path

import pytest
from PIL import Image

ROOT = Path(__file__).parents[3]
WEB = ROOT / "web"
BUILT = ROOT / "src" / "photosynth" / "serve" / "web"


def test_it_was_built_from_these_sources():
    if not WEB.is_dir():
        pytest.skip("the page's sources are not here")
    recorded = json.loads((BUILT / "sources.json").read_bytes())
    top = ("index.html", "package-lock.json", "vite.config.ts")
    files = [WEB / name for name in top]
    files += [path for name in ("scripts", "src", "public") for path in (WEB / name).rglob("*") if path.is_file()]
    found = {path.relative_to(WEB).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
    assert found == recorded, "run `npm ci && npm run build` in web/"


def test_the_first_load_is_small():
    sizes = {path.name: path.stat().st_size for path in BUILT.rglob("*") if path.is_file()}
    assert sum(sizes.values()) < 5_000_000
    assert sum(size for name, size in sizes.items() if not name.startswith("ort-")) < 250_000


def test_the_service_worker_keeps_every_file():
    listed = json.loads(re.search(r"const FILES = (\[.*?\]);", (BUILT / "sw.js").read_text()).group(1))
    there = {path.relative_to(BUILT).as_posix() for path in BUILT.rglob("*") if path.is_file()}
    assert set(listed) == there - {"sw.js", "sources.json"}
    assert "__" not in (BUILT / "sw.js").read_text()


def test_manifest_and_icons():
    manifest = json.loads((BUILT / "manifest.webmanifest").read_bytes())
    assert manifest["display"] == "standalone"
    assert manifest["start_url"] == manifest["scope"] == "./"
    pngs = [icon for icon in manifest["icons"] if icon["type"] == "image/png"]
    for icon in pngs:
        side = int(icon["sizes"].split("x")[0])
        assert Image.open(BUILT / icon["src"]).size == (side, side)
    assert {"192x192", "512x512"} <= {icon["sizes"] for icon in pngs}
    assert any(icon.get("purpose") == "maskable" for icon in pngs)


def test_it_asks_nobody_else():
    """No address of another host is in what the browser loads, save names of XML namespaces and documentation."""
    text = "".join(path.read_text() for path in BUILT.rglob("*") if path.suffix in (".html", ".css", ".webmanifest"))
    assert not re.findall(r"https?://", text)
    page = next(path for path in (BUILT / "assets").glob("index-*.js")).read_text()
    assert set(re.findall(r"https?://[\w./-]+", page)) <= {"http://www.w3.org/2000/svg"}
