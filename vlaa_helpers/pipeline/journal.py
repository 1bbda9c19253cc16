"""What a teacher said, on disk before it counts: a build that is killed goes on without asking anything twice."""

import hashlib
import json
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ..core.chat_reply import Reply
from ..core.images import image_hash
from ..core.jsonl import read_json_lines
from ..core.whole_files import open_own
from .failed_replies import FAILED, FailedReplies
from .prompts import PROMPTS
from .stops import BuildStopped, writing
from .teachers import Teacher


@dataclass
class Usage:
    """What the replies of a build came to, those of earlier runs included."""

    calls: int = 0
    asked_now: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: float = 0.0
    budget: float | None = None
    failures: FailedReplies = field(default_factory=FailedReplies)

    def add(self, other: Mapping[str, Any]) -> None:
        """Count what another one, as a dictionary, counted."""
        for name in ("calls", "asked_now", "prompt_tokens", "completion_tokens", "cost"):
            setattr(self, name, getattr(self, name) + other[name])
        self.failures.add(other["failures"])

    def check_budget(self) -> None:
        if self.budget is not None and self.cost >= self.budget:
            raise BuildStopped(
                f"the budget is spent: {self.cost:.2f} of {self.budget:.2f} after {self.calls} replies. They are kept; "
                "the same command with a higher budget goes on from here."
            )


class Journal:
    """The replies to one chunk of records: a JSON line each, appended as they come.

    Garbled and refused replies are given back and not written: a later run asks again.

    A reply is found again by the record's id, the role, and a hash of all it depends on: the prompt's version, the
    model with its settings, and what went into the prompt. `ask` may be called from several threads.

    Raises:
        ValueError: a line of the file is broken, other than a last one that a kill cut short.
        BuildStopped: the file cannot be written.
    """

    def __init__(self, path: Path, teacher: Teacher, usage: Usage):
        self.path, self.teacher, self.usage = path, teacher, usage
        self._lock = threading.Lock()
        with writing(path):
            _cut_to_whole_lines(path)
            self._file = open_own(path, "a", encoding="utf-8")
        try:
            self._replies = _read(path)
        except ValueError:
            self._file.close()
            raise

    def __enter__(self) -> "Journal":
        return self

    def __exit__(self, kind: type | None, *_: object) -> None:
        try:
            with writing(self.path):
                self._file.close()  # writes what a full disk has not taken
        except BuildStopped:
            if kind is None:
                raise

    def ask(self, role: str, record: Mapping, fields: Mapping[str, str]) -> Reply:
        """The teacher's reply: from the journal when it is there, else asked for now and written down.

        Raises:
            BuildStopped: the budget is spent, or the reply cannot be written.
            EndpointError: too many garbled or refused replies in a row.
        """
        key = _key(self.teacher, role, record, fields)
        with self._lock:
            reply = self._replies.get(key)
            if reply is not None:
                self.usage.failures.note_kept(role)
                self._count(role, reply)
                return reply
            self.usage.check_budget()
            self.usage.failures.check_row(role)
        reply = self.teacher.ask(role, record, fields)
        line = json.dumps({"key": key, **asdict(reply)}, ensure_ascii=False)
        with self._lock:
            self.usage.failures.note(role, reply)
            self.usage.failures.check_row(role)
            if reply.problem in FAILED:
                return reply
            with writing(self.path):
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


def _cut_to_whole_lines(path: Path) -> None:
    """A last line that a kill cut short never counted, and is removed."""
    if path.exists():
        with open_own(path, "r+b") as file:
            file.truncate(file.read().rfind(b"\n") + 1)


def _read(path: Path) -> dict[str, Reply]:
    """The replies of earlier runs, apart from failed ones, which earlier versions kept."""
    replies = {}
    for number, row, wrong in read_json_lines(path):
        if wrong := wrong or _wrong(row):
            raise ValueError(
                f"{path} line {number} is broken: {wrong}. Delete that line: its reply is asked for again, all others "
                "are kept."
            )
        key = row.pop("key")
        if row["problem"] not in FAILED:
            replies[key] = Reply(**row)
    return replies


_COLUMNS = {"key": str, "text": str, "problem": str, "prompt_tokens": int, "completion_tokens": int}
"""What a line holds: the key, and the fields of a `Reply`."""


def _wrong(row: object) -> str:
    """What a line has that no line should have; "" when there is nothing."""
    if not isinstance(row, dict) or row.keys() != _COLUMNS.keys():
        return f"expected an object with {', '.join(sorted(_COLUMNS))}"
    odd = [name for name, kind in _COLUMNS.items() if type(row[name]) is not kind]
    return f"{odd[0]} is {row[odd[0]]!r:.60}; expected {_COLUMNS[odd[0]].__name__}" if odd else ""
