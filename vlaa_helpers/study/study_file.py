"""From a study's file, which docs/studies.md describes, to its arms. What is wrong with one is said with its place."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from ..evaluation.image_controls import IMAGES
from ..mini_world.scenes import SPLITS
from ..policy.profiles import NAMES, Profile, get_profile
from ..reference import SETS
from .arms import Arm, Lab, Stage
from .ledger import Study
from .measures import FINAL, Measure
from .pinned import pin_data
from .reward_parts import MIXED, read_reward
from .schema import Given, Node, read_yaml
from .stages import STAGES

BASE = "base"
HELD = tuple(name for name in SPLITS if name != "train")
_NAME = re.compile(r"[\w-]{1,60}")
_ARM = re.compile(r"[^\W_][^\n\t]{0,59}")
_FIXED = ("name", "reasons", "test_per_source")
"""Fields of a profile that a study does not change: its file says what is asked."""


@dataclass(frozen=True)
class StudyFile:
    """A study as its file describes it, and the profiles that it names.

    Attributes:
        study: its arms on all profiles and seeds, each once.
        profiles: a name to the profile that it is like, and the settings that differ.
    """

    study: Study
    profiles: Mapping[str, tuple[str, Mapping[str, Any]]]

    def lab(self, out: Path) -> Lab:
        """Where it runs.

        Raises:
            RuntimeError: a profile for a GPU, and there is none.
        """
        made = {name: get_profile(like).replace(**changes) for name, (like, changes) in self.profiles.items()}
        return Lab(made, out, out)


@dataclass(frozen=True)
class _Plan:
    """An arm as it stands in the file."""

    node: Node
    start: str
    stages: tuple[Stage, ...]
    profiles: tuple[str, ...]
    seeds: tuple[int, ...]


def load_study(source: "str | Path | Mapping[str, Any]") -> StudyFile:
    """Read a study: a YAML file, or the same as a dictionary.

    Raises:
        FileNotFoundError: no such file.
        ValueError: unknown keys, values of the wrong type, names that stand twice or for nothing, arms that start from
            each other in a circle; says where, what was found and what was expected.
    """
    node = Node(dict(source), "study") if isinstance(source, Mapping) else read_yaml(Path(source))
    folder = Path() if isinstance(source, Mapping) else Path(source).parent
    at = node.fields("study", "question", "profiles", "seeds", "rewards", "measures", "arms", needs=("study", "arms"))
    profiles = _read_profiles(at["profiles"]) if "profiles" in at else {"mini": ("mini", {})}
    seeds = _read_seeds(at["seeds"]) if "seeds" in at else (0,)
    given = Given(folder)
    if "rewards" in at:
        rewards = at["rewards"].mapping()
        if MIXED in rewards:
            rewards[MIXED].refuse(f"the name {MIXED!r}", "it is taken by the mixed reward as it is; give it another")
        given = Given(folder, {name: read_reward(reward, given) for name, reward in rewards.items()})
    plans = _read_arms(at["arms"], given, tuple(profiles), seeds)
    measures = FINAL
    if "measures" in at:
        measures = tuple(_read_measure(each, folder) for each in at["measures"].entries(unique=True))
    question = at["question"].text() if "question" in at else ""
    study = Study(_read_name(at["study"]), _all_arms(plans, tuple(profiles)), measures, question=question)
    return StudyFile(study, profiles)


def _read_name(node: Node) -> str:
    if not _NAME.fullmatch(node.text()):
        node.refuse(f"got {node.shown}", "expected a name of letters, digits, _ and -, at most 60 characters")
    return node.value


def _read_seeds(node: Node) -> tuple[int, ...]:
    return tuple(each.count(least=0) for each in node.entries(unique=True))


def _read_profiles(node: Node) -> dict[str, tuple[str, Mapping[str, Any]]]:
    if isinstance(node.value, list):
        return {each.choice(NAMES): (each.value, {}) for each in node.entries(unique=True)}
    found = node.mapping(empty=False)
    if not found:
        node.refuse("there is none", "name one, profiles: [mini], or leave the key out")
    return {name: _read_profile(name, each) for name, each in found.items()}


def _read_profile(name: str, node: Node) -> tuple[str, Mapping[str, Any]]:
    kinds = {each.name: each.type for each in fields(Profile) if each.name not in _FIXED}
    at = node.fields("like", *kinds)
    like = at.pop("like").choice(NAMES) if "like" in at else name
    if like not in NAMES:
        node.refuse(f"{name!r} is no profile that there is", f"add like: one of {', '.join(NAMES)}")
    read = {"str": Node.text, "bool": Node.truth, "int": Node.count, "float": lambda each: each.number(above=0)}
    return like, {key: read[getattr(kinds[key], "__name__", kinds[key])](value) for key, value in at.items()}


def _read_measure(node: Node, folder: Path) -> Measure:
    at = node.fields("set", "per_source", "samples", "think", "images", needs=("set",))
    held, path = at["set"].text(), folder / at["set"].text()
    samples = at["samples"].count() if "samples" in at else 1
    think = at["think"].truth() if "think" in at else True
    options = {"samples": samples, "think": think, "images": at["images"].choice(IMAGES) if "images" in at else "true"}
    decoding = ("greedy" if samples == 1 else "sampled") if think else "no_think"
    if held not in HELD and path.is_file():
        if "per_source" in at:
            at["per_source"].refuse("per_source of a file", "all of its records are asked; leave it out")
        return Measure(held, decoding, 0, data=at["set"].pinned(lambda: pin_data(path)), **options)
    if held not in HELD:
        at["set"].refuse(repr(held), f"expected one of {', '.join(HELD)}, or a file of records; there is no {path}")
    if held == "text" and options["images"] != "true":
        node.refuse(f"the set text with images: {options['images']}", "its records have no image to take away")
    return Measure(held, decoding, at["per_source"].count() if "per_source" in at else SETS.get(held, 100), **options)


def _read_arms(node: Node, given: Given, profiles: tuple[str, ...], seeds: tuple[int, ...]) -> dict[str, _Plan]:
    plans = {}
    for name, each in node.mapping(empty=False).items():
        if name == BASE or not _ARM.fullmatch(name):
            each.refuse(f"the name {name!r:.80}", f"expected one line of at most 60 characters, and not {BASE}")
        at = each.fields("start", "stages", "profiles", "seeds", needs=("stages",))
        plans[name] = _Plan(
            each,
            at["start"].text() if "start" in at else BASE,
            tuple(_read_stage(stage, given) for stage in at["stages"].entries()),
            tuple(one.choice(profiles) for one in at["profiles"].entries(unique=True))
            if "profiles" in at
            else profiles,
            _read_seeds(at["seeds"]) if "seeds" in at else seeds,
        )
    _check_uses(plans)
    _check_starts(plans)
    return plans


def _read_stage(node: Node, given: Given) -> Stage:
    at = node.fields(*STAGES)
    if len(at) != 1:
        node.refuse(f"{len(at)} stages in an entry", f"expected one of {', '.join(STAGES)} in each, {{sft: {{…}}}}")
    ((what, options),) = at.items()
    return STAGES[what].read(options, given)


def _check_uses(plans: Mapping[str, _Plan]) -> None:
    """Refuse arms that stages name and that are none, or not for the same profiles and seeds."""
    for plan in plans.values():
        for name in _used(plan):
            if name != BASE and name not in plans:
                plan.node.refuse(
                    f"it uses {name!r:.80}, which is no arm", f"expected one of {BASE}, {', '.join(plans)}"
                )
            if name == BASE:
                continue
            for what, wanted, there in (
                ("profiles", plan.profiles, plans[name].profiles), ("seeds", plan.seeds, plans[name].seeds),
            ):  # fmt: skip
                if len(there) > 1 and not set(wanted) <= set(there):
                    plan.node.refuse(
                        f"it uses {name!r:.80}, which has the {what} {', '.join(map(str, there))}",
                        f"give that the same {what}, or one alone for all",
                    )


def _used(plan: _Plan) -> tuple[str, ...]:
    return tuple(name for stage in plan.stages for name in stage.uses())


def _check_starts(plans: Mapping[str, _Plan]) -> None:
    for name, plan in plans.items():
        if plan.start != BASE and plan.start not in plans:
            known = ", ".join((BASE, *plans))
            plan.node.refuse(f"it starts from {plan.start!r:.80}, which is no arm", f"expected one of {known}")
        _check_circles(plans, [name])


def _check_circles(plans: Mapping[str, _Plan], way: list[str]) -> None:
    """Refuse arms that start from each other, or use each other, after a way of names."""
    plan = plans[way[-1]]
    for after in (plan.start, *_used(plan)):
        if after in way:
            round_ = " → ".join((*way[way.index(after) :], after))
            plans[way[0]].node.refuse(f"arms start from each other, {round_}", f"let one of them start from {BASE}")
        if after != BASE and after in plans:
            _check_circles(plans, [*way, after])


def _all_arms(plans: Mapping[str, _Plan], profiles: tuple[str, ...]) -> tuple[Arm, ...]:
    """The base of each profile, then the arms of the first seed, of the next, and so on, in the order of the file."""
    arms = [Arm(BASE, profile) for profile in profiles]
    seeds = dict.fromkeys(seed for plan in plans.values() for seed in plan.seeds)
    for seed in seeds:
        for profile in profiles:
            wanted = (name for name, plan in plans.items() if profile in plan.profiles and seed in plan.seeds)
            arms += [_arm(name, plans, profile, seed) for name in wanted]
    return tuple(dict.fromkeys(arms))


def _arm(name: str, plans: Mapping[str, _Plan], profile: str, seed: int) -> Arm:
    plan = plans[name]
    arm = Arm(BASE, profile) if plan.start == BASE else _arm(plan.start, plans, profile, seed)
    last = len(plan.stages) - 1
    for k, stage in enumerate(plan.stages):
        stage = stage.given_arms({used: _arm_used(used, plans, profile, seed) for used in stage.uses()})
        arm = arm.then(name if k == last else f"{name}, stage {k + 1}", stage, seed=seed)
    return arm


def _arm_used(name: str, plans: Mapping[str, _Plan], profile: str, seed: int) -> Arm:
    """The arm of the same profile and seed, or of the only ones that it has."""
    if name == BASE:
        return Arm(BASE, profile)
    there = plans[name]
    profile, seed = (
        wanted if wanted in known else known[0]
        for wanted, known in ((profile, there.profiles), (seed, there.seeds))
    )  # fmt: skip
    return _arm(name, plans, profile, seed)
