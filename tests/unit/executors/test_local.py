"""Units of work: once each, tried twice, in processes or not."""

import os

import pytest

from photosynth.core.errors import ConfigError, EngineError
from photosynth.executors.local import LocalExecutor

OFFSET = 0


def remember(offset):
    global OFFSET
    OFFSET = offset


def add(unit):
    return unit + OFFSET


def fail_on_three(unit):
    if unit == 3:
        raise ConfigError("three is bad")
    return unit


def fail_once(path):
    if not os.path.exists(path):
        open(path, "w").close()
        raise OSError("first try")
    return "second try"


def die(unit):
    os._exit(9)


def threads_allowed(unit):
    return os.environ.get("OPENBLAS_NUM_THREADS")


def broken_setup():
    raise ConfigError("no engine here")


@pytest.mark.parametrize("workers", [1, 2])
def test_every_unit_once_with_setup(workers):
    results = list(LocalExecutor(workers).map(add, list(range(9)), remember, (100,)))
    assert sorted((r.position, r.value) for r in results) == [(k, k + 100) for k in range(9)]
    assert all(r.error is None for r in results)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_failing_unit_carries_its_reason_and_the_others_go_on(workers):
    results = {r.position: r for r in LocalExecutor(workers).map(fail_on_three, list(range(6)))}
    assert results[3].error == "three is bad"
    assert results[5].value == 5


def test_a_unit_is_tried_twice(tmp_path):
    (result,) = LocalExecutor(1).map(fail_once, [str(tmp_path / "x")])
    assert result.value == "second try"


def test_no_units():
    assert list(LocalExecutor(2).map(add, [])) == []


def test_workers_that_die_are_an_engine_error():
    with pytest.raises(EngineError, match="keep dying"):
        list(LocalExecutor(2).map(die, [1, 2, 3]))


def test_failing_setup_is_reported_by_every_unit():
    results = list(LocalExecutor(2).map(add, [1, 2], broken_setup))
    assert {r.error for r in results} == {"no engine here"}


def test_workers_use_one_thread_each_and_the_parent_is_left_alone(monkeypatch):
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    assert [r.value for r in LocalExecutor(2).map(threads_allowed, [1, 2])] == ["1", "1"]
    assert "OPENBLAS_NUM_THREADS" not in os.environ


def test_no_fewer_workers_than_none():
    assert LocalExecutor(0).workers == LocalExecutor(None).workers >= 1
    with pytest.raises(ConfigError, match=r"workers must be 0 .* or more, got -4"):
        LocalExecutor(-4)
