"""Training views of records: what TRL's trainers take, derived from the records, never stored beside them."""

import hashlib
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from ..core.answers import SYSTEM_PROMPT, FormatProblem, parse_response
from ..core.record_schema import RECORD_COLUMNS, arrow_dataset, require_records

if TYPE_CHECKING:
    from datasets import Dataset, Features

_BATCH_ROWS = 256
BEHAVIOUR = "behaviour"
"""A column that records may have: tokens of the response, and how likely its writer was to write them."""
EXPERT = "expert_trace"
"""A column of the GRPO view: what SFT would teach for the record."""


def completion_of(record: Mapping) -> str:
    """The text that SFT teaches for a record.

    A response with an answer block is used as it is. Distilled text is `<think>…</think>` and then prose (`ds_answer`);
    the paper's SFT rows carry answer tags instead, so such a response, or a bare `reasoning`, becomes
    `<think>…</think>` and the ground truth in answer tags.

    Raises:
        ValueError: no response and no reasoning, or nothing that can be put into the format.

    >>> completion_of({"response": "<think>2 + 1</think> There are three.", "gt": "3"})
    '<think>\\n2 + 1\\n</think>\\n<answer>3</answer>'
    """
    response, gt = record.get("response") or "", record.get("gt") or ""
    parsed = parse_response(response)
    if parsed.answer is not None:
        return response.strip()
    if response and parsed.problem is not FormatProblem.NO_ANSWER:
        raise ValueError(f"response has {parsed.problem}")
    think = parsed.think or (record.get("reasoning") or "").strip()
    completion = f"<think>\n{think}\n</think>\n<answer>{gt}</answer>"
    if not think:
        raise ValueError("no response" if not response else "no thinking in the response")
    if problem := parse_response(completion).problem:
        raise ValueError(f"reasoning and gt do not make a response: {problem}")
    return completion


def to_sft(records: "Dataset") -> "Dataset":
    """The view that TRL's `SFTTrainer` takes: `prompt`, `completion` (messages) and `images` (one, or none).

    Completions come from `completion_of`; a column `behaviour` (`add_behaviour_logps`) comes along. The chat template
    is left to the trainer. The images are shared with `records`, not copied; only the text is written, to a temporary
    file. Pickling the view (dataloader workers that are spawned, `num_proc`) does copy embedded images: keep
    `dataloader_num_workers=0`, or load with `embed_images=False`.

    Raises:
        ValueError: records that cannot be SFT data, with how many, the first three ids and what to do; or a dataset
            without the columns of a record.
    """
    from datasets import Features

    completions = _Completions(records)

    def row_of(position: int, record: dict, has_image: bool) -> dict:
        text = completions.text_of(position, record)
        completion = [{"role": "assistant", "content": [{"type": "text", "text": text}]}]
        return {"prompt": chat_prompt(record["question"], has_image), "completion": completion}

    features = Features({"prompt": _message_feature(), "completion": _message_feature()})
    view = _view(records, row_of, features, shared=tuple({BEHAVIOUR} & set(records.column_names)))
    completions.refuse_if_any_lacks("cannot be SFT data")
    return view


class _Completions:
    """What SFT teaches for the rows of a table, and which of the selected ones have no such text."""

    def __init__(self, records: "Dataset"):
        indices = records._indices
        self._used = None if indices is None else set(indices.column("indices").to_pylist())
        self._total, self._without = len(records), []

    def text_of(self, position: int, record: Mapping) -> str:
        if self._used is None or position in self._used:
            try:
                return completion_of(record)
            except ValueError as error:
                self._without.append(f"{record['id']} ({error})")
        return ""

    def refuse_if_any_lacks(self, what: str) -> None:
        if found := self._without:
            raise ValueError(
                f"{len(found)} of {self._total} records {what}: {', '.join(found[:3])}"
                f"{', …' if len(found) > 3 else ''}. Let a teacher write responses (build_dataset), or leave them out: "
                'records.filter(lambda response: response != "", input_columns="response")'
            )


def chat_prompt(question: str, has_image: bool) -> list[dict]:
    """Our prompt: the system prompt that asks for tags, then the image and the question."""
    return [{"role": "system", "content": [{"type": "text", "text": SYSTEM_PROMPT}]}, user_turn(question, has_image)]


def user_turn(text: str, has_image: bool) -> dict:
    """What the user says: the image, a bare placeholder, and then the text."""
    # Lists of parts everywhere: Arrow cannot mix them with strings. Parts have no "image" key: Arrow would add it, as
    # None, to text parts too, and both TRL and the Qwen template take a part with such a key for an image.
    image = [{"type": "image", "text": None}] if has_image else []
    return {"role": "user", "content": [*image, {"type": "text", "text": text}]}


