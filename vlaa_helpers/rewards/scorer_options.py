"""The command line's options that say who scores open-ended answers, and the reward they say."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from ..core.command_line import address

if TYPE_CHECKING:
    from .mixed import MixedReward


def add_scorer_options(command: argparse.ArgumentParser) -> None:
    """Give a command `--reward-model`, `--judge`, `--judge-sees-images`, `--base-url` and `--key-env`."""
    who = command.add_mutually_exclusive_group()
    who.add_argument("--reward-model", help="scores open-ended answers: a folder or hub id; default: facts, mini only")
    who.add_argument("--judge", metavar="MODEL", help="scores open-ended answers: a model on an endpoint")
    command.add_argument("--judge-sees-images", action="store_true", help="send it the images too")
    command.add_argument("--base-url", type=address, help="of the judge's endpoint, such as http://localhost:8000/v1")
    command.add_argument(
        "--key-env", default="OPENAI_API_KEY", help="variable that holds its key; default: %(default)s"
    )


def reward_by_options(options: argparse.Namespace) -> "MixedReward":
    """The mixed reward with the scorer that the options say.

    Raises:
        ValueError: options of a judge without `--judge`, or a reward model that is none; a note names it.
        EndpointError: no key for the judge's endpoint.
    """
    from ..core.endpoint import ChatEndpoint
    from .mixed import MixedReward
    from .scorers import JudgeScorer, RewardModelScorer

    if not options.judge and (options.judge_sees_images or options.base_url):
        raise ValueError("--judge-sees-images and --base-url are for a judge: name its model, --judge MODEL")
    if options.judge:
        endpoint = ChatEndpoint(base_url=options.base_url, api_key_env=options.key_env)
        endpoint.check_key()
        return MixedReward(JudgeScorer(options.judge, endpoint, sees_images=options.judge_sees_images))
    if not options.reward_model:
        return MixedReward()
    try:
        return MixedReward(RewardModelScorer(options.reward_model))
    except (OSError, ValueError) as error:
        where = "in this folder" if Path(options.reward_model).is_dir() else "on the hub, as no folder has this name"
        error.add_note(f"--reward-model {options.reward_model} was looked for {where}; correct it, or leave it out")
        raise
