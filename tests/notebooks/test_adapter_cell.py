"""Chapter 02's adapter by hand, on bases in 4 bits (t4, l4) and in 16 (a100)."""

import re
from pathlib import Path

import pytest
import torch
from bitsandbytes.functional import dequantize_4bit

from vlaa_helpers import load_policy
from vlaa_helpers.dev.notebooks.files import read_notebook

CHAPTER = Path(__file__).resolve().parents[2] / "notebooks" / "02_train_sft.ipynb"


@pytest.mark.parametrize(("in_4bit", "dtype", "near"), [(True, "float32", 1e-4), (False, "bfloat16", 0.02)])
def test_the_layer_is_what_the_cell_works_out(tiny_profile, capsys, in_4bit, dtype, near):
    profile = tiny_profile.replace(load_in_4bit=in_4bit, dtype=dtype)
    model, _ = load_policy(profile)
    for name, weight in model.named_parameters():
        if "lora_B" in name:  # an adapter that does something
            torch.nn.init.normal_(weight, std=0.1)
    cell = next(cell for cell in read_notebook(CHAPTER).cells if "by hand against the layer" in cell.source)
    torch.manual_seed(0)
    exec(cell.source, {"model": model, "profile": profile, "torch": torch, "dequantize_4bit": dequantize_4bit})
    difference = re.search(r"by hand against the layer: (\S+)", capsys.readouterr().out)
    assert difference and float(difference[1]) < near