def to_grpo(
    records: "Dataset", *, prompt_of: Callable[[Mapping, bool], list[dict]] | None = None, with_traces: bool = False
) -> "Dataset":
    """The view that TRL's `GRPOTrainer` takes: `prompt`, `images` and what rewards read.

    The other columns are `gt, verifier_type, source, id, question, meta` and columns of your own, which a record does
    not have (but `prompt` and `images`): the trainer passes them to reward functions. Images and those columns are
    shared with `records`; see `to_sft` for what that means.

    TRL 1.16 cannot have records with and without an image in one generation batch: train on one sort at a time.

    Args:
        prompt_of: a record, and whether it has an image, to the messages that ask it; `chat_prompt` by default.
        with_traces: add a column `expert_trace`, of `completion_of`.

    Raises:
        ValueError: a dataset without the columns of a record; with traces, records without a response.
    """
    from datasets import Features, Value

    completions = _Completions(records)

    def row_of(position: int, record: dict, has_image: bool) -> dict:
        prompt = prompt_of(record, has_image) if prompt_of else chat_prompt(record["question"], has_image)
        return {"prompt": prompt} | ({EXPERT: completions.text_of(position, record)} if with_traces else {})

    features = {"prompt": _message_feature()} | ({EXPERT: Value("string")} if with_traces else {})
    taken = (*RECORD_COLUMNS, "prompt", "images", EXPERT if with_traces else "")
    own = (name for name in records.column_names if name not in taken)
    shared = ("gt", "verifier_type", "source", "id", "question", "meta", *own)
    view = _view(records, row_of, Features(features), shared=shared)
    completions.refuse_if_any_lacks("have no trace to take hints from")
    return view


def _message_feature() -> Any:
    from datasets import List, Value

    return List({"role": Value("string"), "content": List({"type": Value("string"), "text": Value("string")})})


def _view(
    records: "Dataset", row_of: Callable[[int, dict, bool], dict], text: "Features", *, shared: tuple[str, ...]
) -> "Dataset":
    """New text columns beside the images of `records`, row by row of the table below any selection or shuffle.

    Working below the selection is what lets the image column be shared: `map` or `concatenate_datasets` would write
    every image once more.
    """
    import pyarrow as pa
    from datasets import Dataset, DatasetInfo, Features, Image, List
    from datasets.table import InMemoryTable

    require_records(records)
    table = records.data.table
    plain = table.select([name for name in RECORD_COLUMNS if name != "image"])
    rows = (row for batch in plain.to_batches(max_chunksize=_BATCH_ROWS) for row in batch.to_pylist())
    present = (flag for chunk in table["image"].chunks for flag in chunk.is_valid().to_pylist())
    pairs = enumerate(zip(rows, present, strict=True))
    written = arrow_dataset((row_of(position, row, flag) for position, (row, flag) in pairs), text).data.table

    features = Features({**text, "images": List(Image()), **{name: records.features[name] for name in shared}})
    columns = {name: table[name] for name in shared} | {name: written[name] for name in text}
    columns["images"] = _image_lists(table["image"], features.arrow_schema.field("images").type)
    joined = pa.table({name: columns[name] for name in features}, schema=features.arrow_schema)
    fingerprint = hashlib.sha256(f"{records._fingerprint} {sorted(features)}".encode()).hexdigest()[:16]
    info = DatasetInfo(features=features)
    return Dataset(InMemoryTable(joined), info, indices_table=records._indices, fingerprint=fingerprint)


def _image_lists(column: Any, kind: Any) -> Any:
    """The image column as lists of one image or none, without copying: TRL wants [] and fails on None."""
    import numpy as np
    import pyarrow as pa

    lists = []
    for chunk in column.chunks:
        present = chunk.is_valid().to_numpy(zero_copy_only=False)
        edges = [0, *(np.flatnonzero(np.diff(present)) + 1), len(chunk)]
        for start, stop in pairwise(map(int, edges)):  # runs of rows with, or without, an image
            if stop > start:
                count = stop - start
                offsets = np.arange(count + 1) if present[start] else np.zeros(count + 1)
                images = chunk.slice(start, count if present[start] else 0)
                lists.append(pa.ListArray.from_arrays(pa.array(offsets.astype("int32")), images))
    return pa.chunked_array(lists, type=kind)
