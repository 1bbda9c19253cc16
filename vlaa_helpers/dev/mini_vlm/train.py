"""The mini VLM: a Qwen2.5-VL of about two million parameters that sees, reasons and answers in the mini world.

`python -m vlaa_helpers.dev.mini_vlm.train train --size strong` trains it from nothing on a CPU: the
tower and its alignment first, then language, then answers in a mixture of styles (`lessons`). The same classes,
special tokens and chat layout as Qwen/Qwen2.5-VL-3B-Instruct; the result loads with
`AutoModelForImageTextToText.from_pretrained` and `AutoProcessor.from_pretrained`.
"""

import argparse
import csv
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from random import Random
from typing import Any

import torch

from ...core.answers import DIRECT_PROMPT, SYSTEM_PROMPT
from ...mini_world.response_styles import STYLES
from ..benchmarks.random_qwen import build_config
from .lessons import CAPTION_PROMPT, CELLS_PROMPT, LESSONS, WORDS, Lesson, make_lesson
from .vocabulary import LEAST_TARGETS, TARGETS, UNWRITABLE_BYTES, count_targets, rare_pieces, write_targets

SPECIAL_TOKENS = (
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<|vision_start|>",
    "<|vision_end|>",
    "<|image_pad|>",
    "<|video_pad|>",
)
TAG_TOKENS = ("<think>", "</think>", "<answer>", "</answer>")
"""One token each, as in Qwen3, but ordinary text: decoding keeps them."""
OPTION_TOKENS = tuple(f"{space}({letter})" for letter in "ABCD" for space in (" ", ""))
"""One token each; put together from letters and brackets they would leave tokens that no text is read with."""

CHAT_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n"
    "{% if message.content is string %}{{ message.content }}"
    "{% else %}{% for part in message.content %}"
    "{% if part.type == 'image' %}<|vision_start|><|image_pad|><|vision_end|>"
    "{% elif part.type == 'text' %}{{ part.text }}{% endif %}"
    "{% endfor %}{% endif %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)

IMAGE_PIXELS = 112 * 112

SIZES = {
    "strong": {
        "text": {"hidden_size": 128, "num_hidden_layers": 4, "num_attention_heads": 4, "intermediate_size": 384},
        "vision": {"hidden_size": 128, "depth": 3, "num_heads": 4, "intermediate_size": 320},
    },
    "middle": {
        "text": {"hidden_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 256},
        "vision": {"hidden_size": 96, "depth": 2, "num_heads": 3, "intermediate_size": 256},
    },
    "weak": {
        "text": {"hidden_size": 64, "num_hidden_layers": 3, "num_attention_heads": 2, "intermediate_size": 192},
        "vision": {"hidden_size": 64, "depth": 2, "num_heads": 2, "intermediate_size": 160},
    },
}
"""Widths of the language stack are multiples of 64, the block of NF4: bitsandbytes 0.50 on a CPU rounds other widths
wrongly (a relative error of 0.25 instead of 0.09)."""
STEPS = {"strong": 5_500, "middle": 4_000, "weak": 4_000}
BATCH_SIZE = 64
GROUP = 8
"""Batches that are drawn at once and sorted by length."""
TOKENIZER_LESSONS = 20_000
STATE = "state.pt"
PEAK_LEARNING_RATE = 2e-3
POLISH = 0.2
"""A second, shorter cycle after `STEPS`, as a share of them, from `POLISH_RATE` straight down to nothing: with every
lesson but what a user asks for gone. It takes probability from the tokens that no answer holds; one in six thousand
words that a response samples was of those before."""
POLISH_RATE = 5e-4
QUANTISED_FROM = 0.7
"""From this share of the training on, each step computes with the 4-bit form of the language stack's weights: the model
will be used in NF4, and one this small has no redundancy of its own to absorb the rounding."""


def build_tokenizer(lessons: Iterable[Lesson], *, vocab_size: int = 1024) -> Any:
    """A byte-level BPE tokenizer trained on lessons: any text can be written, the mini world's in few tokens."""
    from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    corpus = [SYSTEM_PROMPT, DIRECT_PROMPT, CAPTION_PROMPT, CELLS_PROMPT]
    corpus += [f" {word} {word.capitalize()} {word}" for word in WORDS] * 8
    for lesson in lessons:
        corpus += [part["text"] for message in lesson.messages for part in message["content"] if part["type"] == "text"]
        corpus.append(lesson.reply)
    tokenizer = Tokenizer(models.BPE())
    # words keep their leading space; decimals and whole numbers of up to three digits stay in one piece
    pattern = Regex(r" ?\d*\.\d+| ?\d{1,3}| ?\p{L}+| ?[^\s\p{L}\p{N}]+|\s+")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(pattern, "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size - len(SPECIAL_TOKENS) - len(TAG_TOKENS) - len(OPTION_TOKENS),
        initial_alphabet=sorted(set(pre_tokenizers.ByteLevel.alphabet()) - set(map(chr, UNWRITABLE_BYTES))),
        show_progress=False,
    )
    tokenizer.train_from_iterator(corpus, trainer)
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in SPECIAL_TOKENS])
    tokenizer.add_tokens([AddedToken(token, special=False, normalized=False) for token in TAG_TOKENS + OPTION_TOKENS])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        padding_side="left",
        chat_template=CHAT_TEMPLATE,
        clean_up_tokenization_spaces=False,
        extra_special_tokens=list(SPECIAL_TOKENS[1:]),
    )


