"""Free memory of a machine is what a container leaves of it."""

import psutil
import pytest
import torch

from vlaa_helpers.policy import free_memory as module
from vlaa_helpers.policy.free_memory import free_memory

V1 = ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes", "memory/memory.stat", "total_inactive_file")
V2 = ("memory.max", "memory.current", "memory.stat", "inactive_file")


@pytest.mark.parametrize("names", [V1, V2])
@pytest.mark.parametrize(("limit", "expected"), [("1000", 1000 - 700 + 200), ("max", 9000), (str(2**63 - 4096), 9000)])
def test_a_limit_counts_and_cached_files_do_not(tmp_path, monkeypatch, names, limit, expected):
    limits, used, stat, cached = names
    (tmp_path / "memory").mkdir()
    (tmp_path / limits).write_text(f"{limit}\n")
    (tmp_path / used).write_text("700\n")
    (tmp_path / stat).write_text(f"anon 500\n{cached} 200\n")
    monkeypatch.setattr(module, "CGROUPS", tmp_path)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: type("Memory", (), {"available": 9000}))
    assert free_memory(torch.device("cpu")) == expected


def test_without_a_container_it_is_what_the_machine_has(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "CGROUPS", tmp_path)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: type("Memory", (), {"available": 9000}))
    assert free_memory(torch.device("cpu")) == 9000


@pytest.mark.parametrize(("fraction", "expected"), [(1.0, 600), (0.5, 500 - 150)])
def test_a_limit_on_a_gpu_counts(fraction, expected, monkeypatch):
    answers = {"mem_get_info": (600, 1000), "get_per_process_memory_fraction": fraction, "memory_reserved": 150}
    for name, answer in answers.items():
        monkeypatch.setattr(torch.cuda, name, lambda device, answer=answer: answer)
    assert free_memory(torch.device("cuda")) == expected
