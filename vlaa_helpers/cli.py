"""`vlaa …`: the helpers without a notebook. `vlaa build --help` lists what a command takes."""

import argparse
import errno
import os
import shlex
import sys
import warnings
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .core.command_line import Parser, address, amount, config_settings, count, stop, warning_in_one_line
from .core.printable import printable_lines
from .data.record_options import add_record_options, records_by_options, records_of_run
from .evaluation.commands import add_evaluate
from .policy.policy_options import add_policy_options, policy_by_options, profile_by_options
from .publishing.commands import add_merge, add_push
from .rewards.scorer_options import add_scorer_options, reward_by_options
from .study.commands import add_study

if TYPE_CHECKING:
    from .pipeline.build import BuildResult

RECIPES = ("vlaa", "trl", "dapo", "dr_grpo")
"""As `training.recipes` has them, which takes seconds to import."""


def main(arguments: list[str] | None = None) -> None:
    """Run one command; what goes wrong for a known reason ends in one line on stderr and exit status 2."""
    parser = Parser(prog="vlaa", description="VLAA Notebooks without a notebook.")
    commands = parser.add_subparsers(required=True, dest="command", metavar="command")
    _add_build(commands)
    _add_sft(commands)
    _add_grpo(commands)
    add_evaluate(commands)
    _add_report(commands)
    add_study(commands)
    add_merge(commands)
    add_push(commands)
    options, unknown = parser.parse_known_args(arguments)
    if unknown:
        commands.choices[options.command].refuse(unknown[0])
    from .core.endpoint import EndpointError
    from .core.file_trouble import file_trouble, network_words, with_notes
    from .core.messages import show_messages
    from .core.not_finite import NotFiniteError
    from .pipeline.stops import BuildStopped
    from .policy.memory_estimate import memory_words

    show_messages()
    if getattr(options, "out", None) is None:
        options.out = getattr(options, "default_out", lambda _: Path())(options)
    out = options.out
    warnings.formatwarning = warning_in_one_line
    typed = sys.argv[1:] if arguments is None else arguments
    given = [*typed, *(str(Path(text)) for text in typed)]  # as messages have a path
    try:
        options.execute(options)
    except (ValueError, EndpointError, BuildStopped, NotFiniteError) as error:
        stop(with_notes(error), given)
    except OSError as error:
        stop(file_trouble(error, out), given)
    except ImportError as error:
        if isinstance(error, ModuleNotFoundError) and not hasattr(error, "__notes__"):
            error.add_note(f"Install it: pip install {error.name}")
        stop(with_notes(error), given)
    except Exception as error:  # safetensors and torch have their own classes for a full disk, and for a full memory
        if words := memory_words(error, getattr(options, "used", None), options.command):
            stop(words, given)
        if words := network_words(error):
            stop(words, given)
        if isinstance(error, RuntimeError) and "to be installed" in str(error):  # of transformers, for a tracker
            stop(str(error), given)
        full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        if full.strerror not in str(error):
            raise
        stop(file_trouble(full, out), given)
    except KeyboardInterrupt:
        print(
            "vlaa: interrupted; what is done is kept. The same command goes on; sft and grpo with --resume",
            file=sys.stderr,
        )
        raise SystemExit(130) from None


def _add_build(commands: argparse._SubParsersAction) -> None:
    build = commands.add_parser("build", help="build SFT and RL sets in six steps", description=_build.__doc__)
    build.add_argument("source", help='"mini", a .json, .jsonl or .csv file, or a dataset on the hub')
    build.add_argument("--out", type=Path, default=Path("runs/dataset"), help="folder; default: %(default)s")
    add_record_options(build)
    build.add_argument("--verifier-type", help="for rows that give none, such as digit, choice or open_ended")
    build.add_argument("--n", "--records", dest="n", type=count, help="mini: how many records; default: 600")
    build.add_argument("--seed", type=int, default=0, help="mini: of the images and of the scripted teacher")
    build.add_argument("--model", help="model on an OpenAI-compatible endpoint; without it the scripted teacher")
    for role in ("caption", "reason", "rewrite", "verify"):
        build.add_argument(f"--{role}-model", metavar="MODEL", help=f"another model for this role: {role}")
    build.add_argument("--base-url", type=address, help="of the endpoint, such as http://localhost:8000/v1")
    build.add_argument("--key-env", default="OPENAI_API_KEY", help="variable that holds the key; default: %(default)s")
    build.add_argument("--concurrency", type=count, default=8, help="requests at once; default: %(default)s")
    build.add_argument("--price", type=amount, nargs=2, metavar=("PROMPT", "COMPLETION"), help="of a million tokens")
    build.add_argument("--budget", type=amount, help="stop once this much is spent; needs --price")
    build.add_argument("--keep-same-images", action="store_true", help="several records may share an image")
    build.add_argument("--engine", choices=("local", "ray"), default="local")
    build.set_defaults(execute=_build)


