"""The batch of a GRPO step in numbers: how many completions, how many of them at once, and where."""

from collections.abc import Callable
from dataclasses import dataclass
from math import sqrt

from ..policy.profiles import Profile
from .runner import processes_started, split_batch


@dataclass(frozen=True)
class BatchPlan:
    """How the completions of a GRPO step are sampled and trained on.

    Attributes:
        prompts, generations: each prompt of a step gets `generations` completions, a group.
        processes: one on each device. A group may lie across two of them: TRL gathers rewards before it compares.
        micro_batch_size: how many completions may go through a device's model at once, in training.
    """

    prompts: int
    generations: int
    processes: int
    micro_batch_size: int

    @property
    def completions(self) -> int:
        """Completions of a step, over all devices; TRL's `generation_batch_size`."""
        return self.prompts * self.generations

    @property
    def sampled_at_once(self) -> int:
        """Completions that each device samples in one call of `generate`, whatever the micro batch."""
        return self.completions // self.processes

    @property
    def per_device(self) -> int:
        """Completions that go through each device's model at once, in training."""
        return split_batch(self.completions, self.micro_batch_size, self.processes)[0]

    @property
    def accumulation(self) -> int:
        """Passes whose gradients add up to one step."""
        return split_batch(self.completions, self.micro_batch_size, self.processes)[1]

    @property
    def steps_per_generation(self) -> int:
        """Passes of one generation batch: those of one step, so a policy trains on its own completions alone."""
        return self.accumulation

    @property
    def config(self) -> dict[str, int]:
        """The plan as fields of TRL's `GRPOConfig`."""
        return {
            "num_generations": self.generations,
            "per_device_train_batch_size": self.per_device,
            "gradient_accumulation_steps": self.accumulation,
        }

    def __str__(self) -> str:
        devices = "1 device" if self.processes == 1 else f"each of {self.processes} devices"
        most = min(self.micro_batch_size, self.sampled_at_once)
        odd = f" (at most {most}, but {self.sampled_at_once} only divides by less)" if self.per_device < most else ""
        high, low = (self.generations - 1) / sqrt(self.generations), 1 / sqrt(self.generations)
        lesson = (
            f"the better one gets +{high:.3f} and the other -{low:.3f}, however much or little they differ"
            if self.generations == 2
            else f"one right completion among {self.generations} gets +{high:.2f} and the others -{low:.2f}"
        )
        return "\n".join(
            [
                f"{self.prompts} prompts × {self.generations} completions = {self.completions} completions a step",
                f"sampled: {self.sampled_at_once} at once on {devices}, before each step",
                f"trained on: {self.per_device} at once on {devices}{odd}, accumulation {self.accumulation}",
                f"advantages: {lesson}; a group whose rewards are all equal gets 0",
            ]
        )


def plan_batch(
    profile: Profile,
    num_generations: int | None = None,
    *,
    prompts_per_step: int | None = None,
    processes: int | None = None,
    records: int | None = None,
) -> BatchPlan:
    """Work out the batch of a GRPO step, or say why there is none.

    Args:
        profile: its `prompts_per_step`, `num_generations` and `micro_batch_size` count.
        num_generations, prompts_per_step: instead of the profile's.
        processes: as many as `torchrun` or `accelerate` started, unless said otherwise.
        records: how many there are to train on. With too few for one step TRL ends without a step, and without an
            error; of more it leaves out what does not fill a step at the end of each pass.

    Raises:
        ValueError: settings that TRL refuses or that mean nothing, with the nearest ones that work.

    >>> from vlaa_helpers import get_profile
    >>> print(plan_batch(get_profile("mini").replace(micro_batch_size=8), 4, processes=2))
    8 prompts × 4 completions = 32 completions a step
    sampled: 16 at once on each of 2 devices, before each step
    trained on: 8 at once on each of 2 devices, accumulation 2
    advantages: one right completion among 4 gets +1.50 and the others -0.50; a group whose rewards are all equal gets 0
    """
    prompts = profile.prompts_per_step if prompts_per_step is None else prompts_per_step
    generations = profile.num_generations if num_generations is None else num_generations
    processes = processes_started() if processes is None else processes
    if generations < 2:
        raise ValueError(
            f"a group needs at least 2 generations to compare, got {generations}; set num_generations=4 or more"
        )
    for value, setting, what in (
        (prompts, "prompts_per_step", "a step needs a prompt"),
        (processes, "processes", "somebody has to train"),
        (profile.micro_batch_size, "micro_batch_size", "a completion cannot be cut in two"),
    ):
        if value < 1:
            raise ValueError(f"{setting}={value}, and {what}; set {setting}=1 or more")
    if prompts * generations % processes:
        fits = {
            "prompts_per_step": _nearest(prompts, 1, lambda p: p * generations % processes == 0),
            "num_generations": _nearest(generations, 2, lambda g: prompts * g % processes == 0),
            "processes": _nearest(processes, 1, lambda n: prompts * generations % n == 0),
        }
        near = "; or ".join(f"{name}={' or '.join(map(str, values))}" for name, values in fits.items())
        raise ValueError(
            f"{prompts} prompts × {generations} completions = {prompts * generations} completions do not divide among "
            f"{processes} processes; nearest are {near}"
        )
    if records is not None and records < prompts:
        raise ValueError(
            f"{records} records do not fill a step of {prompts} prompts: nothing would be trained; set "
            f"prompts_per_step={records or 1} or less, or take more records"
        )
    return BatchPlan(prompts, generations, processes, profile.micro_batch_size)


def _nearest(value: int, least: int, fits: Callable[[int], bool]) -> list[int]:
    """The nearest value below that fits, and the nearest above, where there are such."""
    ways = range(value - 1, least - 1, -1), range(value + 1, value + 4096)
    return [k for way in ways if (k := next(filter(fits, way), None)) is not None]