def build_processor(tokenizer: Any) -> Any:
    """A `Qwen2_5_VLProcessor` that brings any image down to about 112 x 112 pixels (16 visual tokens)."""
    from transformers import Qwen2_5_VLProcessor, Qwen2VLImageProcessor, Qwen2VLVideoProcessor

    size = {"shortest_edge": IMAGE_PIXELS // 4, "longest_edge": IMAGE_PIXELS}
    return Qwen2_5_VLProcessor(
        image_processor=Qwen2VLImageProcessor(size=size),
        tokenizer=tokenizer,
        video_processor=Qwen2VLVideoProcessor(size=size),
        chat_template=CHAT_TEMPLATE,
    )


def build_model(size: str, tokenizer: Any) -> Any:
    """A `Qwen2_5_VLForConditionalGeneration` with random weights, `size` one of `SIZES`."""
    from transformers import AutoModelForImageTextToText

    if size not in SIZES:
        raise ValueError(f"unknown size {size!r}; expected one of {', '.join(SIZES)}")
    text, vision = SIZES[size]["text"], SIZES[size]["vision"]
    whole = {
        "text": text
        | {
            "num_key_value_heads": text["num_attention_heads"],
            "vocab_size": len(tokenizer),
            "max_position_embeddings": 4096,
            "rope_parameters": {"rope_type": "default", "rope_theta": 10_000.0, "mrope_section": [4, 6, 6]},
        },
        "vision": vision
        | {"out_hidden_size": text["hidden_size"], "fullatt_block_indexes": list(range(vision["depth"]))},
    }
    # eager attention trains about a third faster than sdpa at this size on a CPU
    return AutoModelForImageTextToText.from_config(build_config(whole, tokenizer), attn_implementation="eager")


def collate(lessons: list[Lesson], processor: Any) -> dict[str, torch.Tensor]:
    """One right-padded batch; labels are -100 everywhere but on the replies."""
    tokenizer = processor.tokenizer
    image_token = tokenizer.convert_tokens_to_ids("<|image_pad|>")
    tokens_per_image = (112 // 28) ** 2
    rows, starts = [], []
    for lesson in lessons:
        prompt = tokenizer.apply_chat_template(lesson.messages, tokenize=False, add_generation_prompt=True)
        prompt = prompt.replace("<|image_pad|>", "<|image_pad|>" * tokens_per_image)
        ids = tokenizer(prompt).input_ids
        starts.append(len(ids))
        rows.append(ids + tokenizer(f"{lesson.reply}<|im_end|>\n").input_ids)
    width = max(map(len, rows))
    input_ids = torch.full((len(rows), width), tokenizer.pad_token_id)
    labels = torch.full((len(rows), width), -100)
    for k, (row, start) in enumerate(zip(rows, starts, strict=True)):
        input_ids[k, : len(row)] = torch.tensor(row)
        labels[k, start : len(row)] = input_ids[k, start : len(row)]
    batch = {
        "input_ids": input_ids,
        "labels": labels,
        "attention_mask": (torch.arange(width)[None] < torch.tensor([len(row) for row in rows])[:, None]).long(),
        "mm_token_type_ids": (input_ids == image_token).long(),
    }
    images = [lesson.image for lesson in lessons if lesson.image is not None]
    if images:
        batch |= processor.image_processor(images=images, return_tensors="pt")
    return batch


@contextmanager
def rounded_weights(model: Any) -> Iterator[None]:
    """Within it, the language stack's linear weights hold their NF4 values; gradients then go to the exact weights."""
    from bitsandbytes.functional import dequantize_4bit, quantize_4bit

    linears = [m for m in model.model.language_model.modules() if isinstance(m, torch.nn.Linear)]
    exact = [linear.weight.data for linear in linears]
    for linear, weight in zip(linears, exact, strict=True):
        linear.weight.data = dequantize_4bit(*quantize_4bit(weight, quant_type="nf4", compress_statistics=True))
    try:
        yield
    finally:
        for linear, weight in zip(linears, exact, strict=True):
            linear.weight.data = weight


def lesson_batches(
    seed: int, chunk: int, steps: int, pieces: Sequence[str] = (), *, styles: Mapping[str, float] = STYLES
) -> list[list[Lesson]]:
    """`GROUP` batches, of similar lengths each, in random order: less padding, the same lessons."""
    rng = Random(f"{seed}/{chunk}")
    lessons = [make_lesson(rng, chunk * GROUP / steps, pieces, styles=styles) for _ in range(GROUP * BATCH_SIZE)]
    lessons.sort(key=_length)
    batches = [lessons[k : k + BATCH_SIZE] for k in range(0, len(lessons), BATCH_SIZE)]
    rng.shuffle(batches)
    return batches


def _length(lesson: Lesson) -> int:
    """About how long a lesson is, in characters."""
    said = sum(len(part["text"]) for message in lesson.messages for part in message["content"] if "text" in part)
    return said + len(lesson.reply) + (60 if lesson.image else 0)


def all_steps(size: str, steps: int | None = None) -> int:
    """Steps of both cycles together; of another first cycle than `STEPS` when given."""
    steps = steps or STEPS[size]
    return steps + round(POLISH * steps)


def train(
    size: str,
    out_dir: Path,
    *,
    seed: int = 0,
    steps: int | None = None,
    save_every: int = 500,
    styles: Mapping[str, float] = STYLES,
) -> None:
    """Train one mini VLM into `out_dir`; call it again after an interruption and it goes on where it was.

    Writes `log.csv` (step, the loss per token of each lesson, learning rate, seconds), and every `save_every` steps its
    state and, with `save_pretrained`, the model and its processor to `out_dir/model`; at the end also `TARGETS`, how
    often each token was a target.
    """
    steps = steps or STEPS[size]
    total = all_steps(size, steps)
    out_dir.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(seed)
    log_file = out_dir / "log.csv"
    processor = _processor(out_dir, seed)
    pieces = _pieces(processor.tokenizer, seed, steps)
    counts = torch.zeros(len(processor.tokenizer), dtype=torch.long)
    model = build_model(size, processor.tokenizer).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=PEAK_LEARNING_RATE, weight_decay=0.05, betas=(0.9, 0.95))
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, PEAK_LEARNING_RATE, total_steps=steps + 1, pct_start=0.1)
    parts = {"model": model, "optimizer": optimizer, "schedule": schedule}
    done, spent = _resume(out_dir, parts, counts)
    if done:
        print(f"resuming {size} at step {done} of {total}", flush=True)
    _start_log(log_file, done)
    start = time.perf_counter() - spent
    sums: dict[str, list[float]] = {}
    for step in range(done, total):
        if step % GROUP == 0 or step == done:
            batches = lesson_batches(seed, step // GROUP, steps, pieces, styles=styles)
        lessons = batches[step % GROUP]
        counts += count_targets(lessons, processor.tokenizer)
        if step >= steps:
            _set_rate(optimizer, POLISH_RATE * (total - step) / (total - steps))
        losses = _take_step(**parts, batch=collate(lessons, processor), rounded=step >= QUANTISED_FROM * steps)
        for lesson, value in zip(lessons, losses, strict=True):
            sums.setdefault(lesson.name, []).append(value)
        if (step + 1) % 50 == 0:
            _log(log_file, step + 1, sums, optimizer.param_groups[0]["lr"], time.perf_counter() - start)
            sums = {}
        if (step + 1) % save_every == 0 or step + 1 == total:
            _save(out_dir, processor, parts, counts=counts, step=step + 1, seconds=time.perf_counter() - start)
    shutil.copy(log_file, out_dir / "model" / "training_log.csv")
    write_targets(out_dir / "model" / TARGETS, processor.tokenizer, counts)


def _processor(out_dir: Path, seed: int) -> Any:
    """The processor that an interrupted training left, or a new one whose tokenizer has read lessons."""
    from transformers import AutoProcessor

    if (out_dir / STATE).exists():
        return AutoProcessor.from_pretrained(out_dir / "model")
    return build_processor(build_tokenizer(_early_lessons(seed)))


def _early_lessons(seed: int) -> Iterator[Lesson]:
    """A small training's worth of lessons, without pieces: what the tokenizer reads."""
    rng = Random(f"{seed}/tokenizer")
    return (make_lesson(rng, k / TOKENIZER_LESSONS) for k in range(TOKENIZER_LESSONS))


def _pieces(tokenizer: Any, seed: int, steps: int) -> list[str]:
    """What the other lessons of a training of `steps` might write fewer than `LEAST_TARGETS` times, with a margin: in
    what is counted, echoes stand for pieces."""
    counts = count_targets(_early_lessons(seed), tokenizer)
    return rare_pieces(tokenizer, counts, 3 * LEAST_TARGETS * TOKENIZER_LESSONS / (steps * BATCH_SIZE))


def _set_rate(optimizer: Any, rate: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = rate


def _take_step(model: Any, optimizer: Any, schedule: Any, *, batch: dict[str, torch.Tensor], rounded: bool) -> list:
    """One step on a batch of `collate`; the loss per token of each lesson's reply."""
    labels = batch.pop("labels")
    mask = labels[:, 1:] != -100  # (lessons, tokens - 1)
    with rounded_weights(model) if rounded else nullcontext():
        with torch.autocast("cpu", torch.bfloat16):
            logits = model(**batch).logits  # (lessons, tokens, vocabulary)
        token_loss = torch.nn.functional.cross_entropy(
            logits[:, :-1].float().transpose(1, 2), labels[:, 1:], reduction="none", ignore_index=-100
        )  # (lessons, tokens - 1)
        (token_loss.sum() / mask.sum()).backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    if schedule.last_epoch < schedule.total_steps - 1:
        schedule.step()
    optimizer.zero_grad()
    return (token_loss.detach().sum(1) / mask.sum(1)).tolist()


def _resume(out_dir: Path, parts: dict[str, Any], counts: torch.Tensor) -> tuple[int, float]:
    """Put parts and counts in the state that was saved last: the steps done and the seconds spent, 0 where none was."""
    if not (out_dir / STATE).exists():
        return 0, 0.0
    state = torch.load(out_dir / STATE)
    for name, part in parts.items():
        part.load_state_dict(state[name])
    counts.copy_(state["counts"])
    return state["step"], state["seconds"]


def _save(
    out_dir: Path, processor: Any, parts: dict[str, Any], *, counts: torch.Tensor, step: int, seconds: float
) -> None:
    parts["model"].save_pretrained(out_dir / "model")
    processor.save_pretrained(out_dir / "model")
    state = {name: part.state_dict() for name, part in parts.items()}
    unfinished = (out_dir / STATE).with_suffix(".tmp")
    torch.save(state | {"counts": counts, "step": step, "seconds": seconds}, unfinished)
    unfinished.replace(out_dir / STATE)


def _start_log(log_file: Path, done: int) -> None:
    """Begin the log, or drop the rows of steps that an interruption undid."""
    rows = log_file.read_text().splitlines()[1:] if log_file.exists() else []
    kept = [row for row in rows if int(row.split(",")[0]) <= done]
    log_file.write_text("\n".join([",".join(["step", *LESSONS, "learning_rate", "seconds"]), *kept]) + "\n")


def _log(log_file: Path, step: int, sums: dict[str, list[float]], learning_rate: float, seconds: float) -> None:
    means = {name: sum(values) / len(values) for name, values in sums.items()}
    with log_file.open("a", newline="") as file:
        row = [step, *(f"{means[name]:.4f}" if name in means else "" for name in LESSONS)]
        csv.writer(file).writerow([*row, f"{learning_rate:.2e}", f"{seconds:.0f}"])
    print(f"step {step}  {seconds:.0f} s  " + "  ".join(f"{k} {v:.3f}" for k, v in means.items()), flush=True)


def read_shares(text: str) -> dict[str, float]:
    """Read "careful=0.1,shortcut=0.4,ramble=0.3,teacher=0.2": a share of each of `STYLES`, one in all."""
    shares = {name: float(share) for name, _, share in (part.partition("=") for part in text.split(","))}
    if shares.keys() != STYLES.keys() or min(shares.values()) < 0 or abs(sum(shares.values()) - 1) > 1e-6:
        raise argparse.ArgumentTypeError(f"seen {text!r}; expected shares of {', '.join(STYLES)} that add up to 1")
    return shares


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("command", choices=("train",))
    parser.add_argument("--size", choices=tuple(SIZES), default="strong")
    parser.add_argument("--out", type=Path, help="default: runs/mini_vlm/SIZE")
    parser.add_argument("--seed", type=int, default=0)
    mixture = ",".join(f"{name}={share}" for name, share in STYLES.items())
    parser.add_argument("--styles", type=read_shares, default=STYLES, help=f"share of each style; default: {mixture}")
    args = parser.parse_args()
    out_dir = args.out or Path("runs/mini_vlm") / args.size
    train(args.size, out_dir, seed=args.seed, styles=args.styles)
    print(
        f"the model is in {out_dir / 'model'}; to use it in the series, copy that folder's files to "
        f"vlaa_helpers/assets/mini_vlm_{args.size} and run python -m vlaa_helpers.dev.mini_vlm.card {args.size}"
    )


if __name__ == "__main__":
    main()
