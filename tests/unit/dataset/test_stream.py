import errno

import pytest

from photosynth.core.errors import ArtifactError
from photosynth.dataset import link
from photosynth.dataset.link import link_or_copy
from photosynth.dataset.stream import AtomicStream


def test_nothing_written_is_an_empty_file(tmp_path):
    with AtomicStream(tmp_path / "deep" / "a"):
        pass
    assert (tmp_path / "deep" / "a").read_bytes() == b""


def test_pieces_arrive_together(tmp_path):
    (tmp_path / "b").write_bytes(b"two")
    with AtomicStream(tmp_path / "a") as stream:
        stream.write(b"one ")
        stream.append_file(tmp_path / "b")
        assert not (tmp_path / "a").exists()
    assert (tmp_path / "a").read_bytes() == b"one two"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a", "b"]


def test_an_unwritable_place_is_named(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ArtifactError, match=r"cannot write .*file/a"), AtomicStream(tmp_path / "file" / "a"):
        pass
    with pytest.raises(ValueError, match="inside a `with` block only"):
        AtomicStream(tmp_path / "a").write(b"x")


def test_links_where_possible(tmp_path):
    source, target = tmp_path / "a", tmp_path / "deep" / "b"
    source.write_bytes(b"picture")
    for _ in range(2):  # again, as after an interruption
        link_or_copy(source, target)
        assert target.samefile(source)
        assert [p.name for p in target.parent.iterdir()] == ["b"]
    target.unlink()
    target.write_bytes(b"older")
    link_or_copy(source, target)
    assert target.read_bytes() == b"picture"


@pytest.mark.parametrize("code", [errno.EXDEV, errno.EPERM, errno.EMLINK, errno.ENOTSUP])
def test_copies_where_links_fail(tmp_path, monkeypatch, code):
    def refuse(*_):
        raise OSError(code, "no links here")

    monkeypatch.setattr(link.os, "link", refuse)
    (tmp_path / "a").write_bytes(b"picture")
    link_or_copy(tmp_path / "a", tmp_path / "b")
    assert (tmp_path / "b").read_bytes() == b"picture"
    assert not (tmp_path / "b").samefile(tmp_path / "a")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a", "b"]


def test_a_missing_picture_is_named(tmp_path):
    with pytest.raises(ArtifactError, match=r"cannot link or copy .*absent to .*b: No such file"):
        link_or_copy(tmp_path / "absent", tmp_path / "b")
    assert list(tmp_path.iterdir()) == []
