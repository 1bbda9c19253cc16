"""Reranking as weight times direction: four mixtures of an SFT and a contrastive loss on the mini VLM (2510.14824).

python -m vlaa_helpers.dev.studies.reranking [--steps 200] [--seeds 0 1 2] [--out runs/reranking] [--ship]

A question is to be ranked with its own image above hard negatives (`make_relevance_pairs`). Each mixture trains fresh
adapters on the same questions in the same order for the same steps; a seed draws other ones. MRR and hits at 1 on
held-out questions, the same for all, with intervals over questions and seeds; and what the choice of a weight and of a
direction does to them, in pairs of the same questions. The base is ranked by both scores, untrained. Arms that are done
are kept in the folder, and the same command goes on; `--ship` puts the tables `reranking` and `reranking_effects` into
the package. The whole takes about 25 minutes on one thread (estimated from eight steps).

The paper reports 58.1 for both of SFT, 56.4 for both of the contrastive loss, 57.9 and 57.0 for the mixtures (MRB
average, second-hand), with models of 3B and 1.5M samples: this is no replication, it shows the lens at work.

`weight_against_p.png` is drawn first: how hard SFT, DFT, TrSFT, PEAR, MIFO, GRPO and both losses here pull at a token.
"""

import argparse
import json
import time
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib.pyplot as plt
import pandas as pd
import torch

from ...core.assets import STUDIES
from ...core.statistics import seeds_interval
from ...display.plots.style import open_frame
from ...evaluation.ranking import MEASURES, rank_measures, ranking_table
from ...mini_world.relevance import make_relevance_pairs
from ...policy.loading import load_policy
from ...policy.profiles import Profile, get_profile
from ...training.grpo_loss_reference import group_advantages
from ...training.reranking import (
    WAYS,
    relevance_logits,
    relevance_loss,
    relevance_scores,
    relevance_weights,
    yes_no_logits,
)
from ...training.weigh_tokens import token_weights
from .tables import write_whole

if TYPE_CHECKING:
    from datasets import Dataset
    from matplotlib.figure import Figure

NEGATIVES = 4
PER_STEP = 8
"""Questions of a step, each with all of its candidates."""
TRAINED, HELD_OUT = 1200, 200
"""Questions."""
STEPS = 200
HELD_OUT_SEED = 1
"""Of the held-out questions."""
BASE = "before training"
SHIPPED = ("reranking", "reranking_effects")
"""Tables of the package."""


