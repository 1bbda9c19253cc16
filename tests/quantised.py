"""Weights that are loaded several times are turned into 4 bits once: without a GPU that is half of loading a model."""

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from unittest import mock

import torch
from bitsandbytes import functional


@contextmanager
def quantised_once() -> Iterator[dict]:
    """What bitsandbytes made of a weight is given again, as a copy, for the same bytes and settings.

    Yields what is kept: from (shape, dtype, digest, settings) to weight and state.
    """
    quantise, kept = functional.quantize_4bit, {}

    def once(weight: torch.Tensor, **settings):
        digest = sha256(weight.detach().contiguous().view(torch.uint8).numpy()).digest()
        key = (weight.shape, weight.dtype, digest, str(settings))
        if key not in kept:
            kept[key] = quantise(weight, **settings)
        return copy.deepcopy(kept[key])

    with mock.patch.object(functional, "quantize_4bit", once):
        yield kept
