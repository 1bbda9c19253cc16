"""Numbers printed in "SFT or RL?" (arXiv 2504.11468), as facts to set beside our own, never mixed with them."""

TABLE_1 = {
    "clevr_math": {"original": 35_000, "verified": 28_018, "sft": 5_923, "rl": 2_000},
    "geoqa170k": {"original": None, "verified": None, "sft": None, "rl": 6_499},
    "synthesis": {"original": 30_000, "verified": 26_672, "sft": 19_258, "rl": 6_696},
    "arxivqa": {"original": 54_399, "verified": 51_348, "sft": 34_604, "rl": 1_000},
    "docvqa": {"original": 10_194, "verified": 8_206, "sft": 4_897, "rl": 1_000},
    "vizwiz": {"original": 20_523, "verified": 6_528, "sft": 4_266, "rl": 1_000},
    "allava_laion": {"original": 47_066, "verified": 18_123, "sft": 10_496, "rl": 3_000},
    "coco": {"original": 3_000, "verified": 3_000, "sft": 8_727, "rl": 2_000},
    "vg": {"original": 3_000, "verified": 3_000, "sft": 38_242, "rl": 2_000},
}
"""Table 1: records a source at the start, after the pipeline, in the SFT set and in the RL set. COCO and Visual Genome
have more SFT rows than originals in print; the released file really has those rows."""

TABLE_2 = {"base": 31.8, "25K": 21.6, "126K": 12.7, "55K with aha words": 21.3}
"""Table 2: mean of Qwen2.5-VL-3B over six benchmarks before and after SFT on so many traces, in per cent."""

FIGURE_5 = {"GRPO": 34.49, "5K SFT + GRPO": 20.98, "10K SFT + GRPO": 21.78}
"""Figure 5: mean of the same model over the same benchmarks after GRPO, alone and after a little SFT, in per cent."""

TABLE_5 = {
    "base": (21.9, 31.2, 22.9),
    "w/o digit": (23.5, 34.6, 28.8),
    "w/o math": (21.4, 32.7, 27.0),
    "w/o choice": (21.5, 33.9, 18.4),
    "w/o box": (22.8, 35.3, 30.0),
    "all rules": (22.2, 34.9, 30.1),
    "mixed": (24.4, 36.4, 33.8),
}
"""Table 5, the reward ablation: Qwen2.5-VL-3B on MathVision, MathVerse and WeMath, in per cent. By its ticks, an arm
"w/o" a verifier leaves out the open-ended reward too, and "all rules" leaves out that alone."""

FIGURE_7 = {
    "Qwen2-VL-2B": {"alternatively": 6, "double-check": 4, "i should check": 18, "wait": 0},
    "Qwen2-VL-7B base": {"alternatively": 220, "double-check": 48, "i should check": 0, "wait": 3},
    "Qwen2-VL-7B": {"alternatively": 72, "double-check": 11, "i should check": 4, "wait": 3},
    "Qwen2.5-VL-3B": {"alternatively": 87, "double-check": 53, "i should check": 3, "wait": 3},
    "Qwen2.5-VL-7B": {"alternatively": 170, "double-check": 16, "i should check": 1, "wait": 0},
}
"""Figure 7: how often each phrase stands in responses after GRPO without SFT. Among how many is not given."""
