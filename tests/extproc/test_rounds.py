"""Rounds: however much is ready at once, the event loop looks at its sockets in between."""

from __future__ import annotations

import asyncio
import time
from itertools import pairwise

from sidecar.extproc.rounds import Rounds


def test_work_that_is_ready_at_once_is_done_in_order_over_several_rounds_of_the_loop() -> None:
    done: list[int] = []
    seen: list[int] = []

    async def one(rounds: Rounds, number: int) -> None:
        await rounds.room()
        time.sleep(0.002)  # noqa: ASYNC251 - the work, which does not let the loop go on
        done.append(number)

    async def watch() -> None:
        while len(done) < 30:
            await asyncio.sleep(0)
            seen.append(len(done))

    async def main() -> None:
        rounds = Rounds(0.004)
        await asyncio.gather(watch(), *(one(rounds, number) for number in range(30)))

    asyncio.run(main())
    assert done == list(range(30))
    assert max(after - before for before, after in pairwise(seen)) <= 4


def test_there_is_room_at_once_while_there_is_little_to_do() -> None:
    async def main() -> None:
        rounds = Rounds(60)
        for _ in range(5):
            waiting = rounds.room()
            try:
                waiting.send(None)
            except StopIteration:
                continue
            raise AssertionError("it had to wait")

    asyncio.run(main())


def test_time_in_which_nothing_was_to_do_takes_nobodys_room() -> None:
    async def main() -> list[int]:
        rounds = Rounds(0.001)
        order = []
        await rounds.room()
        await asyncio.sleep(0.01)

        async def other() -> None:
            order.append(2)

        task = asyncio.create_task(other())
        await rounds.room()
        order.append(1)
        await task
        return order

    assert asyncio.run(main()) == [1, 2]
