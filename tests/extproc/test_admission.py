"""What a worker takes on: bounded by number, by the wait that is foreseen, and by the wait there was."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from sidecar.extproc.admission import FIRST_RATE, Admission, Busy


class Clock:
    """A time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_no_more_at_once_than_allowed_and_then_again() -> None:
    admission = Admission(most=2)
    with admission.taken(1), admission.taken(1), pytest.raises(Busy), admission.taken(1):
        pytest.fail("a third one was taken on")
    with admission.taken(1):
        pass


def test_what_would_wait_too_long_is_turned_away_with_the_time_it_would_have_waited() -> None:
    admission = Admission(seconds=2.0)
    with (
        admission.taken(int(FIRST_RATE * 2)),
        admission.taken(int(FIRST_RATE * 2)),
        pytest.raises(Busy) as busy,
        admission.taken(1),
    ):
        pytest.fail("it was taken on")
    assert busy.value.retry_seconds == 4


def test_one_that_nobody_is_before_is_taken_on_however_large() -> None:
    with Admission(seconds=0.1).taken(10**9):
        pass


def test_work_that_fails_is_done_as_well() -> None:
    admission = Admission(most=1)
    with pytest.raises(LookupError), admission.taken(1):
        raise LookupError
    assert admission.wait == 0
    with admission.taken(1):
        pass


def test_what_has_waited_too_long_does_not_begin() -> None:
    clock = Clock()
    admission = Admission(seconds=2.0, now=clock)
    clock.now += 2.5
    admission.begin(101.0)
    with pytest.raises(Busy):
        admission.begin(100.0)


def test_the_foreseen_wait_follows_the_rate_at_which_work_gets_done() -> None:
    clock = Clock()
    admission = Admission(seconds=1.0, now=clock)
    for _ in range(50):  # far less than was assumed
        with admission.taken(10_000):
            clock.now += 1.0
    with admission.taken(15_000), ExitStack() as taken, pytest.raises(Busy) as busy:
        taken.enter_context(admission.taken(1))
    assert busy.value.retry_seconds == 2


def test_little_work_that_takes_long_does_not_make_any_other_look_endless() -> None:
    clock = Clock()
    admission = Admission(seconds=2.0, now=clock)
    for _ in range(5000):
        with admission.taken(0):
            clock.now += 1.0
    with admission.taken(1000), admission.taken(1000):
        assert admission.wait <= 1.0
