"""Measures of reasoning that need the policy: does its answer come from its trace?

Answers forced after part of a trace and mistakes put into it are from arXiv 2307.13702; the log-probabilities that each
step adds, and the rules that say what follows from a mistake, are ours.
"""

import math
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.answers import FormatProblem, extract_answer, parse_response
from ..core.kept_rows import KeptRows
from ..core.trace_text import step_spans, trace_of
from ..data.trl_views import to_grpo
from ..evaluation.runner import LATER, digest_of, model_settings
from ..policy.generation import NO_THINKING
from ..policy.loading import image_token_ids
from ..rewards.choice import options_of
from ..rewards.mixed import MixedReward, is_correct
from ..rewards.registry import get_verifier
from .continuations import Branches, common_start
from .corruptions import Corruption, corrupt_trace, is_said_again
from .measures import record_places, response_text
from .probe_report import ProbeReport, warn_of_truncation

if TYPE_CHECKING:
    from datasets import Dataset

PROBES = ("partial", "steps", "corrupted")


def probe_traces(
    model: Any,
    processor: Any,
    records: "Dataset",
    responses: Sequence[str | Mapping | Sequence[Mapping]],
    *,
    probes: Sequence[str] = PROBES,
    reward: MixedReward | None = None,
    max_answer_tokens: int = 64,
    max_new_tokens: int = 128,
    batch_size: int = 64,
    seed: int = 0,
    out: str | Path | None = None,
) -> ProbeReport:
    """Cut, force and corrupt the traces of responses, and see what the policy answers.

    A trace is cut after each of its n steps (`trace_text.step_spans`) and, as cut 0, before the first: that is the
    control without thinking, asked as `evaluate(think=False)` asks it. At the other cuts the think block is closed and
    the answer block opened the way the response itself does it.

    - "partial": the answer that the policy then writes, greedily; its score; whether it is the answer after all steps.
    - "steps": the log-probability of an answer there: of exactly these words and the closing tag, given the image,
      the question and the steps so far, as a sum over their tokens, in nats. Once of the correct answer (`gt`; in
      multiple choice the letter and the option's text together), once of the given one. What a step adds is its
      information *for this policy*: a step may be true and add nothing (the policy saw it), or false and add much. The
      first step also adds what an empty think block takes from a policy that never wrote one. For open answers the
      correct one is the reference's wording, one of many right ones.
    - "corrupted": one fact is changed (`corruptions.corrupt_trace`), the trace is kept up to and including it, and the
      policy goes on, greedily; beside it the same from the trace as it was. Is the answer another? The implied one?

    Two answers are the same when their words are, case and blanks aside, or when the verifier calls the one right with
    the other as ground truth. Responses are tokenised anew, so a policy's own may fall into other tokens than it wrote.

    Cost: with P tokens of prompt (read once for all responses to it that are in a batch together), T of trace, n steps,
    c to close and open the blocks, a of an answer, and r of what follows the corrupted fact, a trace takes about
    P + T tokens, and (n + 1)(c + a) for "partial", 2 to 3 times (n + 1)(c + a) for "steps", 2r for "corrupted". Without
    the shared cache each of these (3 to 4)(n + 1) + 2 continuations would read P tokens and its part of T again. The
    report has both numbers for each trace. Memory: about three key-value caches of `batch_size` sequences of
    P + T tokens.

    Args:
        model, processor: a Qwen2-VL, 2.5-VL or 3-VL, as `load_policy` gives them, adapters on it or not.
        records: the rows that were asked about.
        responses: texts or completions, one for each record in the same order; or rows with `response` and `id`, such
            as `EvalReport.rows`, several a record or none.
        probes: any of `PROBES`.
        reward: decides what is right; `MixedReward()` by default.
        max_answer_tokens: of a forced answer; one that is longer has no answer.
        max_new_tokens: of what follows a corrupted fact: enough for the mini lab; of a real model as many as it was
            given for the responses. A warning says where over 5% were truncated.
        batch_size: sequences that go through the model at once.
        seed: of the choice of what is corrupted.
        out: a folder that keeps the rows as they come; after an interruption the same call goes on from there.

    Returns:
        A `ProbeReport`. A response without one whole think block, an answer after it and a step in it has NaN, and the
        reason as its `problem`. The model is left in the mode (train or eval) that it was in.

    Raises:
        TypeError: responses is one string, or holds something that is no response.
        ValueError: no responses, unknown probes, responses without a record, an `out` that holds another probing, or a
            model whose cache cannot be shared (`prefix_cache.unshareable_reason`).
    """
    import torch
    from tqdm.auto import tqdm

    from ..policy.dense_weights import dense_weights

    if isinstance(responses, str):
        raise TypeError("responses is one string; pass a list of responses, such as [response]")
    if unknown := [name for name in probes if name not in PROBES] or not probes:
        raise ValueError(f"probes are any of {', '.join(PROBES)}; got {unknown if probes else 'none'}")
    if min(batch_size, max_answer_tokens, max_new_tokens) < 1:
        raise ValueError("batch_size, max_answer_tokens and max_new_tokens are at least 1")
    responses = list(responses)
    if not responses:
        raise ValueError("nothing to probe: responses is empty")
    texts, ids = [response_text(each) for each in responses], records["id"][:]
    places = record_places(responses, ids)
    settings = {
        "traces": len(texts),
        "probes": sorted(set(probes), key=PROBES.index),
        "max_answer_tokens": max_answer_tokens,
        "max_new_tokens": max_new_tokens,
        "seed": seed,
        "items": digest_of("\n".join(f"{ids[place]}\n{text}" for place, text in zip(places, texts, strict=True))),
    }
    if out is not None:
        settings |= model_settings(model, processor)
    kept = KeptRows(out, settings, wanted=len(texts), what="probing", later=LATER)
    prober = _Prober(model, processor, to_grpo(records), reward or MixedReward(), settings, batch_size)
    was_training = model.training
    model.eval()
    try:
        with torch.no_grad(), dense_weights(model):
            for first in tqdm(range(len(kept.rows), len(texts), batch_size), unit="batch", leave=False, desc="probe"):
                span = slice(first, first + batch_size)
                kept.add(prober.rows(places[span], texts[span]))
    finally:
        model.train(was_training)
    report = ProbeReport(tuple(kept.rows), kept.settings)
    warn_of_truncation(report, settings)
    return report


