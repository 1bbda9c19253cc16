"""So that the mini VLM knows its whole vocabulary: which tokens its lessons hardly write, and text that writes them.

A token that was never a target has an embedding that was only ever pushed away, like all others of its kind, and lies
beside them: fine-tuning that raises one of them raises all, and the policy writes bytes at random. No instruct model
has such tokens in number, so the mini VLM must not either.
"""

import csv
from collections.abc import Iterable
from pathlib import Path
from random import Random
from typing import Any

import torch

from .lessons import Lesson

UNWRITABLE_BYTES = (0xC0, 0xC1, *range(0xF5, 0x100))
"""Bytes that stand in no UTF-8 text; the vocabulary does without them."""
CHARACTERS_A_BYTE = 8
LEAST_TARGETS = 200
"""How often each token should at least be a target in a training."""
TARGETS = "token_targets.csv"


def count_targets(lessons: Iterable[Lesson], tokenizer: Any) -> torch.Tensor:
    """How often each token stands in the replies of lessons, shape (vocabulary,)."""
    ids = tokenizer([f"{lesson.reply}<|im_end|>\n" for lesson in lessons]).input_ids
    return torch.bincount(torch.tensor([token for row in ids for token in row]), minlength=len(tokenizer))


def rare_pieces(tokenizer: Any, counts: torch.Tensor, fewer_than: float) -> list[str]:
    """Texts of one token each, or of one character with a certain byte, for all tokens with so few targets.

    Args:
        counts: how often each token was a target, shape (vocabulary,).
        fewer_than: tokens with at least so many targets need no text of their own.
    """
    characters = _characters_with_byte()
    pieces = []
    for token in range(len(tokenizer)):
        if counts[token] >= fewer_than or token in tokenizer.all_special_ids:
            continue
        text = tokenizer.decode([token])
        if "\ufffd" in text:
            pieces += characters[_byte_of(tokenizer.convert_ids_to_tokens(token))]
        else:
            pieces += [_text_with(tokenizer, token, text)] * CHARACTERS_A_BYTE
    return pieces


def _text_with(tokenizer: Any, token: int, text: str) -> str:
    """A text that is read with this token: the token's own, or that and a digit (as "0." in "0.7").

    Raises:
        ValueError: none of these; the tokenizer has a token that hardly any text is read with.
    """
    for wider in (text, *(f"{text}{digit}" for digit in range(10)), *(f"{digit}{text}" for digit in range(10))):
        if token in tokenizer(wider).input_ids:
            return wider
    raise ValueError(f"no short text is read with the token {text!r}; change the tokenizer's pattern so that one is")


def write_targets(path: Path, tokenizer: Any, counts: torch.Tensor) -> None:
    """Keep how often each token was a target: columns `id`, `token`, `targets`."""
    with path.open("w", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(["id", "token", "targets"])
        rows.writerows([i, tokenizer.convert_ids_to_tokens(i), int(counts[i])] for i in range(len(tokenizer)))


def read_targets(path: Path) -> torch.Tensor:
    """What `write_targets` kept, shape (vocabulary,)."""
    with path.open(newline="") as file:
        return torch.tensor([int(row["targets"]) for row in csv.DictReader(file)])


def _byte_of(token: str) -> int:
    """The byte that a token of one byte stands for; byte-level tokenizers write those from 0xAE on as themselves."""
    from transformers.convert_slow_tokenizer import bytes_to_unicode

    return {character: byte for byte, character in bytes_to_unicode().items()}[token]


def _characters_with_byte() -> dict[int, list[str]]:
    """For each byte from 0x80 on that UTF-8 writes, some characters that hold it, always the same."""
    rng = Random("characters")
    found: dict[int, list[str]] = {byte: [] for byte in range(0x80, 0x100) if byte not in UNWRITABLE_BYTES}
    while any(len(characters) < CHARACTERS_A_BYTE for characters in found.values()):
        # as many of two, three and four bytes, or the rare leading bytes of the last would never come
        code = rng.choice((rng.randrange(0x80, 0x800), rng.randrange(0x800, 0x10000), rng.randrange(0x10000, 0x110000)))
        if 0xD800 <= code < 0xE000:  # surrogates are no text
            continue
        for byte in set(chr(code).encode()):
            if len(found[byte]) < CHARACTERS_A_BYTE:
                found[byte].append(chr(code))
    return found
