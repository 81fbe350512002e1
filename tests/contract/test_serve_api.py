"""The server's answers, over real connections on loopback."""

import io
import json
import re
import subprocess
import sys
import zlib

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as coco_mask
from serve_setting import Colours, FakeSource, Halves, picture, running, until, write_model

from photosynth.models.predictor import load_predictor
from photosynth.serve import app as app_module
from photosynth.serve.model import Source


@pytest.fixture(scope="module")
def plain():
    with running() as server:
        yield server


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    folder = write_model(tmp_path_factory.mktemp("models") / "shop")
    with running(Source("shop", folder)) as server:
        server.folder = folder
        yield server


def bomb(side=20_000):
    """A PNG of a few hundred kilobytes with 400 million pixels."""

    def chunk(name, data):
        return len(data).to_bytes(4, "big") + name + data + zlib.crc32(name + data).to_bytes(4, "big")

    head = side.to_bytes(4, "big") * 2 + bytes([8, 2, 0, 0, 0])
    rows = zlib.compress(bytes(64 * (1 + 3 * side)), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def test_clients_of_2018(plain):
    answer = plain.client.post("/api", files={"my_image": ("photo.jpg", picture(), "image/jpeg")})
    assert answer.status_code == 200
    assert set(answer.json()) == {"max_class", "max_value"}
    assert answer.json()["max_class"] == "red"
    assert 0.9 < answer.json()["max_value"] <= 1
    boxes = plain.client.post("/detector", files={"my_image": picture(size_wh=(40, 30))}).json()
    assert boxes == [
        {"label": "whole", "box": [0, 0, 40, 30], "score": 0.95},
        {"label": "left", "box": [0, 0, 20, 30], "score": 0.55},
    ]


def test_classify_one_and_several(plain):
    colors = {"red": (250, 9, 9), "green": (9, 250, 9), "blue": (9, 9, 250), "none of these": (20, 20, 20)}
    files = [("image", (f"{name}.png", picture(color, kind="PNG"))) for name, color in colors.items()]
    answer = plain.client.post("/v1/classify", files=files).json()
    assert (answer["model"], answer["version"], answer["threshold"]) == ("colours", "v1", 0.6)
    assert [result["label"] for result in answer["results"]] == list(colors)
    assert [result["verdict"] for result in answer["results"]] == ["sure"] * 3 + ["none"]
    for result in answer["results"]:
        scores = [item["score"] for item in result["scores"]]
        assert scores == sorted(scores, reverse=True)
        assert sum(scores) == pytest.approx(1)
        assert result["size_wh"] == [40, 30]
        assert result["none_of_these"] == {s["label"]: s["score"] for s in result["scores"]}["none of these"]
    unsure = plain.client.post("/v1/classify", files={"image": picture((180, 180, 9), kind="PNG")}).json()["results"]
    assert (unsure[0]["verdict"], unsure[0]["score"]) == ("unsure", pytest.approx(0.5, abs=0.05))


def test_a_picture_as_the_body(plain):
    for kind in ("image/jpeg", "application/octet-stream"):
        answer = plain.client.post("/v1/classify", content=picture(), headers={"content-type": kind})
        assert answer.json()["results"][0]["label"] == "red"


def test_detect_with_masks_and_a_least_score(plain):
    answer = plain.client.post("/v1/detect", files={"image": picture(size_wh=(41, 30))}).json()
    whole, left = answer["results"][0]["objects"]
    assert (whole["label"], left["box_xyxy"]) == ("whole", [0, 0, 20.5, 30])
    code = coco_mask.frPyObjects(left["mask"], *left["mask"]["size"])
    expected = np.zeros((30, 41), np.uint8)
    expected[:, :20] = 1
    np.testing.assert_array_equal(coco_mask.decode(code), expected)
    only = plain.client.post("/v1/detect?min_score=0.9", files={"image": picture()}).json()
    assert (only["threshold"], len(only["results"][0]["objects"])) == (0.9, 1)
    none = plain.client.post("/v1/detect?min_score=1", files={"image": picture()}).json()
    assert none["results"][0]["objects"] == []


def test_orientation_is_respected(plain):
    upright = Image.fromarray(np.arange(30 * 40 * 3, dtype=np.uint32).reshape(30, 40, 3).astype(np.uint8))
    exif = Image.Exif()
    exif[0x0112] = 6
    buffer = io.BytesIO()
    upright.save(buffer, "JPEG", exif=exif)
    answer = plain.client.post("/v1/classify", files={"image": buffer.getvalue()}).json()
    assert answer["results"][0]["size_wh"] == [30, 40]


REFUSED = {
    "empty": (b"", 422, "not_a_picture"),
    "words": (b"this is no picture" * 50, 422, "not_a_picture"),
    "cut short": (picture(size_wh=(300, 300), quality=95)[:1500], 422, "not_a_picture"),
    "another format": (picture(kind="GIF"), 422, "not_a_picture"),
    "broken heic": (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + b"x" * 200, 422, "not_a_picture"),
    "bomb": (bomb(), 413, "too_large"),
    "too many bytes": (b"x" * 2_100_000, 413, "too_large"),
}


@pytest.fixture(scope="module")
def small():
    with running(max_upload_mb=2.0) as server:
        yield server


@pytest.mark.parametrize("name", REFUSED)
def test_refused_pictures(small, name):
    data, status, code = REFUSED[name]
    for path, field in (("/api", "my_image"), ("/v1/classify", "image"), ("/v1/detect", "image")):
        answer = small.client.post(path, files={field: data})
        assert (answer.status_code, answer.json()["error"]) == (status, code), answer.text
        assert answer.json()["message"]
    assert small.client.post("/api", files={"my_image": picture()}).status_code == 200


def test_a_bomb_is_never_decoded(plain, monkeypatch):
    def decoded(self):
        raise AssertionError("decoded")

    data = bomb(9_000)  # 81 megapixels: below where Pillow itself refuses
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", decoded)
    answer = plain.client.post("/api", files={"my_image": data})
    assert (answer.status_code, answer.json()["error"]) == (413, "too_large")
    assert "9000 x 9000" in answer.json()["message"]


def test_refused_requests(plain):
    post = plain.client.post
    one = {"image": picture()}
    cases = [
        (post("/v1/classify", json={}), 415),
        (post("/v1/classify", content=b"x", headers={"content-type": "multipart/form-data"}), 422),
        (post("/v1/classify", content=b"x", headers={"content-type": "multipart/form-data; boundary=b"}), 422),
        (post("/v1/classify", files={"other": picture()}), 422),
        (post("/api", files=[("my_image", picture())] * 2), 413),
        (post("/v1/classify", files=[("image", picture())] * 17), 413),
        (post("/v1/classify?model=nobody", files=one), 404),
        (post("/v1/classify?model=halves", files=one), 404),
        (post("/v1/detect?min_score=2", files=one), 422),
        (post("/v1/corrections", files=one, data={"label": "red"}), 403),
        (plain.client.get("/api"), 405),
        (plain.client.get("/nowhere"), 404),
        (plain.client.get("/v1/models/nobody"), 404),
        (plain.client.get("/v1/models/colours/files/model.onnx"), 404),
        (plain.client.get("/v1/models/colours/pictures/0"), 404),
    ]
    for answer, status in cases:
        assert answer.status_code == status, (answer.request.url, answer.text)
        assert set(answer.json()) == {"error", "message"}


def test_one_bad_picture_of_several_is_named(plain):
    answer = plain.client.post("/v1/classify", files=[("image", picture()), ("image", b"no")])
    assert answer.status_code == 422
    assert answer.json()["message"].startswith("picture 2: ")


def test_models(plain):
    answer = plain.client.get("/v1/models").json()
    assert (answer["classifier"], answer["detector"], answer["keeps_corrections"]) == ("colours", "halves", False)
    assert answer["limits"] == {"max_upload_bytes": 20_000_000, "max_pixels": 50_000_000, "max_files": 16}
    assert [(m["name"], m["kind"], m["files"]) for m in answer["models"]] == [
        ("colours", "classifier", []),
        ("halves", "detector", []),
    ]
    assert plain.client.get("/readyz").json() == {"ready": True, "models": {"colours": "v1", "halves": "v1"}}
    assert plain.client.get("/healthz").json() == {"status": "ok"}


def test_an_exported_model_answers_as_its_predictor(exported):
    color = (200, 40, 90)
    answer = exported.client.post("/v1/classify", files={"image": picture(color, kind="PNG")}).json()["results"][0]
    predictor = load_predictor(exported.folder)
    expected = predictor.predict([np.full((30, 40, 3), color, np.uint8)])[0]
    given = {item["label"]: item["score"] for item in answer["scores"]}
    np.testing.assert_allclose([given[name] for name in predictor.class_names], expected, atol=1e-6)


def test_a_model_can_be_fetched(exported):
    model = exported.client.get("/v1/models/shop").json()
    (file,) = model["files"]
    data = exported.client.get(file["url"])
    assert data.content == (exported.folder / "model.onnx").read_bytes()
    assert data.headers["content-type"] == "application/octet-stream"
    assert "immutable" in data.headers["cache-control"]
    assert data.headers["etag"] == f'"{file["sha256"]}"'
    assert model["info"]["input_px"] == 8
    plain_url = file["url"].split("?")[0]
    assert exported.client.get(plain_url).headers["cache-control"] == "no-cache"
    assert exported.client.get(f"{plain_url}?sha256={'0' * 64}").status_code == 404
    for path in ("model.json", "../shop/model.onnx", "%2e%2e%2fshop%2fmodel.onnx", "manifest.json"):
        assert exported.client.get(f"/v1/models/shop/files/{path}").status_code == 404


def test_headers_of_every_answer(plain):
    answers = [
        plain.client.get("/"),
        plain.client.get("/nowhere"),
        plain.client.get("/docs"),
        plain.client.post("/api"),
        plain.client.get("/docs/files/swagger-ui.css"),
    ]
    for answer in answers:
        headers = answer.headers
        assert headers["cross-origin-opener-policy"] == "same-origin"
        assert headers["cross-origin-embedder-policy"] == "require-corp"
        assert headers["x-content-type-options"] == "nosniff"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert "camera=(self)" in headers["permissions-policy"]
        assert "server" not in headers


def test_documents_work_offline(plain):
    page = plain.client.get("/docs").text
    links = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert len(links) == 4
    for link in links:
        assert link.startswith("/docs/")
        assert plain.client.get(link).status_code == 200
    script = plain.client.get("/docs/start.js")
    assert script.headers["content-type"].startswith("text/javascript")
    assert "http" not in script.text
    paths = plain.client.get("/openapi.json").json()["paths"]
    assert {"/api", "/detector", "/v1/classify", "/v1/detect", "/v1/models", "/v1/corrections"} <= set(paths)
    assert "<script>" not in page  # the content security policy would stop it


def test_metrics_count(plain):
    def count():
        found = re.search(r'requests_total\{method="POST",route="/api",status="422"\} (\S+)', metrics())
        return float(found.group(1)) if found else 0.0

    def metrics():
        return plain.client.get("/metrics").text

    before = count()
    plain.client.post("/api", files={"my_image": b"no"})
    until(lambda: count() == before + 1)  # a request is counted once its answer has gone
    until(lambda: "photosynth_upload_bytes 0.0" in metrics())
    until(lambda: "photosynth_requests_inside 0.0" in metrics())
    plain.client.get("/no/such/path/of-the-test")
    assert "of-the-test" not in metrics()


def test_with_a_key_nothing_answers_without(tmp_path):
    (tmp_path / "key").write_text("s3cret\nmore\n")
    with running(api_key_file=tmp_path / "key") as server:
        client = server.client
        for headers in ({}, {"x-api-key": "wrong"}, {"authorization": "Bearer wrong"}):
            for path in ("/v1/models", "/metrics"):
                answer = client.get(path, headers=headers)
                assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
            assert client.post("/api", files={"my_image": picture()}, headers=headers).status_code == 401
        for headers in ({"x-api-key": "s3cret"}, {"authorization": "Bearer s3cret"}):
            assert client.post("/api", files={"my_image": picture()}, headers=headers).status_code == 200
        for path in ("/", "/docs", "/healthz", "/readyz", "/openapi.json"):
            assert client.get(path).status_code == 200
        assert "APIKeyHeader" in client.get("/openapi.json").text


def test_other_origins(plain):
    ask = {"files": {"my_image": picture()}}
    strange = plain.client.post("/api", headers={"origin": "https://a.example"}, **ask)
    assert "access-control-allow-origin" not in strange.headers
    crossing = {"origin": "https://a.example", "sec-fetch-site": "cross-site"}
    assert plain.client.post("/api", headers=crossing, **ask).status_code == 403
    with running(cors=("https://a.example",)) as server:
        answer = server.client.post("/api", headers=crossing, **ask)
        assert answer.headers["access-control-allow-origin"] == "https://a.example"
        refused = server.client.post("/api", headers=crossing, files={"my_image": b"no"})
        assert (refused.status_code, refused.headers["access-control-allow-origin"]) == (422, "https://a.example")
        other = server.client.post("/api", headers={"origin": "https://b.example"}, **ask)
        assert "access-control-allow-origin" not in other.headers
        asked = {"origin": "https://a.example", "access-control-request-method": "POST"}
        assert server.client.options("/v1/classify", headers=asked).status_code == 200


def test_corrections_are_kept_only_when_asked_for(tmp_path):
    keep = tmp_path / "real"
    with running(keep=keep) as server:
        assert server.client.get("/v1/models").json()["keeps_corrections"] is True
        form = {"label": "green", "answered": "red", "model": "colours"}
        stored = server.client.post("/v1/corrections", files={"image": picture()}, data=form)
        assert stored.status_code == 201
        path = keep / stored.json()["stored"]
        assert path.parent == keep / "green"
        assert Image.open(path).size == (40, 30)
        line = json.loads((keep / "corrections.jsonl").read_text())
        assert (line["label"], line["answered"], line["file"]) == ("green", "red", stored.json()["stored"])
        for bad in ("purple", "../../etc"):
            answer = server.client.post("/v1/corrections", files={"image": picture()}, data={"label": bad})
            assert (answer.status_code, answer.json()["error"]) == (422, "unknown_label")
        assert server.client.post("/v1/corrections", files={"image": b"no"}, data=form).status_code == 422
        server.client.post("/v1/classify", files={"image": picture((1, 2, 3))})
    assert sorted(p.name for p in keep.rglob("*") if p.is_file()) == sorted([path.name, "corrections.jsonl"])


def test_the_page_is_mounted_with_types_and_caching(tmp_path, monkeypatch):
    import gzip

    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text("<title>the page</title>")
    (tmp_path / "assets" / "app-1a2b3c4d.js").write_text("let a = 1;" * 100)
    (tmp_path / "assets" / "app-1a2b3c4d.js.gz").write_bytes(gzip.compress(b"let a = 1;" * 100))
    (tmp_path / "ort.wasm").write_bytes(b"\0asm")
    (tmp_path / "ort.mjs").write_text("export {}")
    (tmp_path / "app.webmanifest").write_text("{}")
    monkeypatch.setattr(app_module, "WEB_FOLDER", tmp_path)
    with running() as server:
        get = server.client.get
        assert "the page" in get("/").text
        assert get("/").headers["cache-control"] == "no-cache"
        assert get("/ort.wasm").headers["content-type"] == "application/wasm"
        assert get("/ort.mjs").headers["content-type"].startswith("text/javascript")
        assert get("/app.webmanifest").headers["content-type"] == "application/manifest+json"
        script = get("/assets/app-1a2b3c4d.js", headers={"accept-encoding": "gzip"})
        assert script.headers["content-encoding"] == "gzip"
        assert script.headers["content-type"].startswith("text/javascript")
        assert script.text == "let a = 1;" * 100
        assert "immutable" in script.headers["cache-control"]
        assert script.headers["vary"] == "accept-encoding"
        plain_script = get("/assets/app-1a2b3c4d.js", headers={"accept-encoding": "identity"})
        assert "content-encoding" not in plain_script.headers
        assert plain_script.text == script.text
        again = get("/", headers={"if-none-match": get("/").headers["etag"]})
        assert again.status_code == 304
        assert get("/v1/models").json()["classifier"] == "colours"  # the page does not hide the API
        assert get("/../serve_setting.py").status_code == 404
        assert get("/api").status_code == 405
        assert server.client.put("/v1/models").status_code == 405


def test_no_torch(tmp_path):
    write_model(tmp_path / "shop")
    code = f"""
import sys
sys.modules["torch"] = sys.modules["torchvision"] = None
from photosynth.serve.config import ServeConfig
from photosynth.serve.model import read_sources
from photosynth.serve.registry import Registry
from photosynth.serve.server import make_server
registry = Registry(read_sources([{str(tmp_path / "shop")!r}]), ServeConfig())
server, listener = make_server(ServeConfig(port=0), registry)
print([m.name for m in registry.models], sys.modules["torch"])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "['shop'] None", done.stderr


def test_batch_is_spread_over_workers_in_order():
    slow = Colours(delay_s=0.01)
    with running(FakeSource("colours", slow), FakeSource("halves", Halves()), workers=3, queue=0) as server:
        sizes = [(20 + k, 10) for k in range(8)]
        files = [("image", picture(size_wh=size)) for size in sizes]
        answer = server.client.post("/v1/classify", files=files).json()
    assert [tuple(result["size_wh"]) for result in answer["results"]] == sizes