# ---- the parts of a response ----

_THINK = re.compile(r"<\s*+think\s*+>", re.IGNORECASE | re.ASCII)
_CLOSING = re.compile(r"\s*</think>\s*<answer>\s*")
_BETWEEN = "\n</think>\n<answer>"
_CANNOT_BE_CUT = (FormatProblem.SEVERAL_THINKS, FormatProblem.ANSWER_BEFORE_THINK)


@dataclass(frozen=True)
class Parts:
    """A response as text that can be cut: `opening + trace + closing + answer`, and what is left.

    Attributes:
        opening: up to the trace; empty where the prompt has opened the think block.
        trace: the thinking.
        closing: from there into the answer block, as the response has it; ours where words stand in between, which
            would tell the answer at every cut.
        answer: the given one.
        ends: where each step ends, in characters of the trace; the last one is the end of the trace.
    """

    opening: str
    trace: str
    closing: str
    answer: str
    ends: tuple[int, ...]

    def start(self, cut: int) -> str:
        """The response up to the answer, with the first `cut` steps."""
        return NO_THINKING if cut == 0 else self.opening + self.trace[: self.ends[cut - 1]] + self.closing


def cut_response(response: str) -> Parts | str:
    """The parts of a response, or what keeps it from being cut.

    >>> cut_response("<think>2 + 1 = 3. So 3.</think>\\n<answer>3</answer>").start(1)
    '<think>2 + 1 = 3.</think>\\n<answer>'
    >>> cut_response("<answer>3</answer>")
    'no_think'
    """
    parsed = parse_response(response)
    if parsed.answer is None or not parsed.think or parsed.problem in _CANNOT_BE_CUT:
        return str(parsed.problem)
    ends = [end for _, end in step_spans(parsed.think)]
    if not ends:
        return "no_step"
    opened = _THINK.search(response)
    start = response.index(parsed.think, opened.end() if opened else 0)
    stop = start + len(parsed.think)
    closing = _CLOSING.match(response, stop)
    return Parts(
        response[:start],
        parsed.think,
        closing[0] if closing else _BETWEEN,
        parsed.answer,
        (*ends[:-1], len(parsed.think)),
    )


# ---- answers ----


def correct_answers(record: Mapping) -> list[str]:
    """The ways to write the correct answer: the ground truth, and where it is an option's letter also its text."""
    gt = record["gt"].strip()
    text = options_of(record["question"]).get(gt)
    return [gt, text] if text else [gt]


