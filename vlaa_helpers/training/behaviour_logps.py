"""How likely the policy that wrote a response was to write each of its tokens: scored once, kept beside the records."""

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from ..core.images import image_hash
from ..core.jsonl import whole_rows
from ..core.whole_files import open_own
from ..data.trl_views import BEHAVIOUR, to_sft
from ..policy.loading import check_reads_images
from ..policy.text_checks import check_texts
from ..policy.weights_digest import weights_digest
from .response_scores import score_responses

if TYPE_CHECKING:
    from datasets import Dataset

FEATURE = {"token_ids": "int32", "logps": "float32"}
"""What the column holds of each response, a list of each."""


def add_behaviour_logps(
    model: Any, processor: Any, records: "Dataset", *, path: str | Path | None = None, batch_size: int = 16
) -> "Dataset":
    """Score each record's response, token by token, with the policy that wrote it: what PEAR's weights are made of.

    The response is tokenized as `train_sft` tokenizes it, and the token ids are kept with their log-probabilities, so
    that both policies are asked about the same tokens; training refuses records where they differ. Log-probabilities
    are at temperature 1.

    Args:
        model: the behaviour policy. It must share the vocabulary of the policy that will be trained.
        processor: of the policy that will be trained.
        records: with responses.
        path: a JSON Lines file to which each record's scores are added as they come; the same call goes on from there.
            It belongs to one behaviour policy, in one precision: each line names its weights (`weights_digest`), and
            the first score that is kept is held against the model's. A record with other words or another image is
            scored anew.
        batch_size: records read at once.

    Returns:
        The records with a column `behaviour`: `token_ids` and `logps` of each response, its end token included.

    Raises:
        ValueError: records without a response or with such a column already, or a `path` with scores of another policy.
        TypeError: a model that reads text only.
    """
    check_reads_images(model)
    if BEHAVIOUR in records.column_names:
        raise ValueError(
            f"the records have a column {BEHAVIOUR!r} already; to score them anew: "
            f"records.remove_columns({BEHAVIOUR!r})"
        )
    view = to_sft(records)
    check_texts(records, processor)
    keys, policy = _keys(records, view), weights_digest(model) if path else ""
    kept = _kept(Path(path), policy) if path else {}
    _check_same_policy(model, processor, view, keys, kept, path)
    missing = [place for place, key in enumerate(keys) if key not in kept]
    for place, scores in score_responses(model, processor, view, missing, batch_size=batch_size):
        kept[keys[place]] = {name: scores[name] for name in FEATURE}
        if path:
            _append(Path(path), {"key": keys[place], "policy": policy, **kept[keys[place]]})
    return _with_column(records, [kept[key] for key in keys])


def collate_with_behaviour(collate: Callable[[list[dict]], Any], examples: list[dict]) -> Any:
    """What a collator makes of examples, and `behaviour_logps` where they bring such: shape (rows, tokens - 1).

    They stand where the labels are, shifted as the loss shifts them.

    Raises:
        ValueError: a response that has other tokens than those that were scored.
    """
    scores = [example.get(BEHAVIOUR) for example in examples]
    texts = [example["completion"][0]["content"][0]["text"] for example in examples]
    batch = collate(examples)
    if any(each is None or each["logps"] is None for each in scores):
        return batch
    labels = batch["labels"][:, 1:]
    logps = torch.zeros(labels.shape)
    for row, (score, text) in enumerate(zip(scores, texts, strict=True)):
        counted = labels[row] != -100
        check_scored_tokens(labels[row][counted].tolist(), score, f"the response {text!r:.60}")
        logps[row, counted] = torch.tensor(score["logps"])
    batch["behaviour_logps"] = logps
    return batch


def without_scores(records: "Dataset") -> list[str]:
    """Ids of the records without behaviour log-probabilities, where records of several writers were put together."""
    if BEHAVIOUR not in records.column_names:
        return list(records["id"])
    pairs = zip(records["id"], records[BEHAVIOUR], strict=True)
    return [name for name, score in pairs if score is None or score["logps"] is None]


def check_scored_tokens(token_ids: list[int], score: Mapping[str, list], name: str) -> None:
    """Refuse scores of other tokens than these.

    Raises:
        ValueError: they differ; `name` begins the sentence.
    """
    scored = list(score["token_ids"])
    if token_ids != scored:
        raise ValueError(
            f"{name} has {len(token_ids)} tokens, and not the {len(scored)} that were scored: it was changed since, or "
            "is tokenized in another way. Score the records again: "
            f"add_behaviour_logps(model, processor, records.remove_columns({BEHAVIOUR!r}))"
        )


def _keys(records: "Dataset", view: "Dataset") -> list[str]:
    """Of each record its id, and a hash of the words and of the image that are scored."""
    from datasets import Image

    images = records.select_columns(["image"]).cast_column("image", Image(decode=False))
    keys = []
    for name, row, shown in zip(records["id"], view.remove_columns("images"), images, strict=True):
        image = image_hash(shown["image"]) if shown["image"] else ""
        said = json.dumps([row["prompt"], row["completion"], image], sort_keys=True)
        keys.append(f"{name}/{hashlib.sha256(said.encode()).hexdigest()[:16]}")
    return keys


def _kept(path: Path, policy: str) -> dict[str, dict[str, list]]:
    """The scores of earlier runs. A last line that a kill cut short is taken off the file.

    Raises:
        ValueError: scores of another policy than this one, by its `weights_digest`.
    """
    rows = whole_rows(path)
    if strangers := [row for row in rows if row.get("policy") != policy]:
        raise ValueError(
            f"{path} holds scores of another policy: {len(strangers)} of {len(rows)} lines name the weights "
            f"{strangers[0].get('policy')}, and this model's are {policy} (another precision is another policy). "
            "Name another path"
        )
    if path.exists():
        with open_own(path, "r+b") as file:
            file.truncate(file.read().rfind(b"\n") + 1)
    return {row["key"]: {name: row[name] for name in FEATURE} for row in rows}


def _append(path: Path, row: dict) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with open_own(path, "a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")


def _check_same_policy(
    model: Any, processor: Any, view: "Dataset", keys: list[str], kept: Mapping[str, dict], path: Any
) -> None:
    """Score the first record that is kept once more: the processor counts too, by its tokens and sizes of images.

    Rounding in half precision, in a batch of another size, moves a token by some hundredths.
    """
    place = next((place for place, key in enumerate(keys) if key in kept), None)
    if place is None:
        return
    ((_, new),) = score_responses(model, processor, view, [place], batch_size=1)
    old = kept[keys[place]]
    same = new["token_ids"] == old["token_ids"]
    if not same or (torch.tensor(new["logps"]) - torch.tensor(old["logps"])).abs().mean() > 0.05:
        there, here = sum(old["logps"]), sum(new["logps"])
        raise ValueError(
            f"{path} holds scores of another processor: {keys[place].rpartition('/')[0]} has a "
            f"log-probability of {there:.2f} there, and {here:.2f} with this one. Name another path"
        )


def _with_column(records: "Dataset", scores: list[dict]) -> "Dataset":
    from datasets import List, Value

    feature = {name: List(Value(kind)) for name, kind in FEATURE.items()}
    return records.add_column(BEHAVIOUR, scores, feature=feature)