def _build(options: argparse.Namespace) -> None:
    """Build verified SFT and RL sets from images, questions and answers. Interrupted, run it again: it goes on."""
    from .pipeline.build import build_dataset

    if options.budget is not None and options.price is None:
        raise ValueError("a budget needs prices: --price PROMPT COMPLETION, of a million tokens each")
    mini = {"n": options.n or 600, "seed": options.seed}
    records = records_by_options(options.source, options, verifier_type=options.verifier_type, **mini)
    result = build_dataset(
        records,
        _teacher(options),
        options.out,
        unique_images=not options.keep_same_images,
        budget=options.budget,
        engine=options.engine,
    )
    print(printable_lines(result.yields.to_string()))
    print(f"\n{len(result.sft)} records for SFT, {len(result.rl)} for RL: {result.folder}")
    print(_rejects_in_words(result))


def _rejects_in_words(result: "BuildResult") -> str:
    """How many records were rejected, and why, the most frequent reason first."""
    from .pipeline.failed_replies import FAILED

    reasons = list(zip(result.rejects["step"], result.rejects["reason"], strict=True))
    if not reasons:
        return "0 rejected"
    kinds = ", ".join(f"{step} {reason} {count}" for (step, reason), count in Counter(reasons).most_common())
    again = sum(reason in FAILED for _, reason in reasons)
    fix = f". {again} got no reply to use: the same command asks for them again" if again else ""
    return f"{len(reasons)} rejected ({kinds}); their texts: {result.folder / 'rejects.arrow'}{fix}"


def _teacher(options: argparse.Namespace):
    from .pipeline.prompts import ROLES
    from .pipeline.scripted_teacher import ScriptedTeacher
    from .pipeline.teachers import ChatTeacher

    models = {role: getattr(options, f"{role}_model") or options.model for role in ROLES}
    if not any(models.values()):
        if options.base_url or options.price:
            raise ValueError("--base-url and --price are for models on an endpoint: name one, --model MODEL")
        return ScriptedTeacher(seed=options.seed)
    return ChatTeacher(
        models,
        base_url=options.base_url,
        api_key_env=options.key_env,
        concurrency=options.concurrency,
        prices=dict.fromkeys(models.values(), tuple(options.price)) if options.price else None,
    )


def _add_sft(commands: argparse._SubParsersAction) -> None:
    sft = commands.add_parser("sft", help="fine-tune a policy on responses", description=_sft.__doc__)
    sft.add_argument("source", help="folder of a build, or what `build` takes, with responses")
    sft.add_argument("--out", type=Path, default=Path("runs/sft"), help="folder; default: %(default)s")
    add_record_options(sft)
    add_policy_options(sft)
    sft.add_argument("--resume", action="store_true", help="go on from the newest checkpoint in --out")
    sft.add_argument("--batch-size", type=count, help="samples a step, over all processes")
    sft.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="any field of TRL's SFTConfig")
    sft.set_defaults(execute=_sft)


def _sft(options: argparse.Namespace) -> None:
    """Fine-tune on responses. Several processes: torchrun --standalone --nproc_per_node 2 -m vlaa_helpers sft …"""
    from trl import SFTConfig

    from .training.sft import train_sft

    settings = config_settings(options.set, SFTConfig)
    if options.batch_size is not None:
        settings["batch_size"] = options.batch_size
    if options.resume:
        settings["resume_from_checkpoint"] = True
    profile = profile_by_options(options)
    records = records_of_run(options.source, options, built="sft.arrow")
    model, processor = policy_by_options(options, profile)
    settings |= {"seed": options.seed, "output_dir": str(options.out)}
    trainer = train_sft(model, processor, records, profile, **settings)
    _keep_adapter(trainer, processor, options.out, f" on {len(records)} records")


