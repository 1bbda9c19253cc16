"""The six steps of the VLAA-Thinking pipeline (arXiv 2504.11468 §2), each a small function of one record.

A record on its way is a dictionary with the columns of a record, `meta` parsed, and `provenance`: what each step wrote.
Each step gives a new one, or raises `Rejected` with the reason. `ask` is a teacher's `ask`, or a journal's.
"""

import hashlib
import json
from collections.abc import Callable, Mapping

from ..core.answers import parse_response
from ..core.chat_reply import Reply
from ..core.images import image_hash
from ..core.record_schema import meta_of
from ..core.trace_text import aha_words
from ..data.trl_views import completion_of
from ..mini_world.kinds import KINDS
from .prompts import PROMPTS
from .teachers import Teacher, final_answer

Ask = Callable[[str, Mapping, Mapping[str, str]], Reply]

STEPS = ("collect", "caption", "reason", "rewrite", "verify", "split")
MAX_WORDS_CHANGED = 15
"""A rewriting that changes the number of words by more than this has done more than it was asked (paper §2, step 4)."""
HINTS = {
    "rationale": "Known about the scene: ",
    "text_question": "The problem in words: ",
    "hint": "Also known: ",
}
"""Keys of `meta` that hold what a data set itself says about an image, and how it is introduced (§2, step 2)."""


def is_rl_only(source: str) -> bool:
    """Whether no traces are distilled from a source: its captions hallucinate persistently, so it goes to RL as it is
    (§2)."""
    return source == "geoqa170k" or (source in KINDS and KINDS[source].rl_only)


class Rejected(Exception):
    """A record leaves the pipeline: (step, reason, the text that was the reason)."""

    def __init__(self, step: str, reason: str, raw: str = ""):
        super().__init__(step, reason, raw)
        self.step, self.reason, self.raw = step, reason, raw


def open_record(row: Mapping) -> dict:
    """A row of a records dataset, ready for the steps: its `meta` parsed, no provenance yet."""
    return {**row, "meta": meta_of(row), "provenance": {}}


def close_record(record: Mapping) -> dict:
    """Back to the columns of a record; the provenance goes into `meta`."""
    columns = {name: value for name, value in record.items() if name != "provenance"}
    return {**columns, "meta": json.dumps({**record["meta"], "provenance": record["provenance"]}, ensure_ascii=False)}


def collect(record: Mapping, seen_ids: set[int], seen_images: set[int] | None) -> dict:
    """Step 1, metadata: a question, a ground truth, and an image that no earlier record has.

    Args:
        seen_ids, seen_images: `short_hash` of what earlier records had; this record's are added. None: images may
            come again.

    Raises:
        Rejected: `duplicate_id`, `duplicate_image`, or `unreadable_image`.
    """
    if (name := short_hash(record["id"])) in seen_ids:
        raise Rejected("collect", "duplicate_id", record["id"])
    seen_ids.add(name)
    if record["image"] is not None:
        try:
            shown = short_hash(image_hash(record["image"]))
        except (ValueError, OSError) as error:
            raise Rejected("collect", "unreadable_image", str(error)) from error
        if seen_images is not None:
            if shown in seen_images:
                raise Rejected("collect", "duplicate_image", record["id"])
            seen_images.add(shown)
    return dict(record)


def short_hash(text: str) -> int:
    """64 bits of a text, so that a set of hundreds of thousands stays small.

    Two of a million different texts are taken for one with a chance of 1 in 30 million.

    >>> short_hash("blocks-7") == short_hash("blocks-7") != short_hash("blocks-8")
    True
    """
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest())


def hint_of(record: Mapping) -> str:
    """What the data set itself says about the image, introduced; "" when it says nothing."""
    lines = [f"{words}{record['meta'][key]}" for key, words in HINTS.items() if record["meta"].get(key)]
    return "".join(f"\n\n{line}" for line in lines)


def caption(record: Mapping, ask: Ask, teacher: Teacher) -> dict:
    """Step 2: a caption of the image. A record that brings one, or that brings a trace, keeps what it has.

    Raises:
        Rejected: `no_image`, or what was wrong with the reply.
    """
    if record["caption"] or record["response"] or record["reasoning"]:
        return _noted(record, "caption", "given", record["caption"])
    if record["image"] is None:
        raise Rejected("caption", "no_image")
    text = _text(ask("caption", record, {"hint": hint_of(record)}), "caption").strip()
    return _noted({**record, "caption": text}, "caption", teacher.model_of("caption"))


