"""Held-out accuracy that can be trusted: one prompt and one way of sampling for all models, and every response kept."""

import hashlib
import logging
import time
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ..core.answers import parse_response
from ..core.kept_rows import RESPONSES, KeptRows
from ..data.trl_views import to_grpo
from ..mini_world.garbled import is_garbled
from ..mini_world.scenes import source_of_scene
from ..policy.generation import NO_THINKING, SamplingParams, response_batches
from ..policy.profiles import Profile
from ..policy.text_checks import check_texts
from ..rewards.mixed import MixedReward, is_correct
from .eval_report import EvalReport, with_garbled
from .image_controls import control_images
from .own_prompt import own_prompt, with_tags
from .report_checks import check_about, check_rows

if TYPE_CHECKING:
    from datasets import Dataset

logger = logging.getLogger(__name__)
MINI_LIMIT = 128
"""Tokens of a response where neither a limit nor a profile is named: enough for the mini lab, not for a real model."""
LATER = ("base", "dtype", "image_size")
"""Settings of the model that folders of earlier versions do not hold."""
SAMPLED = 256
"""Values of each weight of a base that tell it from another."""


def evaluate(
    model: Any,
    processor: Any,
    records: "Dataset",
    *,
    reward: MixedReward | None = None,
    samples: int = 1,
    temperature: float = 1.0,
    profile: Profile | None = None,
    max_new_tokens: int | None = None,
    think: bool = True,
    batch_size: int | None = None,
    seed: int = 0,
    exact_draws: bool = False,
    images: Literal["true", "blank", "swapped"] = "true",
    prompt: Literal["ours", "own"] = "ours",
    about: dict | None = None,
    out: str | Path | None = None,
) -> EvalReport:
    """Ask a model every question of `records` and score what it says.

    Args:
        model, processor: any vision-language model and its processor; `load_policy` gives such a pair.
        records: held-out rows.
        reward: gives the scores; `MixedReward()` by default. Each verifier says which count as right (`is_correct`).
        samples: 1 decodes greedily; more draws that many responses an item at `temperature`.
        profile: decides `max_new_tokens` and `batch_size` where they are not named: the length of its completions, and
            as many sequences at once as it samples in training.
        max_new_tokens: a response that reaches it without ending counts as truncated. Without a profile it is 128, the
            mini lab's, and a warning says so where that cuts more than 5% of the responses.
        think: False is the control without thinking: every response starts with an empty think block and an open answer
            tag, so that the model can only answer.
        batch_size: sequences generated at once; without a profile 64, which is much for a model of billions.
        seed: of the sampling, and of which images are swapped.
        exact_draws: sample with the random numbers that `generate` would take, as `train_grpo` has it.
        images: what the model is shown. "blank" and "swapped" are the controls without vision: a uniform grey image, or
            that of another record of the source, in the same size (`control_images` says how, and shows them). Prompts
            stay the same to the token; ground truths stay, and a scorer that looks sees the true image.
        prompt: "ours" asks with our system prompt, for thinking and an answer in tags, as our trainings do. "own" asks
            as other harnesses do, under the model's own system prompt, and takes the answer from free text
            (`free_answer`). The two are different measurements: reports say which one they are.
        about: what a report should say of the records, as `read_benchmark(…).about` does (benchmark, repository, rows,
            left_out); kept in its settings.
        out: a folder that keeps the responses as they come; after an interruption the same call goes on from there.
            Those that are there are scored anew, and a line says how many: a folder may come from a stranger, whose
            scores count for nothing. That they are this model's words is the folder's claim.

    Returns:
        An `EvalReport`; the model is left in the mode (train or eval) that it was in.

    Raises:
        ValueError: no records, two records with one id, a control token in a question, an `out` that holds another
            evaluation, records that have no image to replace (`control_images`) or that the reward cannot score
            (`MixedReward.check_records`), or `think=False` with a prompt that has no tags.
        MemoryError: out of memory; the settings to change are in the message.
        ImageFeaturesError: the vision tower gave features of an image that are not finite; the record is named.
    """
    if len(records) == 0:
        raise ValueError("nothing to evaluate: records is empty")
    ids = records["id"][:]
    if len(set(ids)) < len(ids):
        raise ValueError(
            f"{len(ids) - len(set(ids))} of {len(ids)} records share an id with another; give each its own"
        )
    if prompt == "own" and not think:
        raise ValueError('think=False starts each response with our tags, which prompt="own" does not have; drop one')
    reward = reward or MixedReward()
    reward.check_records(records)
    check_texts(records, processor, columns=["question"])
    shown_records = control_images(records, images, seed=seed)
    start_of = "" if think else NO_THINKING
    batch_size = batch_size or (profile.sampled_at_once if profile else 64)
    limit = max_new_tokens or (profile.max_completion_length if profile else MINI_LIMIT)
    sampling = SamplingParams(samples, temperature, limit, start_of, seed, exact_draws)
    settings = {"records": len(ids), **asdict(sampling), "batch_size": batch_size, "items": digest_of("\n".join(ids))}
    if images != "true":  # without the word the images are the true ones: folders from before it can go on
        settings["images"] = images
    if prompt != "ours":
        settings["prompt"] = prompt
    check_about(about)
    if about is not None:
        settings["about"] = about
    if out is not None:
        settings |= model_settings(model, processor)
    unit = 1 if samples == 1 else max(1, batch_size // samples) * samples  # what is sampled is drawn by the batch
    prompt_of = own_prompt if prompt == "own" else None
    asked = to_grpo(records, prompt_of=prompt_of)
    again = partial(_scored_again, asked=asked, samples=samples, reward=reward, prompt=prompt, out=out)
    wanted = {"wanted": len(ids) * samples, "unit": unit}
    free = ("batch_size", "temperature") if samples == 1 else ()
    kept = KeptRows(out, settings, **wanted, what="evaluation", later=LATER, free=free, again=again)
    done = len(kept.rows) // samples
    shown = asked if images == "true" else to_grpo(shown_records, prompt_of=prompt_of)
    prompts = shown.select(range(done, len(ids))) if done < len(ids) else []
    start = time.perf_counter()
    for batch, texts in response_batches(model, processor, prompts, sampling, batch_size=batch_size, words="evaluate"):
        seconds = (time.perf_counter() - start) / len(texts)
        if images == "true":
            rows = [dict(zip(batch, values, strict=True)) for values in zip(*batch.values(), strict=True)]
        else:  # scored with the true images
            first = len(kept.rows) // samples
            rows = [asked[k] for k in range(first, first + len(texts) // samples)]
        kept.add([_row(rows[k // samples], *text, seconds, reward, prompt) for k, text in enumerate(texts)])
        start = time.perf_counter()
    report = EvalReport(with_garbled(kept.rows), samples, kept.settings)
    if max_new_tokens is None and profile is None and report.truncated > 0.05:
        logger.warning(
            f"{report.truncated:.0%} of the responses were truncated at {limit} tokens, the mini lab's limit: accuracy "
            "is of those that ended. Name one: evaluate(…, profile=profile), or max_new_tokens=512"
        )
    return report


def fingerprint(model: Any) -> str:
    """A short name for a model as it is now: its base, and a hash of its adapters and of all weights that train.

    The reference that TRL keeps beside a policy ("ref") is no part of it.
    """
    digest = hashlib.sha256()
    for name, parameter in sorted(model.named_parameters()):
        if parameter.requires_grad or ("lora_" in name and ".ref." not in name):
            digest.update(name.encode())
            digest.update(parameter.detach().float().cpu().numpy().tobytes())
    return f"{Path(model.config.name_or_path).name} {digest.hexdigest()[:16]}"


def model_settings(model: Any, processor: Any) -> dict[str, Any]:
    """What a folder keeps of the model that is asked: its `fingerprint`, that of the base under its adapters, the
    precision that it computes in, and the size that its processor brings images to."""
    size = getattr(getattr(processor, "image_processor", None), "size", None) or {}
    return {
        "model": fingerprint(model),
        "base": base_fingerprint(model),
        "dtype": str(model.get_input_embeddings().weight.dtype).removeprefix("torch."),
        "image_size": {name: value for name, value in dict(size).items() if value is not None},
    }


def base_fingerprint(model: Any) -> str:
    """A short name for the weights that do not train: two merged models are both called "merged", without any adapter.

    Of each weight `SAMPLED` values are looked at, floats in steps of 1/1024, so that a base is the same in float16 and
    bfloat16. In 4 bits it is another model. Weights that are sharded among processes are left out.
    """
    import torch

    digest, samples = hashlib.sha256(), {}
    for name, parameter in sorted(model.named_parameters()):
        data = parameter.data
        if parameter.requires_grad or "lora_" in name or data.is_meta or hasattr(data, "device_mesh") or not len(data):
            continue
        digest.update(name.replace("base_layer.", "").removeprefix("base_model.model.").encode())
        few = data.flatten()[:: max(1, data.numel() // SAMPLED)][:SAMPLED]
        few = (few.float() * 1024).round() if few.is_floating_point() else few.float()
        samples.setdefault(data.device, []).append(few)
    for parts in samples.values():
        digest.update(torch.cat(parts).cpu().numpy().tobytes())
    return digest.hexdigest()[:16]


def digest_of(text: str) -> str:
    """A short name for a text."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _scored_again(
    rows: list[dict], *, asked: "Dataset", samples: int, reward: MixedReward, prompt: str, out: str | Path
) -> list[dict]:
    """What rows of an earlier run are, judged by their texts alone."""
    if not rows:
        return rows
    path = Path(out) / RESPONSES
    check_rows(rows, path)
    scored = []
    for place, record in enumerate(asked.select(range(len(rows) // samples))):
        for row in rows[place * samples : (place + 1) * samples]:
            if row["id"] != record["id"]:
                seen = f"{path} line {len(scored) + 1} answers {row['id']!r:.60}"
                raise ValueError(f"{seen}; expected {record['id']!r:.60}. Give another folder, or delete it")
            said = (row[name] for name in ("response", "tokens", "truncated", "seconds"))
            scored.append(_row(record, *said, reward, prompt))
    total = len(asked) * samples
    logger.info(f"{out}: {len(rows)} of {total} responses were here before; their words stay, and are scored anew")
    return scored


def _row(
    row: dict, response: str, tokens: int, truncated: bool, seconds: float, reward: MixedReward, prompt: str = "ours"
) -> dict:
    judged = with_tags(response, truncated=truncated) if prompt == "own" else response
    answer = parse_response(judged).answer
    score = reward.score(
        judged, row["gt"], row["verifier_type"], question=row["question"], meta=row["meta"], images=row["images"]
    )
    return {
        "id": row["id"],
        "source": row["source"],
        "question": row["question"],
        "gt": row["gt"],
        "response": response,
        "answer": answer,
        "value": score.value,
        "reason": str(score.reason),
        "correct": is_correct(score, row["verifier_type"]),
        "has_answer": answer is not None,
        "is_strict": parse_response(response).is_strict,
        "truncated": truncated,
        "garbled": is_garbled(response, source_of_scene(row["id"]), truncated=truncated),
        "tokens": tokens,
        "seconds": seconds,
    }
