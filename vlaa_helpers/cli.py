"""`vlaa …`: the helpers without a notebook. `vlaa build --help` lists what a command takes."""

import argparse
import sys
from pathlib import Path


def main(arguments: list[str] | None = None) -> None:
    """Run one command; what goes wrong for a known reason ends in one line on stderr and exit status 2."""
    parser = argparse.ArgumentParser(prog="vlaa", description="VLAA Notebooks without a notebook.")
    commands = parser.add_subparsers(required=True, metavar="command")
    _add_build(commands)
    options = parser.parse_args(arguments)
    from .chat import EndpointError
    from .journal import BuildStopped

    try:
        options.run(options)
    except (ValueError, FileNotFoundError, EndpointError, BuildStopped) as error:
        print(f"vlaa: {error}", file=sys.stderr)
        raise SystemExit(2) from None
    except KeyboardInterrupt:
        print("vlaa: interrupted; what is done is kept, and the same command goes on from there", file=sys.stderr)
        raise SystemExit(130) from None


def _add_build(commands: argparse._SubParsersAction) -> None:
    build = commands.add_parser("build", help="build SFT and RL sets in six steps", description=_build.__doc__)
    build.add_argument("source", help='"mini", a .json, .jsonl or .csv file, or a dataset on the hub')
    build.add_argument("--out", type=Path, default=Path("runs/dataset"), help="folder; default: %(default)s")
    build.add_argument("--images", type=Path, help="folder that the image paths of a file start from")
    build.add_argument("--verifier-type", help="for rows that give none, such as digit, mcq or open_ended")
    build.add_argument("--n", type=int, default=600, help="mini: how many records; default: %(default)s")
    build.add_argument("--seed", type=int, default=0, help="mini: of the pictures and of the scripted teacher")
    build.add_argument("--model", help="model on an OpenAI-compatible endpoint; without it the scripted teacher")
    for role in ("caption", "reason", "rewrite", "verify"):
        build.add_argument(f"--{role}-model", metavar="MODEL", help=f"another model for this role: {role}")
    build.add_argument("--base-url", help="of the endpoint, such as http://localhost:8000/v1")
    build.add_argument("--key-env", default="OPENAI_API_KEY", help="variable that holds the key; default: %(default)s")
    build.add_argument("--concurrency", type=int, default=8, help="requests at once; default: %(default)s")
    build.add_argument("--price", type=float, nargs=2, metavar=("PROMPT", "COMPLETION"), help="of a million tokens")
    build.add_argument("--budget", type=float, help="stop once this much is spent; needs --price")
    build.add_argument("--keep-same-images", action="store_true", help="several records may share a picture")
    build.add_argument("--engine", choices=("local", "ray"), default="local")
    build.set_defaults(run=_build)


def _build(options: argparse.Namespace) -> None:
    """Build verified SFT and RL sets from pictures, questions and answers. Interrupted, run it again: it goes on."""
    from .pipeline import build_dataset
    from .records import load_records

    if options.budget is not None and options.price is None:
        raise ValueError("a budget needs prices: --price PROMPT COMPLETION, of a million tokens each")
    if options.source == "mini":
        records = load_records("mini", n=options.n, seed=options.seed)
    else:
        records = load_records(options.source, image_root=options.images, verifier_type=options.verifier_type)
    result = build_dataset(
        records,
        _teacher(options),
        options.out,
        unique_images=not options.keep_same_images,
        budget=options.budget,
        engine=options.engine,
    )
    print(result.yields.to_string())
    print(
        f"\n{len(result.sft)} records for SFT, {len(result.rl)} for RL, {len(result.rejects)} let go: {result.folder}"
    )


def _teacher(options: argparse.Namespace):
    from .prompts import ROLES
    from .teachers import ChatTeacher, ScriptedTeacher

    models = {role: getattr(options, f"{role}_model") or options.model for role in ROLES}
    if not any(models.values()):
        return ScriptedTeacher(seed=options.seed)
    return ChatTeacher(
        models,
        base_url=options.base_url,
        api_key_env=options.key_env,
        concurrency=options.concurrency,
        prices=dict.fromkeys(models.values(), tuple(options.price)) if options.price else None,
    )


if __name__ == "__main__":
    main()