def same_answer(a: str, b: str, record: Mapping, reward: MixedReward) -> bool:
    """Whether two answers to a question are one: in words, or for the verifier (`Verifier.same_answer`)."""
    if " ".join(a.split()).casefold() == " ".join(b.split()).casefold():
        return True
    same = get_verifier(record["verifier_type"]).same_answer
    if same is not None:
        return same(a, b, record["question"])
    return any(_is_right(said, gt, record, reward) for said, gt in ((a, b), (b, a)))


def _is_right(answer: str, gt: str, record: Mapping, reward: MixedReward) -> bool:
    kind = record["verifier_type"]
    try:
        score = reward.score(f"<answer>{answer}</answer>", gt, kind, question=record["question"], meta=record["meta"])
    except ValueError:  # an answer that no ground truth could be
        return False
    return is_correct(score, kind)


# ---- probing ----


@dataclass(frozen=True)
class _Case:
    """One trace in a batch: its row among the trunks, its record, its parts, and the tokens at each cut."""

    row: int
    record: dict
    parts: Parts
    starts: list[str]
    tokens: list[list[int]]


class _Prober:
    """Rows of a `ProbeReport`, one batch of responses after the other."""

    def __init__(
        self, model: Any, processor: Any, prompts: "Dataset", reward: MixedReward, settings: dict, batch_size: int
    ):
        self.model, self.processor, self.prompts = model, processor, prompts
        self.reward, self.settings, self.batch_size = reward, settings, batch_size
        self._images = set(image_token_ids(processor))

    def rows(self, places: list[int], texts: list[str]) -> list[dict]:
        start = time.perf_counter()
        wanted = sorted(set(places))
        asked = dict(zip(wanted, self.prompts.select(wanted), strict=True))
        rows, trunks, cases, owners = [], [], [], []
        prompts: dict[int, int] = {}  # place of a record -> row among the prompts
        for place, text in zip(places, texts, strict=True):
            record = asked[place]
            row, parts = self._row(record, text), cut_response(text)
            rows.append(row)
            if isinstance(parts, str):
                row["problem"] = parts
                continue
            starts = [parts.start(cut) for cut in range(len(parts.ends) + 1)]
            tokens = self._tokens(starts)
            if self._images & set(self._tokens([text])[0]):
                row["problem"] = "picture_token"
                continue
            owners.append(row)
            cases.append(_Case(len(cases), record, parts, starts, tokens))
            trunks.append((prompts.setdefault(place, len(prompts)), tokens[-1]))
        if cases:
            messages, images = ([asked[place][name] for place in prompts] for name in ("prompt", "images"))
            branches = Branches(self.model, self.processor, messages, images, trunks, batch_size=self.batch_size)
            self._probe(branches, cases, owners)
        for row in rows:
            row["seconds"] = (time.perf_counter() - start) / len(rows)
        return rows

    def _row(self, record: Mapping, response: str) -> dict:
        answer, correct = extract_answer(response), self._score(response, record)["correct"]
        row = {"id": record["id"], "source": record["source"], "response": response, "answer": answer}
        row |= {"given_correct": correct, "given_kept": None, "problem": None, "cuts": [], "corrupted": None}
        return row | {"tokens": 0, "tokens_alone": 0, "seconds": 0.0}

    def _score(self, response: str, record: Mapping) -> dict:
        kind = record["verifier_type"]
        score = self.reward.score(response, record["gt"], kind, question=record["question"], meta=record["meta"])
        correct = None if score.value is None else is_correct(score, kind)
        return {"answer": extract_answer(response), "value": score.value, "correct": correct}

    def _tokens(self, texts: list[str]) -> list[list[int]]:
        return self.processor.tokenizer(texts, add_special_tokens=False)["input_ids"]

    def _probe(self, branches: Branches, cases: list[_Case], rows: list[dict]) -> None:
        for case, row in zip(cases, rows, strict=True):
            row["cuts"] = [{"cut": cut, "end": end} for cut, end in enumerate((0, *case.parts.ends))]
        if "partial" in self.settings["probes"]:
            self._partial(branches, cases, rows)
        if "steps" in self.settings["probes"]:
            self._steps(branches, cases, rows)
        if "corrupted" in self.settings["probes"]:
            self._corrupted(branches, cases, rows)
        for case, row in zip(cases, rows, strict=True):
            row["tokens"], row["tokens_alone"] = branches.tokens[case.row], branches.tokens_alone[case.row]

    def _partial(self, branches: Branches, cases: list[_Case], rows: list[dict]) -> None:
        starts = [(case.row, tokens) for case in cases for tokens in case.tokens]
        texts = iter(branches.write(starts, max_new_tokens=self.settings["max_answer_tokens"]))
        for case, row in zip(cases, rows, strict=True):
            for cut, start in zip(row["cuts"], case.starts, strict=True):
                text, is_cut = next(texts)
                cut |= self._score(start + text, case.record) | {"truncated": is_cut}
            final = row["cuts"][-1]["answer"]
            for cut in row["cuts"]:
                cut["same"] = None if final is None else self._same(cut["answer"], final, case)
            row["given_kept"] = None if final is None else self._same(final, case.parts.answer, case)

    def _same(self, a: str | None, b: str, case: _Case) -> bool:
        return a is not None and same_answer(a, b, case.record, self.reward)

    def _steps(self, branches: Branches, cases: list[_Case], rows: list[dict]) -> None:
        asked = []
        for case in cases:
            correct = correct_answers(case.record)
            answers = dict.fromkeys((*correct, case.parts.answer))
            for cut, (start, tokens) in enumerate(zip(case.starts, case.tokens, strict=True)):
                whole = self._tokens([f"{start}{answer}</answer>" for answer in answers])
                for answer, ids in zip(answers, whole, strict=True):
                    # where the answer's first token takes in the end of the tag, it counts as a token of the answer
                    asked.append((case, cut, answer, ids, len(ids) - common_start(tokens, ids)))
        values = branches.logps([(case.row, ids, count) for case, _, _, ids, count in asked])
        found: dict[tuple[int, int], dict[str, float]] = {}
        for (case, cut, answer, *_), value in zip(asked, values, strict=True):
            found.setdefault((case.row, cut), {})[answer] = value
        for case, row in zip(cases, rows, strict=True):
            for cut in row["cuts"]:
                of = found[case.row, cut["cut"]]
                cut["logp_correct"] = _log_sum([of[answer] for answer in correct_answers(case.record)])
                cut["logp_given"] = of[case.parts.answer]

    def _corrupted(self, branches: Branches, cases: list[_Case], rows: list[dict]) -> None:
        changes: list[tuple[_Case, dict, Corruption]] = []
        for case, row in zip(cases, rows, strict=True):
            parts = case.parts
            change = corrupt_trace(parts.trace, case.record, answer=parts.answer, seed=self.settings["seed"])
            if change is not None:
                changes.append((case, row, change))
        if not changes:
            return
        starts = [
            case.parts.opening + prefix
            for case, _, change in changes
            for prefix in (change.prefix(case.parts.trace), change.corrupted_prefix(case.parts.trace))
        ]
        asked = [(case.row, tokens) for (case, *_), tokens in zip(_twice(changes), self._tokens(starts), strict=True)]
        written = branches.write(asked, max_new_tokens=self.settings["max_new_tokens"])
        whole = [start + text for start, (text, _) in zip(starts, written, strict=True)]
        cut = [is_cut for _, is_cut in written]
        for k, (case, row, change) in enumerate(changes):
            clean, corrupted = whole[2 * k : 2 * k + 2]
            row["corrupted"] = self._compared(case, change, clean, corrupted) | {"truncated": cut[2 * k : 2 * k + 2]}

    def _compared(self, case: _Case, change: Corruption, clean: str, corrupted: str) -> dict:
        before, after = extract_answer(clean), extract_answer(corrupted)
        changed = follows = repairs = None
        if before is not None and after is not None:
            changed = not self._same(after, before, case)
            if change.implied and not any(self._same(before, answer, case) for answer in change.implied):
                follows = any(self._same(after, answer, case) for answer in change.implied)
            again = is_said_again(change, case.parts.trace, trace_of(corrupted), case.record)
            repairs = None if again is None else again and not changed
        names = ("start", "end", "stop", "original", "replacement", "kind")
        return {
            **{name: getattr(change, name) for name in names},
            "implied": list(change.implied),
            "clean": clean,
            "clean_answer": before,
            "corrupted": corrupted,
            "corrupted_answer": after,
            "changed": changed,
            "follows": follows,
            "repairs": repairs,
        }


def _twice(items: list) -> list:
    return [item for item in items for _ in range(2)]


def _log_sum(values: list[float]) -> float:
    """The logarithm of the sum of what these are logarithms of."""
    top = max(values)
    return top + math.log(sum(math.exp(value - top) for value in values))
