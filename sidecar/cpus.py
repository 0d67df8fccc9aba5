"""How many CPUs this process may keep busy: its affinity, and the quota of its control group.

A container with half a CPU on a host of 64 cores sees all of them; only its control group knows better.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from math import ceil
from pathlib import Path

CONTROL_GROUPS = Path("/sys/fs/cgroup")
MEMBERSHIP = Path("/proc/self/cgroup")


def usable_cpus(groups: Path = CONTROL_GROUPS, membership: Path = MEMBERSHIP) -> int:
    """Return the CPUs that this process may use, a started one counting whole; at least 1.

    Args:
        groups: Where control groups are mounted.
        membership: Which groups this process is in, as ``/proc/self/cgroup`` has it.
    """
    quotas = [quota for folder in _folders(groups, membership) for quota in _quotas(folder)]
    return max(1, min([_affinity(), *map(ceil, quotas)]))


def _affinity() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1  # macOS


def _folders(groups: Path, membership: Path) -> Iterator[Path]:
    """Yield the folders of the groups that may limit CPU time: this process's own and all above.

    Within a container the path may be the host's, of which only the top is mounted.

    Source: Linux, cgroups(7), "/proc/[pid]/cgroup": ``ID:CONTROLLERS:PATH``, version 2 being ``0::PATH``.
    """
    for line in _text(membership).splitlines():
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if controllers and "cpu" not in controllers.split(","):
            continue
        own = Path(path.lstrip("/"))
        # The second version is mounted at the top; the first one below it, by name of the controllers.
        for mount in {groups / controllers, groups / "cpu"} if controllers else {groups}:
            yield from (mount / each for each in (own, *own.parents) if ".." not in each.parts)


def _quotas(folder: Path) -> Iterator[float]:
    """Yield what a group allows, in CPUs.

    Source: Linux, Documentation: cgroup-v2 ``cpu.max`` ("$MAX $PERIOD", "max": no limit), and
    scheduler/sched-bwc ``cpu.cfs_quota_us`` (-1: no limit) and ``cpu.cfs_period_us``.
    """
    both = _text(folder / "cpu.max").split()
    if not both:
        both = [*_text(folder / "cpu.cfs_quota_us").split(), *_text(folder / "cpu.cfs_period_us").split()]
    match both:
        case [quota, period] if quota.isdecimal() and period.isdecimal() and int(period):
            yield int(quota) / int(period)


def _text(file: Path) -> str:
    try:
        return file.read_text("ascii")
    except (OSError, ValueError):
        return ""  # no such version, or no control groups at all: nothing to be said about CPUs