def _add_grpo(commands: argparse._SubParsersAction) -> None:
    grpo = commands.add_parser("grpo", help="reinforcement learning with the mixed reward", description=_grpo.__doc__)
    grpo.add_argument("source", help='"mini", folder of a build, or what `build` takes')
    grpo.add_argument("--out", type=Path, default=Path("runs/grpo"), help="folder; default: %(default)s")
    add_record_options(grpo)
    add_policy_options(grpo)
    grpo.add_argument("--n", "--records", dest="n", type=count, help="mini: how many records; default: 2880")
    grpo.add_argument("--recipe", default="vlaa", choices=RECIPES, help="vlaa, the default, is the paper's")
    grpo.add_argument("--max-prompt-length", type=int, help="leave out records with longer prompts, in tokens")
    add_scorer_options(grpo)
    grpo.add_argument("--resume", action="store_true", help="go on from the newest checkpoint in --out")
    grpo.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="any field of TRL's GRPOConfig")
    grpo.set_defaults(execute=_grpo)


def _grpo(options: argparse.Namespace) -> None:
    """Train a policy by GRPO with the mixed reward. Several processes: torchrun … -m vlaa_helpers grpo …"""
    from trl import GRPOConfig

    from .training.grpo import train_grpo

    settings = config_settings(options.set, GRPOConfig) | {"seed": options.seed, "output_dir": str(options.out)}
    if options.resume:
        settings["resume_from_checkpoint"] = True
    reward, profile = reward_by_options(options), profile_by_options(options)
    records = records_of_run(options.source, options, built="rl.arrow", n=2880)
    reward.check_records(records)
    model, processor = policy_by_options(options, profile)
    trainer = train_grpo(
        model,
        processor,
        records,
        profile,
        reward_funcs=reward,
        recipe=options.recipe,
        max_prompt_length=options.max_prompt_length,
        **settings,
    )
    _keep_adapter(trainer, processor, options.out)


def _keep_adapter(trainer: Any, processor: Any, out: Path, trained_on: str = "") -> None:
    """Save what was trained: every process takes part, because each may hold a part of it, and the first one speaks."""
    from .policy.adapters import save_policy

    is_main = trainer.is_world_process_zero()
    folder = save_policy(trainer.model, processor, out / "adapter", is_main_process=is_main)
    if is_main:
        print(f"{trainer.state.global_step} steps{trained_on}; log: {out / 'log.csv'}")
        print(f"adapter: {folder}; measure it with: vlaa evaluate SOURCE --adapter {shlex.quote(str(folder))}")


def _add_report(commands: argparse._SubParsersAction) -> None:
    report = commands.add_parser("report", help="one HTML file that compares runs", description=_report.__doc__)
    report.add_argument("runs", nargs="+", metavar="RUN", help="folder of an evaluation or a training, or NAME=FOLDER")
    report.add_argument("--out", type=Path, default=Path("runs/report.html"), help="file; default: %(default)s")
    report.add_argument("--records", metavar="SOURCE", help="what was asked, for images and facts; mini needs none")
    add_record_options(report)
    report.set_defaults(execute=_report, seed=0)


def _report(options: argparse.Namespace) -> None:
    """Compare runs in one self-contained HTML file: accuracy, measures of the reasoning, traces to read. The first run
    is what the others are compared with."""
    from .display.html_report import write_report

    said = [name for name in ("images", "split", "sources", "limit") if getattr(options, name) is not None]
    if said and not options.records:
        raise ValueError(f"--{said[0]} says which records; name where they are: --records SOURCE")
    records = records_of_run(options.records, options, built="rl.arrow", n=600) if options.records else None
    runs = dict(run.split("=", 1) for run in options.runs if "=" in run and not os.path.exists(run))
    if runs and len(runs) < len(options.runs):
        raise ValueError("give a NAME=FOLDER for each run, names that differ, or for none")
    path = write_report(runs or options.runs, options.out, records=records)
    print(f"{path}: {path.stat().st_size / 2**20:.1f} MiB, nothing else is needed to read it")


if __name__ == "__main__":
    main()
