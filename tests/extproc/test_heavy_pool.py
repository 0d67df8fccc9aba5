"""The pool of threads and its watchdog."""

from __future__ import annotations

import asyncio
import threading
import weakref
from collections.abc import Awaitable, Callable

import pytest

from sidecar.extproc.heavy_pool import HeavyPool, Overdue


def run(main: Callable[[], Awaitable[None]]) -> None:
    async def bounded() -> None:
        await asyncio.wait_for(main(), 20)

    asyncio.run(bounded())


def test_work_runs_in_a_thread_and_gives_back_what_it_returns() -> None:
    pool = HeavyPool(1, 5)

    async def main() -> None:
        assert await pool.run(lambda: threading.current_thread() is threading.main_thread()) is False
        with pytest.raises(LookupError):
            await pool.run(lambda: {}["absent"])

    run(main)
    assert pool.close(5)


def test_no_more_work_at_once_than_threads() -> None:
    pool = HeavyPool(3, 10)
    now = 0
    most = 0
    lock = threading.Lock()

    def work() -> None:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        threading.Event().wait(0.02)
        with lock:
            now -= 1

    async def main() -> None:
        await asyncio.gather(*(pool.run(work) for _ in range(20)))

    run(main)
    assert most == 3
    assert pool.close(5)


def test_pool_is_exhausted_only_while_all_threads_are_stuck() -> None:
    pool = HeavyPool(2, 0.2)
    release = [threading.Event(), threading.Event()]

    async def main() -> None:
        async def stuck(event: threading.Event) -> None:
            with pytest.raises(Overdue):
                await pool.run(lambda: event.wait(10))

        await stuck(release[0])
        assert not pool.exhausted
        assert await pool.run(lambda: "served") == "served"
        waiting = asyncio.create_task(stuck(release[1]))
        await asyncio.sleep(0.1)
        assert not pool.exhausted, "busy within the time allowed"
        await waiting
        await asyncio.sleep(0.05)
        assert pool.exhausted
        release[0].set()
        await asyncio.sleep(0.1)
        assert not pool.exhausted
        assert await pool.run(lambda: "served") == "served"

    run(main)
    assert not pool.close(0.1)
    release[1].set()
    assert pool.close(5)


def test_work_that_fails_after_it_was_given_up_on_is_quiet(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    pool = HeavyPool(1, 0.1)
    release = threading.Event()

    def fail() -> None:
        release.wait(10)
        raise ValueError("ada@example.org")

    async def main() -> None:
        with pytest.raises(Overdue):
            await pool.run(fail)
        release.set()
        await asyncio.sleep(0.2)

    run(main)
    assert pool.close(5)
    assert "ada" not in caplog.text + "".join(capfd.readouterr())


def test_work_that_nobody_waits_for_any_more_is_not_held_until_a_thread_is_free() -> None:
    pool = HeavyPool(1, 10)
    begun, release = threading.Event(), threading.Event()

    class Body:
        """Stands for a large one."""

        def read(self) -> None:
            raise AssertionError("it had not begun")

    async def main() -> None:
        first = asyncio.create_task(pool.run(lambda: begun.set() or release.wait(10)))
        await asyncio.to_thread(begun.wait, 10)
        body = Body()
        held = weakref.ref(body)
        waiting = asyncio.create_task(pool.run(body.read))
        del body
        await asyncio.sleep(0.01)
        assert held() is not None
        waiting.cancel()
        await asyncio.wait([waiting])
        del waiting
        assert held() is None
        release.set()
        assert await first

    run(main)
    assert pool.close(5)
