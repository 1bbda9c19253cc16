"""`vlaa evaluate`."""

import argparse
import os
import re
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from ..core.command_line import count, temperature
from ..core.printable import printable_lines
from ..data.record_options import add_record_options, records_of_run
from ..policy.policy_options import add_policy_options, policy_by_options, profile_by_options
from ..rewards.scorer_options import add_scorer_options, reward_by_options

if TYPE_CHECKING:
    from datasets import Dataset


def add_evaluate(commands: argparse._SubParsersAction) -> None:
    """Add the command `evaluate`."""
    command = commands.add_parser(
        "evaluate", help="held-out accuracy with intervals, every response kept", description=_evaluate.__doc__
    )
    command.add_argument("source", help='"mini", a benchmark such as mathvista_testmini, or what `build` takes')
    command.add_argument("--files", type=Path, help="folder with a benchmark's parquet files; default: from the hub")
    command.add_argument("--prompt", choices=("ours", "own", "both"), default="ours", help="tags, or the model's own")
    command.add_argument(
        "--out", type=Path, help="folder; default: evaluations/SOURCE beside --adapter, or runs/evaluations/SOURCE"
    )
    add_record_options(command, mini_split="test")
    add_policy_options(command)
    add_scorer_options(command)
    command.add_argument("--n", "--records", dest="n", type=count, help="how many; default: 600, of a benchmark all")
    command.add_argument("--samples", type=count, default=1, help="responses an item; 1 is greedy")
    command.add_argument(
        "--temperature", type=temperature, default=1.0, help="of the sampling, above 0; default: %(default)s"
    )
    command.add_argument("--max-new-tokens", type=count, default=None, help="default: the profile's completion length")
    command.add_argument("--batch-size", type=count, default=None, help="sequences at once; default: the profile's")
    command.add_argument("--no-think", action="store_true", help="the control: answer without thinking")
    command.add_argument(
        "--show-images",
        choices=("true", "blank", "swapped"),
        default="true",
        help="the control without vision: a grey image, or that of another record of the source; default: %(default)s",
    )
    command.add_argument("--against", type=Path, metavar="FOLDER", help="compare with this earlier report, in pairs")
    command.set_defaults(execute=_evaluate, default_out=_own_evaluations)


def _own_evaluations(options: argparse.Namespace) -> Path:
    """A folder for what is asked, below the run that an adapter comes from; a checkpoint's has its name."""
    run = Path("runs") if options.adapter is None else options.adapter.parent
    whose = "" if options.adapter is None or options.adapter.name == "adapter" else options.adapter.name
    return run / "evaluations" / whose / re.sub(r"[^\w.-]+", "-", Path(options.source).name)


def _evaluate(options: argparse.Namespace) -> None:
    """Ask a policy held-out questions, or those of a benchmark. Interrupted, run it again: it goes on."""
    from .eval_report import check_same_items, compare_reports, load_report
    from .runner import evaluate

    prompts = {options.prompt: ""} if options.prompt != "both" else {"ours": "ours", "own": "own"}
    before = {name: load_report(options.against / part) if options.against else None for name, part in prompts.items()}
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise ValueError("evaluate asks in one process, and several would write one file: start it without torchrun")
    if options.no_think and options.prompt != "ours":
        raise ValueError("--no-think starts each response with our tags, which the model's own prompt does not have")
    reward, profile = reward_by_options(options), profile_by_options(options)
    records, about = _asked(options)
    reward.check_records(records)
    for earlier in filter(None, before.values()):  # before minutes go into loading and asking
        check_same_items((row["id"] for row in earlier.rows), records["id"])
    model, processor = policy_by_options(options, profile)
    for prompt, part in prompts.items():
        report = evaluate(
            model,
            processor,
            records,
            reward=reward,
            samples=options.samples,
            temperature=options.temperature,
            max_new_tokens=options.max_new_tokens or profile.max_completion_length,
            think=not options.no_think,
            images=options.show_images,
            prompt=prompt,
            about=about,
            batch_size=options.batch_size or profile.sampled_at_once,
            seed=options.seed,
            out=options.out / part,
        )
        print(printable_lines(report.by_source.round(3).to_string()))
        print(f"\n{report}\n{report.tokens_per_second:,.0f} tokens/s; responses: {options.out / part}")
        if (earlier := before[prompt]) is not None:
            asked = f"{options.against / part} ({earlier.prompt} prompt)"
            print(f"against {asked}: {compare_reports(earlier, report)}")


def _asked(options: argparse.Namespace) -> "tuple[Dataset, dict | None]":
    """The records that are asked, and what the report should say of them where they are a benchmark's."""
    from .benchmarks.load import read_benchmark
    from .benchmarks.registry import benchmark_names

    if options.source not in benchmark_names():
        _check_is_no_slip(options.source, benchmark_names())
        if options.files is not None:
            raise ValueError(f"--files is for benchmarks ({', '.join(benchmark_names())}); {options.source} is none")
        return records_of_run(options.source, options, built="rl.arrow", n=600, split="test"), None
    for name in ("limit", "split", "sources", "images"):
        if getattr(options, name) is not None:
            raise ValueError(f"--{name} is for other sources than benchmarks; of {options.source} --n takes a part")
    found = read_benchmark(options.source, n=options.n, seed=options.seed, folder=options.files)
    print(found)
    return found.records, found.about


def _check_is_no_slip(source: str, benchmarks: tuple[str, ...]) -> None:
    """Raises ValueError for a word that is no file, and can be no name on the hub; it was meant for a benchmark."""
    if source == "mini" or "/" in source or "." in source or Path(source).exists():
        return
    near = get_close_matches(source, ["mini", *benchmarks], n=1)
    hint = f"; did you mean {near[0]}?" if near else f". Benchmarks: {', '.join(benchmarks)}"
    raise ValueError(f"{source}: no file and no benchmark of this name{hint}")
