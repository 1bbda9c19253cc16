"""Replies that no record can use, counted: an endpoint that gives nothing else ends a build."""

from dataclasses import dataclass, field

from ..core.chat_reply import Reply
from ..core.endpoint import EndpointError

FAILED = ("garbled", "refused")
"""Problems of replies that are not kept: the same request may well be answered later."""
MAX_FAILED = 10
"""Failed replies to a role in a row after which a build stops."""
_SAID = {
    "garbled": "are no chat completions",
    "refused": "were refused as bad requests (HTTP 400 or 422)",
}
_MEND = {
    "garbled": "Correct the address of the endpoint (it usually ends in /v1), or mend the server",
    "refused": "Correct what it names (a model that takes images, its limit of tokens), or mend the server; records "
    "that are refused for what they show have to be left out",
}


@dataclass
class FailedReplies:
    """Garbled and refused replies of one run, by role: another role may have another model, and another limit.

    Attributes:
        asked, failed: how many replies there were, those of earlier runs included, and how many of them failed.
        in_a_row: how many have failed since one that did not.
        last: the last one that failed, as (problem, its text).
    """

    asked: dict[str, int] = field(default_factory=dict)
    failed: dict[str, int] = field(default_factory=dict)
    in_a_row: dict[str, int] = field(default_factory=dict)
    last: dict[str, tuple[str, str]] = field(default_factory=dict)

    def note_kept(self, role: str) -> None:
        """Count a reply of an earlier run; it says nothing of the endpoint as it is now."""
        self.asked[role] = self.asked.get(role, 0) + 1

    def note(self, role: str, reply: Reply) -> None:
        """Count a reply; one that did not fail ends its role's row."""
        fails = reply.problem in FAILED
        self.asked[role] = self.asked.get(role, 0) + 1
        self.failed[role] = self.failed.get(role, 0) + fails
        self.in_a_row[role] = self.in_a_row.get(role, 0) + 1 if fails else 0
        if fails:
            self.last[role] = (reply.problem, reply.text)

    def add(self, other: dict) -> None:
        """Count what another one, as a dictionary, counted; its rows do not go on here."""
        for mine, theirs in ((self.asked, other["asked"]), (self.failed, other["failed"])):
            for role, count in theirs.items():
                mine[role] = mine.get(role, 0) + count
        self.last.update(other["last"])

    def check_row(self, role: str) -> None:
        """Make sure that not too many replies in a row have failed.

        Raises:
            EndpointError: `MAX_FAILED` have; says what came, and the mend.
        """
        if (count := self.in_a_row.get(role, 0)) >= MAX_FAILED:
            raise self._error(role, f"{count} replies in a row")

    def check_end(self) -> None:
        """Make sure, at the end of a build, that not all has failed: nothing was verified, and a role got no answer.

        Raises:
            EndpointError: it has; says what came, and the mend.
        """
        useless = [role for role, count in self.failed.items() if count == self.asked[role]]
        if useless and self.failed.get("verify", 0) == self.asked.get("verify", 0):
            raise self._error(useless[0], f"all {self.failed[useless[0]]} replies")

    def _error(self, role: str, which: str) -> EndpointError:
        problem, text = self.last[role]
        return EndpointError(
            f"{which} to the role {role} {_SAID[problem]}, and none was kept. The last one: {text:.300}. "
            f"{_MEND[problem]}; the same command asks those again and goes on from here."
        )
