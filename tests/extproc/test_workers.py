"""The supervisor and real forked workers, in a process of their own."""

from __future__ import annotations

import os
import platform
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("supervised.py")
PATIENCE = 10.0  # much more than anything here takes, for a machine that is busy with other tests


class Supervised:
    def __init__(self, folder: Path, count: int, behavior: str) -> None:
        self.folder = folder
        self.count = count
        command = [sys.executable, str(SCRIPT), str(folder), str(count), behavior]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def wait_ready(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line == "ready\n":
                return
        pytest.fail("ended before it was ready")

    def starts(self, index: int) -> list[int]:
        file = self.folder / f"worker-{index}"
        return [int(line) for line in file.read_text().split()] if file.exists() else []

    def pids(self) -> list[int]:
        return [self.starts(index)[-1] for index in range(self.count)]

    def wait_end(self) -> tuple[int, str]:
        output, _ = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, output


@contextmanager
def supervised(folder: Path, count: int, behavior: str = "serve") -> Iterator[Supervised]:
    run = Supervised(folder, count, behavior)
    try:
        yield run
    finally:
        run.process.kill()
        run.process.communicate()


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def eventually(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.02)
    return False


def replaced(run: Supervised, before: list[int]) -> bool:
    now = run.pids()
    return all(new != old and alive(new) for new, old in zip(now, before, strict=True))


def test_grpc_is_not_loaded_before_the_fork() -> None:
    code = "import sys, sidecar.extproc.workers, sidecar.supervisor.loop; sys.exit('grpc' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_ready_is_told_once_every_worker_beats(tmp_path: Path) -> None:
    with supervised(tmp_path, 3) as run:
        run.wait_ready()
        assert all(alive(pid) for pid in run.pids())


@pytest.mark.parametrize("count", [1, 3], ids=["the only one", "all of them at once"])
def test_killed_workers_are_replaced(tmp_path: Path, count: int) -> None:
    with supervised(tmp_path, count) as run:
        run.wait_ready()
        before = run.pids()
        for pid in before:
            os.kill(pid, signal.SIGKILL)
        started = time.monotonic()
        assert eventually(lambda: replaced(run, before))
        assert time.monotonic() - started < 5.0


def test_a_worker_that_dies_again_and_again_after_serving_is_always_replaced(tmp_path: Path) -> None:
    with supervised(tmp_path, 1) as run:
        run.wait_ready()
        for _ in range(5):
            before = run.pids()
            time.sleep(0.2)  # long enough for a heartbeat
            os.kill(before[0], signal.SIGKILL)
            assert eventually(lambda before=before: replaced(run, before))  # type: ignore[misc]  # default argument


def test_a_frozen_worker_is_killed_and_replaced_and_its_neighbor_left_alone(tmp_path: Path) -> None:
    with supervised(tmp_path, 2) as run:
        run.wait_ready()
        frozen, neighbor = run.pids()
        os.kill(frozen, signal.SIGSTOP)
        assert eventually(lambda: run.pids()[0] != frozen)
        assert not alive(frozen)
        assert run.pids()[1] == neighbor


def test_a_supervisor_that_was_stopped_itself_blames_nobody(tmp_path: Path) -> None:
    with supervised(tmp_path, 2) as run:
        run.wait_ready()
        before = run.pids()
        os.kill(run.process.pid, signal.SIGSTOP)
        time.sleep(1.0)  # twice the silence that is allowed
        os.kill(run.process.pid, signal.SIGCONT)
        time.sleep(0.5)
        assert run.pids() == before


def test_a_worker_that_says_why_it_cannot_start_ends_everything_in_one_line(tmp_path: Path) -> None:
    with supervised(tmp_path, 2, "config") as run:
        code, output = run.wait_end()
    assert code == 2
    assert "cannot start: patterns.json: not usable\n" in output
    assert all(len(run.starts(index)) <= 1 for index in range(2))


def test_a_worker_that_always_crashes_at_the_start_ends_everything(tmp_path: Path) -> None:
    with supervised(tmp_path, 1, "crash") as run:
        code, output = run.wait_end()
    assert code == 2
    assert "worker-0 cannot start: exit code 1\n" in output
    assert len(run.starts(0)) == 3


def test_the_text_of_an_unexpected_error_is_not_shown(tmp_path: Path) -> None:
    with supervised(tmp_path, 1, "crash") as run:
        _, output = run.wait_end()
    assert "worker ended by RuntimeError at supervised.py:" in output
    assert "must not be shown" not in output


def test_a_worker_that_crashes_at_its_first_start_only_is_forgiven(tmp_path: Path) -> None:
    with supervised(tmp_path, 2, "flaky") as run:
        run.wait_ready()
        assert len(run.starts(0)) == 2


def test_a_worker_that_never_beats_is_killed_and_counts_as_failed_start(tmp_path: Path) -> None:
    with supervised(tmp_path, 1, "frozen-start") as run:
        code, output = run.wait_end()
    assert code == 2
    assert "worker-0 cannot start: exit code -9" in output
    assert output.count("child_frozen") == output.count("child_died") == 3
    assert not any(alive(pid) for pid in run.starts(0))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_stop_signal_drains_and_leaves_no_children(tmp_path: Path, number: signal.Signals) -> None:
    with supervised(tmp_path, 2, "drain") as run:
        run.wait_ready()
        pids = run.pids()
        run.process.send_signal(number)
        code, _ = run.wait_end()
    assert code == 0
    assert {file.name for file in tmp_path.glob("drained-*")} == {"drained-0", "drained-1"}
    assert not any(alive(pid) for pid in pids)


def test_draining_ends_at_its_deadline(tmp_path: Path) -> None:
    with supervised(tmp_path, 2, "stubborn") as run:
        run.wait_ready()
        pids = run.pids()
        started = time.monotonic()
        run.process.terminate()
        code, _ = run.wait_end()
    assert code == 0
    assert 1.4 < time.monotonic() - started < 4.0
    assert not any(alive(pid) for pid in pids)


def test_a_second_stop_signal_cuts_draining_short(tmp_path: Path) -> None:
    with supervised(tmp_path, 1, "stubborn") as run:
        run.wait_ready()
        started = time.monotonic()
        run.process.terminate()
        time.sleep(0.3)
        run.process.terminate()
        code, _ = run.wait_end()
    assert code == 0
    assert time.monotonic() - started < 1.3


@pytest.mark.parametrize("behavior", ["serve", "frozen-start"], ids=["serving", "before the first heartbeat"])
@pytest.mark.skipif(sys.platform != "linux", reason="needs PR_SET_PDEATHSIG")
def test_no_child_outlives_a_supervisor_that_was_killed(tmp_path: Path, behavior: str) -> None:
    with supervised(tmp_path, 2, behavior) as run:
        assert eventually(lambda: all(run.starts(index) for index in range(2)))
        pids = run.pids()
        run.process.kill()
        assert eventually(lambda: not any(alive(pid) for pid in pids))


def test_workers_write_no_core_dumps(tmp_path: Path) -> None:
    with supervised(tmp_path, 1) as run:
        run.wait_ready()
        limits = Path(f"/proc/{run.pids()[0]}/limits").read_text()
    line = next(line for line in limits.splitlines() if line.startswith("Max core file size"))
    assert line.split()[4:6] == ["1", "1"]


def test_a_worker_does_not_hold_its_neighbors_pipes(tmp_path: Path) -> None:
    with supervised(tmp_path, 3) as run:
        run.wait_ready()
        pipes = [len(pipes_of(pid)) for pid in run.pids()]
    assert len(set(pipes)) == 1


def pipes_of(pid: int) -> list[str]:
    links = [str(link.readlink()) for link in Path(f"/proc/{pid}/fd").iterdir()]
    return [link for link in links if link.startswith("pipe:")]


LARGE_BLOCKS = """
import ctypes, os
from sidecar.supervisor.child import LARGE_BLOCK, fork

class Mallinfo2(ctypes.Structure):
    names = "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost"
    _fields_ = [(name, ctypes.c_size_t) for name in names.split()]

mallinfo2 = ctypes.CDLL(None).mallinfo2
mallinfo2.restype = Mallinfo2
if not fork():
    for _ in range(3):
        bytes(16 * LARGE_BLOCK)  # by default, freeing it would raise the limit
    before = mallinfo2().hblks
    block = bytes(LARGE_BLOCK)
    print(mallinfo2().hblks - before, flush=True)
    os._exit(0)
os.wait()
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries have other rules")
def test_a_child_gives_large_blocks_back_whatever_was_freed_before() -> None:
    done = subprocess.run([sys.executable, "-c", LARGE_BLOCKS], capture_output=True, text=True, check=True)
    assert done.stdout == "1\n"
