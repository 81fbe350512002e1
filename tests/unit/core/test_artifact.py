"""An artifact folder is finished exactly when its manifest exists; nothing of other people is ever deleted."""

import subprocess
import sys

import pytest

from photosynth.core.artifact import ArtifactWriter, folder_key, open_artifact, verify_artifact
from photosynth.core.errors import ArtifactError, ConfigError
from photosynth.core.record import Record


class Settings(Record, frozen=True, kw_only=True):
    """Settings of a toy stage."""

    n: int = 1


def writer(folder, n=1, **changes):
    values = dict(stage="toy", schema=1, config=Settings(n=n), seed=0, inputs={}, overwrite=False)
    return ArtifactWriter(folder, **{**values, **changes})


def make(folder, n=1, **changes):
    with writer(folder, n, **changes) as made:
        if made.finished:
            return made.finished, False
        made.write("a/data.txt", f"n={n}".encode())
        return made.finish({"files": 1}), True


def test_finished_once_then_skipped(tmp_path):
    first, fresh = make(tmp_path / "x")
    again, fresh_again = make(tmp_path / "x")
    assert (fresh, fresh_again) == (True, False)
    assert first.key == again.key
    assert verify_artifact(tmp_path / "x") == []


def test_other_settings_are_refused_as_stale_and_nothing_is_lost(tmp_path):
    make(tmp_path / "x", 1)
    with pytest.raises(ArtifactError, match="--overwrite"):
        make(tmp_path / "x", 2)
    assert (tmp_path / "x/a/data.txt").read_text() == "n=1"


def test_overwrite_replaces_our_own(tmp_path):
    make(tmp_path / "x", 1)
    make(tmp_path / "x", 2, overwrite=True)
    assert (tmp_path / "x/a/data.txt").read_text() == "n=2"
    assert open_artifact(tmp_path / "x").manifest.config == {"n": 2}


@pytest.mark.parametrize("overwrite", [False, True])
def test_other_peoples_folder_is_never_touched(tmp_path, overwrite):
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(ArtifactError, match=r"thesis\.tex"):
        make(tmp_path, overwrite=overwrite)
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.tex"]


def test_unfinished_folder_is_resumed_with_its_files(tmp_path):
    with pytest.raises(KeyboardInterrupt), writer(tmp_path / "x") as made:
        made.write("part-0", b"kept")
        raise KeyboardInterrupt
    with pytest.raises(ArtifactError, match="not finished"):
        open_artifact(tmp_path / "x")
    with writer(tmp_path / "x") as made:
        assert made.finished is None
        assert made.path("part-0").read_bytes() == b"kept"
        made.finish()
    assert verify_artifact(tmp_path / "x") == []


def test_unfinished_folder_of_other_settings_is_refused(tmp_path):
    with pytest.raises(KeyboardInterrupt), writer(tmp_path / "x", 1):
        raise KeyboardInterrupt
    with pytest.raises(ArtifactError, match="unfinished"):
        make(tmp_path / "x", 2)


def test_two_processes_on_one_folder(tmp_path):
    code = (
        "import sys; from tests_toy import writer\n"
        "try:\n    with writer(sys.argv[1]): print('in')\n"
        "except Exception as error: print(type(error).__name__, error)"
    )
    (tmp_path / "tests_toy.py").write_text(
        "from photosynth.core.artifact import ArtifactWriter\nfrom photosynth.core.record import Record\n"
        "class S(Record, frozen=True, kw_only=True):\n    n: int = 1\n"
        "def writer(f): return ArtifactWriter(f, 'toy', 1, S(), 0, {})\n"
    )
    with writer(tmp_path / "x"):
        done = subprocess.run(
            [sys.executable, "-c", code, str(tmp_path / "x")], cwd=tmp_path, capture_output=True, text=True
        )
    assert "ArtifactError" in done.stdout
    assert "in use by another" in done.stdout


def test_verify_finds_changed_missing_and_unknown_files(tmp_path):
    with writer(tmp_path / "x") as made:
        for name in ("a", "b", "c"):
            made.write(name, name.encode())
        made.finish()
    (tmp_path / "x/a").write_bytes(b"changed")
    (tmp_path / "x/b").unlink()
    (tmp_path / "x/d").write_bytes(b"new")
    assert sorted(verify_artifact(tmp_path / "x")) == [
        "a has changed since it was written",
        "b is missing",
        "d is not part of the artifact",
    ]


def test_corrupt_manifest_is_named_and_overwritten_on_demand(tmp_path):
    make(tmp_path / "x")
    (tmp_path / "x/manifest.json").write_text("{")
    with pytest.raises(ArtifactError, match=r"manifest\.json"):
        make(tmp_path / "x")
    assert make(tmp_path / "x", overwrite=True)[1]


def test_wrong_stage_and_absent_folder(tmp_path):
    make(tmp_path / "x")
    with pytest.raises(ArtifactError, match="made by stage 'toy'; expected 'render'"):
        open_artifact(tmp_path / "x", "render")
    with pytest.raises(ArtifactError, match="does not exist"):
        open_artifact(tmp_path / "y")


def test_file_in_the_way(tmp_path):
    (tmp_path / "x").write_text("")
    with pytest.raises(ArtifactError, match="is a file"):
        make(tmp_path / "x")


def test_folder_key_follows_names_and_contents_only(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "photo.jpg").write_bytes(b"1")
        (tmp_path / name / ".DS_Store").write_bytes(name.encode())
    assert folder_key(tmp_path / "a") == folder_key(tmp_path / "b")
    (tmp_path / "b/photo.jpg").write_bytes(b"2")
    assert folder_key(tmp_path / "a") != folder_key(tmp_path / "b")
    with pytest.raises(ConfigError, match="does not exist"):
        folder_key(tmp_path / "none")
