"""Counts of failed replies, as the workers of a spread build send them home."""

import json
from dataclasses import asdict

import pytest

from vlaa_helpers.core.chat_reply import Reply
from vlaa_helpers.core.endpoint import EndpointError
from vlaa_helpers.pipeline.journal import Usage

GOOD, BAD = Reply("Yes"), Reply("no\x1b[2J images", "refused")


def worked(*replies: tuple[str, Reply]) -> dict:
    """The usage of a worker that got these, by role, as JSON brings it."""
    usage = Usage()
    for role, reply in replies:
        usage.failures.note(role, reply)
    return json.loads(json.dumps(asdict(usage)))


def test_workers_that_got_nothing_fail_together():
    usage = Usage()
    usage.add(worked(("caption", GOOD), ("reason", BAD)))
    usage.add(worked(("reason", BAD), ("reason", BAD)))
    with pytest.raises(EndpointError, match=r"^all 3 replies to the role reason were refused .* no\\x1b\[2J images\."):
        usage.failures.check_end()


@pytest.mark.parametrize("other", [("reason", GOOD), ("verify", GOOD)])
def test_one_reply_to_use_is_enough(other):
    usage = Usage()
    usage.add(worked(("reason", BAD), other))
    usage.failures.check_end()


def test_nothing_asked_has_not_failed():
    Usage().failures.check_end()
