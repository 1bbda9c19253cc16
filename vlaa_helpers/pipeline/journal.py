"""What a teacher said, on disk before it counts: a build that is killed goes on without asking anything twice."""

import hashlib
import json
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from ..core.endpoint import Reply
from ..core.images import image_hash
from ..core.jsonl import whole_rows
from .prompts import PROMPTS
from .teachers import Teacher


class BuildStopped(RuntimeError):
    """The build stopped on purpose, with everything kept; the same command goes on from there."""


@dataclass
class Usage:
    """What the replies of a build came to, those of earlier runs included."""

    calls: int = 0
    asked_now: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: float = 0.0
    budget: float | None = None

    def add(self, other: Mapping[str, float]) -> None:
        """Count what another one, as a dictionary, counted."""
        for name in ("calls", "asked_now", "prompt_tokens", "completion_tokens", "cost"):
            setattr(self, name, getattr(self, name) + other[name])

    def check_budget(self) -> None:
        if self.budget is not None and self.cost >= self.budget:
            raise BuildStopped(
                f"the budget is spent: {self.cost:.2f} of {self.budget:.2f} after {self.calls} replies. They are kept; "
                "the same command with a higher budget goes on from here."
            )


class Journal:
    """The replies to one chunk of records: a JSON line each, appended as they come.

    A reply is found again by the record's id, the role, and a hash of all it depends on: the prompt's version, the
    model with its settings, and what went into the prompt. `ask` may be called from several threads.
    """

    def __init__(self, path: Path, teacher: Teacher, usage: Usage):
        self.path, self.teacher, self.usage = path, teacher, usage
        self._lock = threading.Lock()
        self._replies = _read(path)
        self._file = path.open("a", encoding="utf-8")

    def __enter__(self) -> "Journal":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def ask(self, role: str, record: Mapping, fields: Mapping[str, str]) -> Reply:
        """The teacher's reply: from the journal when it is there, else asked for now and written down."""
        key = _key(self.teacher, role, record, fields)
        with self._lock:
            reply = self._replies.get(key)
            if reply is not None:
                self._count(role, reply)
                return reply
            self.usage.check_budget()
        reply = self.teacher.ask(role, record, fields)
        line = json.dumps({"key": key, **asdict(reply)}, ensure_ascii=False)
        with self._lock:
            self._file.write(line + "\n")
            self._file.flush()
            self._replies[key] = reply
            self._count(role, reply)
            self.usage.asked_now += 1
        return reply

    def _count(self, role: str, reply: Reply) -> None:
        self.usage.calls += 1
        self.usage.prompt_tokens += reply.prompt_tokens
        self.usage.completion_tokens += reply.completion_tokens
        self.usage.cost += self.teacher.cost(role, reply)


def _key(teacher: Teacher, role: str, record: Mapping, fields: Mapping[str, str]) -> str:
    seen = image_hash(record["image"]) if role == "caption" and record["image"] is not None else ""
    depends = json.dumps([PROMPTS[role].version, teacher.model_of(role), dict(fields), seen], sort_keys=True)
    return f"{record['id']}/{role}/{hashlib.sha256(depends.encode()).hexdigest()[:16]}"


def _read(path: Path) -> dict[str, Reply]:
    """The replies of earlier runs. A last line that a kill cut short never counted, and is removed."""
    if path.exists():
        with path.open("r+b") as file:
            file.truncate(file.read().rfind(b"\n") + 1)
    replies = {}
    for row in whole_rows(path):
        key = row.pop("key")
        replies[key] = Reply(**row)
    return replies
