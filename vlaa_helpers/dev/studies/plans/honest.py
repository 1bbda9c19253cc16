"""Rewards of what a trace says about its image, held against the scene: TRL reward functions for `honest.yaml`.

A verifier reads answers and cannot see how a policy came by them. In the mini world the facts are known, so what is
said can be paid for exactly (arXiv 2604.08476 and 2604.24583 do it with a model as judge). Each gives 0 to 1.
"""

import json
from collections.abc import Sequence
from typing import Any

from vlaa_helpers.core.answers import completion_text
from vlaa_helpers.core.trace_text import trace_of
from vlaa_helpers.mini_world.claims import find_claims
from vlaa_helpers.mini_world.scenes import check_facts


def claims_true(completions: Sequence[Any], source: Sequence[str], meta: Sequence[str], **columns: Any) -> list[float]:
    """Share of true ones among the distinct claims of a trace; all of it where nothing is claimed."""
    return [_share_true(*of) for of in zip(completions, source, meta, strict=True)]


def facts_told(completions: Sequence[Any], source: Sequence[str], meta: Sequence[str], **columns: Any) -> list[float]:
    """Facts told rightly less claims that are false, as a share of the scene's facts; nothing where nothing is said."""
    return [_share_told(*of) for of in zip(completions, source, meta, strict=True)]


def _share_true(completion: Any, source: str, meta: str) -> float:
    trace = trace_of(completion_text(completion))
    claims = {(claim.kind, claim.text.lower(), claim.verdict) for claim in find_claims(source, _facts(meta), trace)}
    verdicts = [verdict for *_, verdict in claims if verdict != "not checkable"]
    return verdicts.count("true") / len(verdicts) if verdicts else 1.0


def _share_told(completion: Any, source: str, meta: str) -> float:
    true, false, left_out = check_facts(source, _facts(meta), trace_of(completion_text(completion)))
    return max(0, true - false) / max(1, true + left_out)


def _facts(meta: str) -> dict:
    return json.loads(meta)["facts"]
