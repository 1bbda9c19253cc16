"""A teacher for the mini world, free, fast, seeded, and imperfect on purpose."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random

from ..core.chat_reply import Reply
from ..core.endpoint import EndpointError
from ..core.record_schema import meta_of
from ..mini_world.captions import read_caption, write_caption
from ..mini_world.kinds import KINDS
from ..mini_world.response_styles import HEARSAY, MENTIONS, SECOND_LOOK, UNCLEAR, guess, solve, think_aloud
from ..rewards.mixed import MixedReward, is_correct
from .prompts import ROLES

_SAID = re.compile(r"\bthe (?:caption|description|rationale)\b", re.IGNORECASE)


@dataclass(frozen=True)
class ScriptedTeacher:
    """A teacher for the mini world, free, fast, seeded, and imperfect on purpose.

    Its captions leave things out and make things up; it reasons from the caption alone, so a fault there becomes a
    fluent wrong trace, as with the paper's blind teacher (arXiv 2504.11468 §2). The harder the scene, the longer it
    doubts. It judges mini-world answers by their verifiers; of other records it says Yes when the ground truth stands
    in the last line of the answer. All rates are shares of replies, 0-1.

    Attributes:
        seed: the same seed gives the same replies, whatever was asked before.
        omissions: captions that leave one thing out (not `angles` and `functions`, whose parts are all needed).
        hallucinations: captions that take one thing for another, or imagine one.
        second_looks: chances of a second look that are taken; a trace has one to three, the harder the scene the more.
        mentions: traces that speak of "the caption", so that the rewriting has work.
        slips: traces whose last line does not follow from their steps.
        overedits: rewritings that drop the second half of a trace instead of a word.
        misjudgements: verdicts that are turned round.
        hedges: verdicts that are neither Yes nor No.
    """

    seed: int = 0
    omissions: float = 0.08
    hallucinations: float = 0.10
    second_looks: float = SECOND_LOOK
    mentions: float = MENTIONS
    slips: float = 0.04
    overedits: float = 0.02
    misjudgements: float = 0.01
    hedges: float = 0.005

    concurrency = 1

    def model_of(self, role: str) -> str:
        return f"{self!r}, script 1"

    def cost(self, role: str, reply: Reply) -> float:
        return 0.0

    def ask(self, role: str, record: Mapping, fields: Mapping[str, str]) -> Reply:
        """See `Teacher.ask`.

        Raises:
            EndpointError: a caption or trace for a record that is not of the mini world.
        """
        if role not in ROLES:
            raise ValueError(f"unknown role {role!r}; expected one of {', '.join(ROLES)}")
        rng = Random(f"{self.seed}/{role}/{record['id']}")
        text = getattr(self, f"_{role}")(record, fields, rng)
        return Reply(text, "" if text.strip() else "empty_reply")

    def _scene(self, record: Mapping) -> dict:
        meta = meta_of(record)
        if record["source"] not in KINDS or "facts" not in meta:
            raise EndpointError(
                f"record {record['id']} (source {record['source']}) has no scene facts: the scripted teacher knows "
                "only the mini world. Use ChatTeacher for other pictures, or give the record a caption and a response."
            )
        return meta

    def _caption(self, record: Mapping, fields: Mapping[str, str], rng: Random) -> str:
        return write_caption(
            record["source"],
            self._scene(record)["facts"],
            rng,
            omissions=self.omissions,
            hallucinations=self.hallucinations,
        )

    def _reason(self, record: Mapping, fields: Mapping[str, str], rng: Random) -> str:
        meta, source = self._scene(record), record["source"]
        seen = read_caption(source, fields["caption"])
        if seen is None:
            return f"<think>{UNCLEAR}</think>\n<answer>not clear</answer>"
        answer = solve(source, seen, meta["task"])[1]
        if rng.random() < self.slips:
            answer = guess(source, seen, meta["task"], rng)
        whence = HEARSAY[0] if rng.random() < self.mentions else None
        options = {"difficulty": meta.get("difficulty", 1), "second_looks": self.second_looks, "whence": whence}
        think = think_aloud(source, seen, meta["task"], rng, **options)
        return f"<think>{think}</think>\n<answer>{answer}</answer>"

    def _rewrite(self, record: Mapping, fields: Mapping[str, str], rng: Random) -> str:
        text = _SAID.sub(lambda match: match[0][:4] + "picture", fields["text"])
        if rng.random() < self.overedits:
            think, tag, rest = text.partition("</think>")
            return think[: len(think) // 2].rpartition(" ")[0] + tag + rest
        return text

    def _verify(self, record: Mapping, fields: Mapping[str, str], rng: Random) -> str:
        if rng.random() < self.hedges:
            return "It depends on how the question is read."
        agrees = self._agrees(record, fields) != (rng.random() < self.misjudgements)
        return "Yes" if agrees else "No"

    def _agrees(self, record: Mapping, fields: Mapping[str, str]) -> bool:
        answer, gt, kind = fields["answer"], fields["gt"], record["verifier_type"]
        if record["source"] not in KINDS:  # prose about an image that a script knows nothing of: how does it end?
            ending = answer.strip().rpartition("\n")[2]
            return re.search(rf"(?<!\w){re.escape(gt.strip(' .'))}(?!\w)", ending, re.IGNORECASE) is not None
        meta = record["meta"] if isinstance(record["meta"], str) else json.dumps(record["meta"])
        tagged = f"<think>…</think><answer>{answer}</answer>"
        score = MixedReward().score(tagged, gt, kind, question=fields["question"], meta=meta)
        return is_correct(score, kind)
