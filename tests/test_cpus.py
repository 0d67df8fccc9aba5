"""CPUs: the quota of a control group counts, not the cores of the host."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sidecar import cpus
from sidecar.cpus import usable_cpus


@pytest.fixture(autouse=True)
def eight_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: set(range(8)))


def seen(folder: Path, membership: str, files: dict[str, str]) -> int:
    """Return the CPUs that a process in these groups may use."""
    groups = folder / "groups"
    for name, text in files.items():
        (groups / name).parent.mkdir(parents=True, exist_ok=True)
        (groups / name).write_text(text)
    (folder / "membership").write_text(membership)
    return usable_cpus(groups, folder / "membership")


@pytest.mark.parametrize(
    ("limit", "expected"),
    [
        pytest.param("max 100000\n", 8, id="no limit"),
        pytest.param("200000 100000\n", 2, id="whole CPUs"),
        pytest.param("150000 100000\n", 2, id="a started one counts whole"),
        pytest.param("10000 100000\n", 1, id="never less than one"),
        pytest.param("3200000 100000\n", 8, id="no more than its affinity"),
        pytest.param("100000 0\n", 8, id="no period, no quota"),
        pytest.param("what?\n", 8, id="another spelling says nothing"),
    ],
)
def test_version_2_quota_over_period(limit: str, expected: int, tmp_path: Path) -> None:
    assert seen(tmp_path, "0::/\n", {"cpu.max": limit}) == expected


def test_version_2_the_tightest_group_on_the_way_up_counts(tmp_path: Path) -> None:
    files = {"pod/cpu.max": "300000 100000\n", "pod/box/cpu.max": "max 100000\n"}
    assert seen(tmp_path, "0::/pod/box\n", files) == 3


@pytest.mark.parametrize(
    ("quota", "expected"),
    [
        pytest.param("-1\n", 8, id="no limit"),
        pytest.param("250000\n", 3, id="rounded up"),
    ],
)
@pytest.mark.parametrize("mount", ["cpu", "cpu,cpuacct"])
def test_version_1_quota_over_period(mount: str, quota: str, expected: int, tmp_path: Path) -> None:
    folder = f"{mount}/box"
    files = {f"{folder}/cpu.cfs_quota_us": quota, f"{folder}/cpu.cfs_period_us": "100000\n"}
    assert seen(tmp_path, f"9:memory:/other\n1:{mount}:/box\n0::/\n", files) == expected


def test_a_container_that_is_told_the_path_on_its_host_finds_its_limit_at_the_top(tmp_path: Path) -> None:
    files = {"cpu/cpu.cfs_quota_us": "100000\n", "cpu/cpu.cfs_period_us": "100000\n"}
    assert seen(tmp_path, "4:cpu,cpuacct:/docker/0123\n", files) == 1


def test_a_path_that_leaves_the_mount_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "cpu.max").write_text("100000 100000\n")
    assert seen(tmp_path, "0::/../\n", {"cpu.max": "max 100000\n"}) == 8


def test_without_control_groups_the_affinity_counts(tmp_path: Path) -> None:
    assert usable_cpus(tmp_path / "none", tmp_path / "none either") == 8


def test_where_there_is_no_affinity_the_cores_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(cpus.os, "cpu_count", lambda: 6)
    assert usable_cpus(tmp_path, tmp_path / "none") == 6