def reason(record: Mapping, ask: Ask, teacher: Teacher) -> dict:
    """Step 3: a trace and an answer, written by someone who was told about the image and not shown it.

    Raises:
        Rejected: `no_thinking` when the reply has no think block, or what else was wrong with it.
    """
    if record["response"] or record["reasoning"]:
        given = record["response"] or f"<think>\n{record['reasoning']}\n</think>\n<answer>{record['gt']}</answer>"
        return _noted({**record, "response": given}, "reason", "given", given)
    fields = {"caption": record["caption"], "hint": hint_of(record), "question": record["question"]}
    text = _text(ask("reason", record, fields), "reason").strip()
    if parse_response(text).think is None:
        raise Rejected("reason", "no_thinking", text)
    return _noted({**record, "response": text}, "reason", teacher.model_of("reason"), text)


def rewrite(record: Mapping, ask: Ask, teacher: Teacher) -> dict:
    """Step 4: the trace speaks of the image where it spoke of a caption, and is otherwise the same.

    Raises:
        Rejected: `length_gap` when the number of words changed by more than `MAX_WORDS_CHANGED`, counted between blanks
            and without sign (the paper says neither: both are our reading), or what was wrong with the reply.
    """
    before = record["response"]
    after = _text(ask("rewrite", record, {"text": before}), "rewrite").strip()
    if abs(len(before.split()) - len(after.split())) > MAX_WORDS_CHANGED:
        raise Rejected("rewrite", "length_gap", after)
    return _noted({**record, "response": after}, "rewrite", teacher.model_of("rewrite"), after)


def verify(record: Mapping, ask: Ask, teacher: Teacher) -> dict:
    """Step 5: keep what a judge says agrees with the ground truth.

    The verdict is Yes or No, in any case, with a full stop or without.

    Raises:
        Rejected: `wrong_answer` (No), `not_yes_or_no`, or what was wrong with the reply.
    """
    fields = {"question": record["question"], "gt": record["gt"], "answer": final_answer(record["response"])}
    text = _text(ask("verify", record, fields), "verify")
    verdict = text.strip().removesuffix(".").lower()
    if verdict not in ("yes", "no"):
        raise Rejected("verify", "not_yes_or_no", text)
    if verdict == "no":
        raise Rejected("verify", "wrong_answer", record["response"])
    return _noted(record, "verify", teacher.model_of("verify"), text)


def run_steps(record: Mapping, ask: Ask, teacher: Teacher) -> tuple[str, dict]:
    """Steps 2 to 6 on a collected record: its set, "sft" or "rl", and the record as it came out.

    Raises:
        Rejected: by whichever step rejects it.
    """
    if is_rl_only(record["source"]):
        return "rl", dict(record)
    for step in (caption, reason, rewrite, verify):
        record = step(record, ask, teacher)
    return split(record)


def split(record: Mapping) -> tuple[str, dict]:
    """Step 6: "rl" for a response with a cue of self-reflection in it, "sft" for one without (paper §2, A.2).

    Searched is the whole response, the answer included; the paper does not say. The response becomes what SFT teaches:
    `<think>…</think><answer>…</answer>`. The cues found, by the paper's substring rule and as whole words, are noted.

    Raises:
        Rejected: `no_format` when the response cannot be put into that form.
    """
    text = record["response"]
    cues = {"substring": aha_words(text), "whole_words": aha_words(text, whole_words=True)}
    try:
        response = completion_of(record)
    except ValueError as error:
        raise Rejected("split", "no_format", str(error)) from error
    done = {**record, "response": response, "reasoning": parse_response(response).think or ""}
    done["provenance"] = {**record["provenance"], "split": {"cues": cues}}
    return ("rl" if cues["substring"] else "sft"), done


def _text(reply: Reply, step: str) -> str:
    if reply.problem:
        raise Rejected(step, reply.problem, reply.text)
    return reply.text


def _noted(record: Mapping, step: str, by: str, text: str | None = None) -> dict:
    note = {"by": by} if by == "given" else {"by": by, "prompt": PROMPTS[step].version}
    if by == "given" and (earlier := _earlier_writer(record, step)):
        note["earlier"] = earlier
    if text is not None:
        note["text"] = text
    return {**record, "provenance": {**record["provenance"], step: note}}


def _earlier_writer(record: Mapping, step: str) -> str:
    """Who wrote, in an earlier build, what a record brings; "" where its `meta` does not say: it may be anything."""
    before = record["meta"].get("provenance")
    note = before.get(step) if isinstance(before, Mapping) else None
    said = (note.get("earlier"), note.get("by")) if isinstance(note, Mapping) else ()
    return next((name for name in said if isinstance(name, str) and name != "given"), "")