def train(
    model: Any, processor: Any, pairs: "Dataset", *, weight: str, direction: str, steps: int, rate: float, seed: int
) -> list[float]:
    """Train a policy's adapters on questions in random order; give the mean weight of each step, small once they fit.

    Args:
        pairs: of `make_relevance_pairs`, `NEGATIVES` a question.
        rate: constant, of AdamW, which does not mind that one loss is some times the other.
    """
    size, rng = NEGATIVES + 1, torch.Generator().manual_seed(seed)
    optimizer = torch.optim.AdamW([each for each in model.parameters() if each.requires_grad], lr=rate, weight_decay=0)
    order: list[int] = []
    history = []
    model.train()
    for _ in range(steps):
        while len(order) < PER_STEP:
            order += torch.randperm(len(pairs) // size, generator=rng).tolist()
        chosen, order = order[:PER_STEP], order[PER_STEP:]
        rows = [pairs[question * size + k] for question in chosen for k in range(size)]
        logits = yes_no_logits(model, processor, rows).view(len(chosen), size, 2)
        relevant = torch.tensor([row["relevant"] for row in rows]).view(len(chosen), size)
        loss = relevance_loss(logits, relevant, weight=weight, direction=direction)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        history.append(float(relevance_weights(logits, relevant, weight=weight).mean()))
    return history


def measure(model: Any, processor: Any, pairs: "Dataset", *, direction: str) -> pd.DataFrame:
    """`rank_measures` of held-out questions, with `query`."""
    size = NEGATIVES + 1
    scores = relevance_scores(relevance_logits(model, processor, pairs), direction=direction).view(-1, size)
    relevant = torch.tensor(pairs["relevant"][:]).view(-1, size)
    return rank_measures(scores.numpy(), relevant.numpy()).assign(query=pairs["query_id"][::size])


def run(
    profile: Profile,
    folder: Path,
    *,
    steps: int = STEPS,
    seeds: Sequence[int] = (0, 1, 2),
    trained: int = TRAINED,
    held_out: int = HELD_OUT,
) -> pd.DataFrame:
    """Train and measure what is not in the folder yet.

    Returns:
        A row a question of an arm: `arm`, `weight`, `direction`, `seed`, `query`, `reciprocal_rank`, `hit_at_1` and
        `seconds` of the arm.

    Raises:
        ValueError: arms in the folder that were made with other settings.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _same_settings(
        folder / "settings.json",
        {
            "model": Path(profile.model).name,
            "rate": profile.sft_learning_rate,
            "steps": steps,
            "a_step": PER_STEP,
            "negatives": NEGATIVES,
            "trained": trained,
            "held_out": held_out,
        },
    )
    done, held = [], {"split": "test", "seed": HELD_OUT_SEED}
    asked = make_relevance_pairs(held_out, negatives=NEGATIVES, **held)
    for seed in seeds:
        untrained = [(BASE, direction) for direction in WAYS] if seed == seeds[0] else []
        arms = [*untrained, *product(WAYS, WAYS)]
        names = {
            (weight, direction): folder / f"{weight.split()[0]}-{direction}-{seed}.csv" for weight, direction in arms
        }
        done += names.values()
        missing = {arm: path for arm, path in names.items() if not path.exists()}
        pairs = make_relevance_pairs(trained, negatives=NEGATIVES, seed=seed) if missing else None
        for (weight, direction), path in missing.items():
            began = time.perf_counter()
            model, processor = load_policy(profile.replace(load_in_4bit=False), seed=seed)
            if weight != BASE:
                train(
                    model, processor, pairs, weight=weight, direction=direction, steps=steps, seed=seed,
                    rate=profile.sft_learning_rate,
                )  # fmt: skip
            rows = measure(model, processor, asked, direction=direction)
            arm = f"{BASE}, scored by {direction}" if weight == BASE else f"weight {weight}, direction {direction}"
            rows = rows.assign(arm=arm, weight=weight, direction=direction, seed=seed)
            rows["seconds"] = round(time.perf_counter() - began, 1)
            draft = path.with_suffix(".draft")
            rows.to_csv(draft, index=False)
            draft.rename(path)
            print(f"{arm}, seed {seed}: hits at 1 {rows['hit_at_1'].mean():.3f}, {rows['seconds'].iloc[0]:.0f} s")
    return pd.concat([pd.read_csv(path) for path in done], ignore_index=True)


def _same_settings(path: Path, settings: dict[str, Any]) -> None:
    if path.exists() and (before := json.loads(path.read_text())) != settings:
        raise ValueError(f"{path.parent} has arms made with {before}, and this run has {settings}; name another --out")
    path.write_text(json.dumps(settings))


def effects(rows: pd.DataFrame) -> pd.DataFrame:
    """What SFT's weight does against the contrastive one, and its direction likewise: means over the other choice.

    Returns:
        A row a choice and measure: `change` from "contrastive" to "sft" in the same questions and seeds, 0-1, with its
        95% bounds `low` and `high`.
    """
    found = []
    mixtures = rows[rows["weight"] != BASE]
    for choice, (name, mean) in product(("weight", "direction"), MEASURES.items()):
        by = mixtures.pivot_table(index=["query", "seed"], columns=choice, values=name)  # means over the other choice
        change = by["sft"] - by["contrastive"]
        queries, seeds = (change.index.get_level_values(level) for level in ("query", "seed"))
        low, high = seeds_interval(change, items=queries, seeds=seeds)
        found.append({"choice": choice, "measure": mean, "change": float(change.mean()), "low": low, "high": high})
    return pd.DataFrame(found)


def draw(table: pd.DataFrame) -> "Figure":
    """MRR and hits at 1 of each arm, with 95% intervals, a panel each; the line is a guess."""
    candidates = NEGATIVES + 1
    guess = {"mrr": sum(1 / rank for rank in range(1, candidates + 1)) / candidates, "hits_at_1": 1 / candidates}
    figure, panels = plt.subplots(1, 2, figsize=(9, 2.6), sharey=True, layout="constrained")
    for axes, (mean, words) in zip(
        panels, {"mrr": "mean reciprocal rank", "hits_at_1": "hits at 1"}.items(), strict=True
    ):
        errors = [table[mean] - table[f"{mean}_low"], table[f"{mean}_high"] - table[mean]]
        axes.errorbar(table[mean], range(len(table)), xerr=errors, fmt="o", color="#e08214", capsize=3)
        axes.axvline(guess[mean], color="0.1", linewidth=1, linestyle="--")
        axes.set(xlabel=words, xlim=(0, 1), yticks=range(len(table)), yticklabels=table.index)
        open_frame(axes)
    panels[0].invert_yaxis()
    figure.suptitle(
        f"Ranking a question's own image among {candidates} (n = {table['n'].max()} questions, "
        f"{table['seeds'].max()} seeds; dashed: a guess)", fontsize=10
    )  # fmt: skip
    return figure


def weights_against_p(points: int = 201) -> pd.DataFrame:
    """The weight of each method on one token of probability p: a column a method, the index is `p`.

    A weight stands before ∇ log p. PEAR's depends on p of the token that follows, under a behaviour policy that has it
    at 1/2; MIFO's on the entropy, of two words here, over a grid of p. GRPO's is an advantage, of one right completion
    among four. Of both losses of reranking it is divided by 1 - p, since they are said before the logits; p is of "yes"
    among two words, or the relevant candidate's share.
    """
    p = torch.linspace(0.005, 0.995, points, dtype=torch.float64)
    logps, ones = p.log()[None], torch.ones(1, points)  # (1, points)
    entropies = (torch.special.entr(p) + torch.special.entr(1 - p))[None]
    ahead = torch.stack([logps[0], logps[0]], dim=1)  # (points, 2): a token, and the one that follows it
    half = torch.full_like(ahead, 0.5).log()
    advantages = group_advantages(torch.tensor([[1.0, 0.0, 0.0, 0.0]]))[0]
    relevant = torch.tensor([[True, False]]).expand(points, 2)
    columns = {
        "SFT; both losses of reranking": token_weights("sft", logps, ones)[0],
        "DFT": token_weights("dft", logps, ones)[0],
        "TrSFT, alpha 0.1": token_weights("trsft", logps, ones)[0],
        "PEAR (p of the next token, 1/2 for its writer)": token_weights(
            "pear_token", ahead, torch.ones_like(relevant), behaviour_logps=half, gamma=1.0
        )[:, 0],
        "MIFO (by entropy, of two words)": token_weights("entropy_top", logps, ones, entropies=entropies)[0],
        "GRPO, right": advantages[0].expand(points),
        "GRPO, wrong": advantages[1].expand(points),
    }
    return pd.DataFrame(
        {name: weights.numpy() for name, weights in columns.items()}, index=pd.Index(p.numpy(), name="p")
    )


def draw_weights(table: pd.DataFrame) -> "Figure":
    """Weight against p, and what of it reaches the token's own logit: weight times 1 - p."""
    figure, panels = plt.subplots(1, 2, figsize=(10, 3.6), layout="constrained")
    styles = ("-", "--", "-.", ":", "-", "--", ":")
    titles = ("weight of a token, before ∇ log p", "pull at the token's own logit: weight × (1 - p)")
    for axes, title, pull in zip(panels, titles, (1.0, 1 - table.index.to_numpy()), strict=True):
        for place, (name, style) in enumerate(zip(table, styles, strict=True)):
            axes.plot(table.index, table[name] * pull, style, color=f"C{place}", label=name)
        axes.axhline(0, color="0.8", linewidth=0.8, zorder=0)
        axes.set(xlabel="p of the token under the policy", title=title)
        axes.title.set_fontsize(10)
        open_frame(axes)
    panels[1].legend(frameon=False, fontsize=7)
    return figure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("runs/reranking"), help="folder for arms, tables and figures")
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--trained", type=int, default=TRAINED, help="questions to train on")
    parser.add_argument("--held-out", type=int, default=HELD_OUT, help="questions to rank")
    parser.add_argument("--profile", default="mini")
    parser.add_argument("--ship", action="store_true", help="put both tables into the package")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    draw_weights(weights_against_p()).savefig(given.out / "weight_against_p.png", dpi=110)
    rows = run(
        get_profile(given.profile), given.out, steps=given.steps, seeds=given.seeds, trained=given.trained,
        held_out=given.held_out,
    )  # fmt: skip
    table, change = ranking_table(rows), effects(rows)
    for folder, names in [(given.out, ("table", "effects")), *([(STUDIES, SHIPPED)] if given.ship else [])]:
        write_whole(table.round(4).reset_index(), folder / f"{names[0]}.csv")
        write_whole(change.round(4), folder / f"{names[1]}.csv")
    draw(table).savefig(given.out / "ranking.png", dpi=110)
    print(table.round(3).to_string())
    print(change.round(3).to_string(index=False))


if __name__ == "__main__":
    main()
