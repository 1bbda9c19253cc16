"""What a teacher said, on disk before it counts: a build that is killed goes on without asking anything twice."""

import hashlib
import json
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from ..core.chat_reply import Reply
from ..core.endpoint import EndpointError
from ..core.images import image_hash
from ..core.jsonl import read_rows
from .prompts import PROMPTS
from .stops import BuildStopped, writing
from .teachers import Teacher

MAX_GARBLED = 10
"""Garbled replies in a row after which a build stops: it does not talk to a chat endpoint."""


@dataclass
class Usage:
    """What the replies of a build came to, those of earlier runs included."""

    calls: int = 0
    asked_now: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: float = 0.0
    budget: float | None = None
    garbled_in_a_row: int = 0
    last_garbled: str = ""

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

    def note_garbled(self, reply: Reply) -> None:
        """Count garbled replies in a row; any other reply ends the row."""
        self.garbled_in_a_row = self.garbled_in_a_row + 1 if reply.problem == "garbled" else 0
        self.last_garbled = reply.text if reply.problem == "garbled" else ""

    def check_garbled(self) -> None:
        if self.garbled_in_a_row >= MAX_GARBLED:
            raise EndpointError(
                f"{self.garbled_in_a_row} replies in a row are no chat completions, and none was kept. The last one: "
                f"{self.last_garbled[:300]!r}. Correct the address of the endpoint (it usually ends in /v1), or mend "
                "the server; the same command goes on from here."
            )


class Journal:
    """The replies to one chunk of records: a JSON line each, appended as they come.

    Garbled replies are given back and not written: a later run asks again.

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
            self._file = path.open("a", encoding="utf-8")
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
            EndpointError: too many garbled replies in a row.
        """
        key = _key(self.teacher, role, record, fields)
        with self._lock:
            reply = self._replies.get(key)
            if reply is not None:
                self._count(role, reply)
                return reply
            self.usage.check_budget()
            self.usage.check_garbled()
        reply = self.teacher.ask(role, record, fields)
        line = json.dumps({"key": key, **asdict(reply)}, ensure_ascii=False)
        with self._lock:
            self.usage.note_garbled(reply)
            self.usage.check_garbled()
            if reply.problem == "garbled":
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
        with path.open("r+b") as file:
            file.truncate(file.read().rfind(b"\n") + 1)


def _read(path: Path) -> dict[str, Reply]:
    """The replies of earlier runs."""
    replies = {}
    for number, row, wrong in read_rows(path):
        if not wrong and (not isinstance(row, dict) or row.keys() != _COLUMNS):
            wrong = f"expected an object with {', '.join(sorted(_COLUMNS))}"
        if wrong:
            raise ValueError(
                f"{path} line {number} is broken: {wrong}. Delete that line: its reply is asked for again, all others "
                "are kept."
            )
        key = row.pop("key")
        replies[key] = Reply(**row)
    return replies


_COLUMNS = {"key", *(field.name for field in fields(Reply))}
