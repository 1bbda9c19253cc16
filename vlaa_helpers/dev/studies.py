"""Runs that take longer than a notebook: one command each, resumable, and a table of results that the series shows.

python -m vlaa_helpers.dev.studies sft_sizes
python -m vlaa_helpers.dev.studies grpo_arms --seeds 0
python -m vlaa_helpers.dev.studies grpo_pass_at
python -m vlaa_helpers.dev.studies sft_then_grpo
"""

import argparse
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..policy.profiles import Profile, get_profile
from ..reference import REWARD_ARMS, SETS, held_out

if TYPE_CHECKING:
    import pandas as pd

    from ..evaluation.eval_report import EvalReport

DECODINGS = {
    "greedy": {},
    "sampled": {"samples": 4},
    "no_think": {"think": False},
}
"""Ways to ask: greedy is the one that counts; the others take a sixth of the test set."""


def measure(model: Any, processor: Any, folder: Path, *, max_new_tokens: int = 128) -> dict[str, "EvalReport"]:
    """Ask a policy all held-out questions with every decoding; reports by "set decoding", kept in `folder`."""
    from ..evaluation.runner import evaluate

    reports = {}
    for name in SETS:
        for decoding, options in DECODINGS.items():
            if decoding != "greedy" and name != "test":
                continue
            records = held_out(name, None if decoding == "greedy" else SETS[name] // 6)
            settings = {"max_new_tokens": max_new_tokens, "batch_size": 128, "exact_draws": True, **options}
            where = folder / f"{name}_{decoding}"
            reports[f"{name} {decoding}"] = evaluate(model, processor, records, out=where, **settings)
    return reports


def summary(reports: "dict[str, EvalReport]", base: "dict[str, EvalReport]", **columns: Any) -> Iterator[dict]:
    """A row for each set, decoding and source: accuracy with its interval, and the paired difference from `base`."""
    from ..core.trace_text import aha_words
    from ..evaluation.eval_report import compare_reports

    for name, report in reports.items():
        held, decoding = name.split()
        frame = report.to_frame()
        frame["words"] = frame["response"].str.split().str.len()
        frame["cues"] = frame["response"].map(lambda text: bool(aha_words(text)))
        for source, row in report.by_source.iterrows():
            part = frame if source == "all" else frame[frame["source"] == source]
            change = compare_reports(base[name], report, source=None if source == "all" else source)
            yield {
                **columns, "set": held, "decoding": decoding, "source": source, **row.round(4),
                "strict": round(part["is_strict"].mean(), 4), "words": round(part["words"].mean(), 2),
                "cues": round(part["cues"].mean(), 4), "change": round(change.difference, 4),
                "change_low": round(change.low, 4), "change_high": round(change.high, 4),
                "p": float(f"{change.p_value:.3g}"),
            }  # fmt: skip


def _tuned(
    folder: Path, profile: Profile, seed: int, train: Callable[[Any, Any], Any], start: Path | None = None
) -> dict[str, "EvalReport"]:
    """Train a policy, fresh or from a saved one, unless `folder` holds its adapter already, and measure it."""
    from ..policy.adapters import save_policy
    from ..policy.loading import load_policy

    adapter = folder / "adapter"
    if not adapter.exists():
        model, processor = load_policy(profile, adapter=start, seed=seed)
        train(model, processor)
        save_policy(model, processor, adapter)
    return measure(*load_policy(profile, adapter=adapter, trainable=False), folder)


def _base(out: Path, profile: Profile) -> dict[str, "EvalReport"]:
    from ..policy.loading import load_policy

    return measure(*load_policy(profile, trainable=False), out / "base")


def sft_sizes(
    out: Path, *, profile: Profile, seeds: Sequence[int], sizes: Sequence[int] = (128, 512, 2048, 8192)
) -> "pd.DataFrame":
    """SFT on data sets of several sizes, one pass each as in the paper (§3.1), against the policy it started from."""
    import pandas as pd

    from ..mini_world.scenes import make_scenes
    from ..pipeline.build import build_dataset
    from ..pipeline.scripted_teacher import ScriptedTeacher
    from ..training.sft import train_sft

    base = _base(out, profile)
    rows = list(summary(base, base, size=0, seed=0))
    for seed in seeds:
        scenes = make_scenes(3 * max(sizes), seed=100 + seed)
        records = build_dataset(scenes, ScriptedTeacher(seed=seed), out / f"data_{seed}").sft
        for size in sizes:
            folder = out / f"sft_{size}_seed_{seed}"
            options = {"seed": seed, "output_dir": str(folder)}
            train = partial(train_sft, records=records.select(range(size)), profile=profile, **options)
            rows += summary(_tuned(folder, profile, seed, train), base, size=size, seed=seed)
            pd.DataFrame(rows).to_csv(out / "sft_sizes.csv", index=False)
    return pd.DataFrame(rows)


GRPO_RECORDS = 2_880
WATCHED = 300
"""Validation records that are asked every 16 steps of a GRPO run."""


def grpo_arms(out: Path, *, profile: Profile, seeds: Sequence[int], steps: int = 64) -> "pd.DataFrame":
    """GRPO by the paper's recipe on the records of some verifiers and not of others, as many steps for each arm."""
    import pandas as pd

    base = _base(out, profile)
    rows = list(summary(base, base, arm="base", seed=0))
    for arm, kinds in REWARD_ARMS.items():
        for seed in seeds:
            folder = out / f"{arm.replace('/', '').replace(' ', '_')}_seed_{seed}"
            train = partial(_grpo, kinds=kinds, profile=profile, folder=folder, seed=seed, steps=steps)
            rows += summary(_tuned(folder, profile, seed, train), base, arm=arm, seed=seed)
            pd.DataFrame(rows).to_csv(out / "grpo_arms.csv", index=False)
    return pd.DataFrame(rows)


def _grpo(
    model: Any, processor: Any, *, kinds: Sequence[str], profile: Profile, folder: Path, seed: int, steps: int
) -> None:
    from ..mini_world.scenes import make_scenes
    from ..rewards.mixed import MixedReward
    from ..training.grpo import train_grpo
    from ..training.held_out import EvaluateEvery

    scenes = make_scenes(GRPO_RECORDS, seed=200 + seed)
    records = scenes.filter(lambda kind: kind in kinds, input_columns="verifier_type")
    watch = EvaluateEvery(make_scenes(WATCHED, split="validation"), processor, 16, batch_size=128)
    options = {"max_steps": steps, "seed": seed, "output_dir": str(folder), "callbacks": [watch]}
    options |= {"reward_funcs": MixedReward(), "recipe": "vlaa", "exact_draws": True}  # as the shipped runs were drawn
    train_grpo(model, processor, records, profile, **options)


def sft_then_grpo(
    out: Path, *, profile: Profile, seeds: Sequence[int], sizes: Sequence[int] = (2048,), steps: int = 64
) -> "pd.DataFrame":
    """The mixed arm of `grpo_arms`, from the policies that `sft_sizes` left instead of from the instruct model."""
    import pandas as pd

    base = _base(out, profile)
    rows = list(summary(base, base, size=0, seed=0))
    for size in sizes:
        for seed in seeds:
            folder = out / f"sft_{size}_grpo_seed_{seed}"
            start = out.with_name("sft_sizes") / f"sft_{size}_seed_{seed}" / "adapter"
            if not start.exists():
                raise FileNotFoundError(f"no policy in {start}; train it first: vlaa_helpers.dev.studies sft_sizes")
            train = partial(_grpo, kinds=REWARD_ARMS["mixed"], profile=profile, folder=folder, seed=seed, steps=steps)
            rows += summary(_tuned(folder, profile, seed, train, start), base, size=size, seed=seed)
            pd.DataFrame(rows).to_csv(out / "sft_then_grpo.csv", index=False)
    return pd.DataFrame(rows)


PASS_SAMPLES = 16


def grpo_pass_at(out: Path, *, profile: Profile, seeds: Sequence[int], per_source: int = 50) -> "pd.DataFrame":
    """pass@k of the policies that `grpo_arms` trained with all verifiers, and of the one they started from."""
    import pandas as pd

    from ..evaluation.runner import evaluate
    from ..policy.loading import load_policy

    records = held_out("test", per_source)
    trained = out.with_name("grpo_arms")
    policies = {("base", 0): None, **{("mixed", seed): trained / f"mixed_seed_{seed}" / "adapter" for seed in seeds}}
    if absent := [str(adapter) for adapter in policies.values() if adapter is not None and not adapter.exists()]:
        raise FileNotFoundError(
            f"no policy in {', '.join(absent)}; train them first: vlaa_helpers.dev.studies grpo_arms"
        )
    tables = []
    for (arm, seed), adapter in policies.items():
        model, processor = load_policy(profile, adapter=adapter, trainable=False)
        options = {"samples": PASS_SAMPLES, "batch_size": 128, "out": out / f"{arm}_seed_{seed}"}
        report = evaluate(model, processor, records, **options)
        for source in (*report.by_source.index[:-1], None):
            table = report.pass_curve((1, 2, 4, 8, 16), source=source)
            tables.append(table.round(4).assign(arm=arm, seed=seed, source=source or "all", n=table.attrs["n"]))
        pd.concat(tables).to_csv(out / "grpo_pass_at.csv", index=False)
    return pd.concat(tables, ignore_index=True)


STUDIES = {"sft_sizes": sft_sizes, "grpo_arms": grpo_arms, "grpo_pass_at": grpo_pass_at, "sft_then_grpo": sft_then_grpo}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("study", choices=STUDIES)
    parser.add_argument("--out", type=Path, default=Path("runs/studies"), help="default: %(default)s")
    parser.add_argument("--profile", default="mini")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2], help="default: 0 1 2")
    options = parser.parse_args()
    folder = options.out / options.study
    table = STUDIES[options.study](folder, profile=get_profile(options.profile), seeds=options.seeds)
    print(table[table["source"] == "all"].to_string())


if __name__ == "__main__":
    main()
