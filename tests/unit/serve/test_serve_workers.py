"""The line before the workers, and answers given together."""

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from photosynth.serve.batching import Together
from photosynth.serve.refusal import Refusal
from photosynth.serve.workers import Workers


@pytest.fixture
def workers():
    found = Workers(2, 1, timeout_s=10.0)
    yield found
    found.close()


def test_places_are_counted_and_given_back(workers):
    with workers.place(), workers.place(), workers.place():
        assert workers.full
        with pytest.raises(Refusal) as refused, workers.place():
            pass
        assert (refused.value.status, refused.value.retry_after_s) == (503, 1)
    assert workers.inside == 0
    with pytest.raises(KeyError), workers.place():
        raise KeyError
    assert workers.inside == 0


def test_all_in_order_and_no_more_than_the_workers_at_once(workers):
    busy, most, lock = 0, 0, threading.Lock()

    def work(k):
        nonlocal busy, most
        with lock:
            busy += 1
            most = max(most, busy)
        time.sleep(0.002 * (7 - k % 7))
        with lock:
            busy -= 1
        return k * k

    assert asyncio.run(workers.run_all(work, list(range(11)))) == [k * k for k in range(11)]
    assert most <= 2


def test_what_the_work_raises_is_raised(workers):
    def work(k):
        if k == 3:
            raise ValueError("three")
        return k

    with pytest.raises(ValueError, match="three"):
        asyncio.run(workers.run_all(work, [1, 2, 3, 4]))


def test_waiting_work_is_dropped_when_its_time_is_up():
    workers, gate, done = Workers(1, 5, timeout_s=0.05), threading.Event(), []

    async def ask():
        first = asyncio.ensure_future(workers.run(lambda: (gate.wait(10), done.append("first"))))
        second = asyncio.ensure_future(workers.run(lambda: done.append("second")))
        return await asyncio.gather(first, second, return_exceptions=True)

    refusals = asyncio.run(ask())
    gate.set()
    workers.close()
    assert [refusal.status for refusal in refusals] == [503, 503]
    assert done == ["first"]


def test_the_longer_the_line_the_later_to_come_again():
    workers = Workers(1, 100, timeout_s=10.0)
    for _ in range(40):
        asyncio.run(workers.run(time.sleep, 0.01))
    workers.inside = 101
    with pytest.raises(Refusal) as soon:
        workers.check()
    workers._mean_s = 0.2
    with pytest.raises(Refusal) as later:
        workers.check()
    workers.close()
    assert 1 <= soon.value.retry_after_s < later.value.retry_after_s == 21


def test_together_gives_everyone_their_own():
    groups = []

    def double(items):
        groups.append(len(items))
        time.sleep(0.005)
        return [2 * item for item in items]

    ask = Together(double, max_batch=4, wait_s=0.05)
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(ask, range(50))) == [2 * k for k in range(50)]
    assert sum(groups) == 50
    assert max(groups) <= 4
    assert len(groups) < 40


def test_a_full_group_does_not_wait():
    ask = Together(lambda items: items, max_batch=2, wait_s=60.0)
    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(ask, [1, 2], timeout=20)) == [1, 2]


def test_together_tells_everyone_of_a_failure_and_goes_on():
    def fail(items):
        if "bad" in items:
            raise ValueError("no")
        return items

    ask = Together(fail, max_batch=2, wait_s=0.2)
    with ThreadPoolExecutor(2) as pool:
        asked = [pool.submit(ask, item) for item in ("bad", "good")]
        assert [type(each.exception()) for each in asked] == [ValueError, ValueError]
    assert ask("good") == "good"
