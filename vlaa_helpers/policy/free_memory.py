"""How much memory is free: of a GPU or of this machine, as far as a process may have it."""

from pathlib import Path

import torch

CGROUPS = Path("/sys/fs/cgroup")
LIMITS = (
    ("memory.max", "memory.current", "memory.stat", "inactive_file"),  # cgroup v2
    ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes", "memory/memory.stat", "total_inactive_file"),  # v1
)
"""Where a container's limit, its use, and the part of that use which is cached files, are written."""


def free_memory(device: torch.device) -> int:
    """Bytes that can be had on a device now; no more than what is left of the process's limit on a GPU
    (`torch.cuda.set_per_process_memory_fraction`), and of a container's on a CPU."""
    if device.type == "cuda":
        free, total = torch.cuda.mem_get_info(device)
        limit = int(torch.cuda.get_per_process_memory_fraction(device) * total)
        return min(free, limit - torch.cuda.memory_reserved(device))
    import psutil

    free = psutil.virtual_memory().available
    for limit, used, stat, cached in LIMITS:
        try:
            values = dict(line.split() for line in (CGROUPS / stat).read_text().splitlines())
            held = int((CGROUPS / used).read_text()) - int(values.get(cached, 0))
            free = min(free, int((CGROUPS / limit).read_text()) - held)
        except (OSError, ValueError):  # no such file, or "max": no limit
            continue
    return free
