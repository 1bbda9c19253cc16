"""What a message tells a notebook to change, in the words of the command line."""

import re
from collections.abc import Iterable


def _names(match: re.Match) -> str:
    return "--sources " + re.sub(r"[^\w,…]", "", match[1])


def _pairs(match: re.Match) -> str:
    settings = [pair.strip().replace('"', "").replace("'", "") for pair in match[1].split(", ")]
    settings = [re.sub(r"(?<=[0-9])_(?=[0-9])", "", setting) for setting in settings]
    return " ".join(f"--model {name[6:]}" if name.startswith("model=") else f"--change {name}" for name in settings)


_RULES = (
    (r"profile\.replace\(([^()]*)\)", _pairs),
    (r"\b(batch_size|samples|max_new_tokens|limit)=([0-9]+)", lambda m: f"--{m[1].replace('_', '-')} {m[2]}"),
    (r'\bdtype="(\w+)"', r"--dtype \1"),
    (r"\bsources=\[([^]]*)\]", _names),
    (r"\bresume_from_checkpoint(=True)?", "--resume"),
    (r"\bmax_prompt_length\b", "--max-prompt-length"),
    (r"\boutput_dir\b(?!=)", "--out"),
    (r"\bimage_root\b(?!=)", "--images"),
    (r'\bverifier_type="(\w+)"', r"--verifier-type \1"),
    (r'\bget_profile\("(\w+)"\)', r"--profile \1"),
    (r"\bprompts_per_step=([0-9]+)", r"--change prompts_per_step=\1"),
    (r'\bimage_root="([^"]*)"', r"--images \1"),
    (r'MixedReward\(scorer=RewardModelScorer\("…"\)\), or JudgeScorer', "--reward-model …, or --judge …"),
    (r"by processor\.image_processor\.size\['longest_edge'\]", "--change max_pixels=… (pixels of an image)"),
)


def as_options(words: str, given: Iterable[str] = ()) -> str:
    """What a message tells a notebook to change, as the options of a command.

    Args:
        given: texts of the user, such as paths, that stay as they are wherever they stand.

    >>> as_options("-1 GiB  profile.replace(max_pixels=131_072)"), as_options("batch_size=4 (it is 8)")
    ('-1 GiB  --change max_pixels=131072', '--batch-size 4 (it is 8)')
    >>> as_options("sources=['ixl', 'synthesis'], limit=100; profile.replace(model=…)")
    '--sources ixl,synthesis, --limit 100; --model …'
    >>> as_options("runs/limit=4/x.csv: no such file; limit=4", given=["runs/limit=4/x.csv"])
    'runs/limit=4/x.csv: no such file; --limit 4'
    """
    kept = sorted({text for text in given if any(re.search(pattern, text) for pattern, _ in _RULES)}, key=len)
    for place, text in enumerate(reversed(kept)):  # the longest first: one may be a part of another
        words = words.replace(text, f"\0{place}\0")
    for pattern, option in _RULES:
        words = re.sub(pattern, option, words)
    for place, text in enumerate(reversed(kept)):
        words = words.replace(f"\0{place}\0", text)
    return words
