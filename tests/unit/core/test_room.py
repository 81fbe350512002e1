"""Room on the disk: said when it is short, refused when it can never be enough."""

import shutil

import pytest

from photosynth.core.errors import ConfigError
from photosynth.core.progress import Silent
from photosynth.core.room import check_room, in_gb


@pytest.fixture
def disk(monkeypatch):
    """A disk of 100 GB, 10 of them free."""
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(100e9, 90e9, 10e9))


@pytest.mark.parametrize(("expected_bytes", "notes"), [(0, 0), (9e9, 0), (11e9, 1), (99e9, 1)])
def test_it_is_said_when_room_is_short(disk, tmp_path, expected_bytes, notes):
    told = Silent()
    check_room(tmp_path / "not" / "there", expected_bytes, "5 pictures", told)
    assert len(told.notes) == notes
    for note in told.notes:
        assert note.startswith(f"5 pictures take about {expected_bytes / 1e9:.0f} GB, but only 10 GB are free")


def test_more_than_the_disk_is_refused(disk, tmp_path):
    with pytest.raises(ConfigError, match=r"5 pictures take about 200 GB, but the whole disk of .* has 100 GB"):
        check_room(tmp_path, 200e9, "5 pictures", Silent())


def test_a_real_disk_is_asked(tmp_path):
    check_room(tmp_path, 1.0, "a letter")
    with pytest.raises(ConfigError):
        check_room(tmp_path, 1e21, "all of them")


def test_sizes_for_people():
    assert [in_gb(n) for n in (5e5, 3e8, 2.5e9, 12e12)] == ["0.5 MB", "0.3 GB", "2.5 GB", "12,000 GB"]
