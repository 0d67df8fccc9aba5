"""Turns: however much is ready at once, the event loop looks at its sockets in between."""

from __future__ import annotations

import asyncio
import time
from itertools import pairwise

from sidecar.extproc.turns import Turns


def test_work_that_is_ready_at_once_is_done_in_order_over_several_rounds_of_the_loop() -> None:
    done: list[int] = []
    rounds: list[int] = []

    async def one(turns: Turns, number: int) -> None:
        await turns.next()
        time.sleep(0.002)  # noqa: ASYNC251 - the work, which does not let the loop go on
        done.append(number)

    async def watch() -> None:
        while len(done) < 30:
            await asyncio.sleep(0)
            rounds.append(len(done))

    async def main() -> None:
        turns = Turns(0.004)
        await asyncio.gather(watch(), *(one(turns, number) for number in range(30)))

    asyncio.run(main())
    assert done == list(range(30))
    assert max(after - before for before, after in pairwise(rounds)) <= 4


def test_a_turn_is_had_at_once_while_there_is_little_to_do() -> None:
    async def main() -> None:
        turns = Turns(60)
        for _ in range(5):
            waiting = turns.next()
            try:
                waiting.send(None)
            except StopIteration:
                continue
            raise AssertionError("it had to wait")

    asyncio.run(main())


def test_time_in_which_nothing_was_to_do_takes_nobodys_turn() -> None:
    async def main() -> list[int]:
        turns = Turns(0.001)
        order = []
        await turns.next()
        await asyncio.sleep(0.01)

        async def other() -> None:
            order.append(2)

        task = asyncio.create_task(other())
        await turns.next()
        order.append(1)
        await task
        return order

    assert asyncio.run(main()) == [1, 2]
