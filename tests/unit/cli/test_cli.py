"""The command line: quick help, exit codes, plain progress."""

import io
import subprocess
import sys

import pytest

from photosynth.cli import VERBS, main
from photosynth.cli.terminal import PlainProgress, in_words


def test_help_names_every_verb(capsys):
    assert main([]) == 0
    out = capsys.readouterr().out
    assert all(f"  {verb} " in out for verb in VERBS)


def test_help_imports_nothing_heavy():
    code = (
        "import sys\nfrom photosynth.cli import main\n"
        "try: main(sys.argv[1:])\nexcept SystemExit: pass\n"
        "heavy = {'torch', 'numba', 'cv2', 'trimesh', 'matplotlib', 'scipy', 'PIL'} & set(sys.modules)\n"
        "print('HEAVY', sorted(heavy))"
    )
    for argv in (["--help"], ["run", "--help"], ["render", "--help"], ["train", "--help"]):
        done = subprocess.run([sys.executable, "-c", code, *argv], capture_output=True, text=True)
        assert done.stdout.rstrip().endswith("HEAVY []"), (argv, done.stdout[-300:], done.stderr[-300:])


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help(verb):
    with pytest.raises(SystemExit) as stopped:
        main([verb, "--help"])
    assert stopped.value.code == 0


def test_unknown_verb_and_flag_are_usage_errors(capsys):
    assert main(["fly"]) == 2
    assert "no verb 'fly'" in capsys.readouterr().err
    with pytest.raises(SystemExit) as stopped:
        main(["show", "x", "--colour"])
    assert stopped.value.code == 2


def test_our_errors_exit_with_one(tmp_path, capsys):
    assert main(["show", str(tmp_path / "none")]) == 1
    assert "does not exist" in capsys.readouterr().err


def test_interrupt_exits_with_130(monkeypatch, capsys):
    from photosynth.cli.verbs import runs

    def interrupted(argv):
        raise KeyboardInterrupt

    monkeypatch.setattr(runs, "show_verb", interrupted)
    assert main(["show", "x"]) == 130
    assert "goes on where it was" in capsys.readouterr().err


def test_a_full_disk_is_said_in_words_and_other_faults_are_not_hidden(monkeypatch, capsys):
    from photosynth.cli.verbs import runs

    def fail(number):
        def verb(argv):
            raise OSError(number, "No space left on device", "weights.pt")

        return verb

    monkeypatch.setattr(runs, "show_verb", fail(28))
    assert main(["show", "x"]) == 1
    assert "No space left on device" in capsys.readouterr().err
    monkeypatch.setattr(runs, "show_verb", fail(5))
    with pytest.raises(OSError, match="No space"):
        main(["show", "x"])


def test_plain_progress_writes_lines():
    stream = io.StringIO()
    progress = PlainProgress(stream)
    progress.start("render", 10, "images")
    progress.advance(10)
    progress.note("two were skipped")
    progress.finish()
    lines = stream.getvalue().splitlines()
    assert lines[0] == "render: 10 images"
    assert lines[1] == "render: two were skipped"
    assert lines[2].startswith("render: done in ")


def test_time_left_counts_only_what_was_done_now(monkeypatch):
    """A run that resumes advances by all that an earlier one did, at once."""
    times = iter([0.0, 0.1, 60.1])
    monkeypatch.setattr("photosynth.cli.terminal.time.monotonic", lambda: next(times))
    stream = io.StringIO()
    progress = PlainProgress(stream)
    progress.start("train", 100, "images")
    progress.advance(50)
    progress.advance(10)
    assert stream.getvalue().splitlines()[-1] == "train: 60/100 images, about 4 min left"


@pytest.mark.parametrize(("seconds", "words"), [(0, "0 s"), (45.4, "45 s"), (200, "3 min"), (4800, "1 h 20 min")])
def test_durations_in_words(seconds, words):
    assert in_words(seconds) == words
