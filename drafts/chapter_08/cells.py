# ruff: noqa: E501
"""The cells of chapter 08, in their order: ("text" or "code", source, tags)."""

from tasks import EXERCISES

TOP = """
# Prepare for RL: how much should each token of a trace count?

Plain SFT pulls at every token of a trace alike; six methods pull less at some of them, and whether that prepares a policy for RL has to be measured after RL, not before it.

**You will**

- draw weight against probability by hand, and find SFT, DFT, TrSFT, PEAR, MIFO and GRPO in one picture
- colour a trace by what PEAR makes of its tokens, and count how many of them are in effect
- train one pair live: the same traces, two weightings, the same GRPO after each
- read a comparison of fourteen SFT arms before and after RL, with TRAPO, MIFO and ReLIFT beside them

| | Time | Memory | Disk | Network | Token |
|---|---|---|---|---|---|
| mini lab | about 4 minutes on 2 CPU cores | 2 GB | 60 MB | none after the install | none |

Previous: [Run on real data](07_run_on_real_data.ipynb).
"""

PARAMETERS = """
PROFILE = "mini"
SEED = 0
SFT_RECORDS = 256  # traces of the live pair
RL_STEPS = 12  # of GRPO after each
PAIR = ["sft", "pear_token"]
TEST_PER_SOURCE = 50  # held-out questions of each kind
LOOKED_AT = 64  # traces whose weights are looked at
RUNS = "runs/08"  # what this chapter writes
"""

BY_HAND = """
import matplotlib.pyplot as plt
import torch

from vlaa_helpers import token_weights

p = torch.tensor([0.01, 0.05, 0.1, 0.4, 0.9])
by_hand = {
    "sft": torch.ones_like(p),
    "dft": p,
    "trsft": (p / 0.1).clamp(max=1),
}
for name, weights in by_hand.items():
    packaged = token_weights(name, p.log()[None], torch.ones(1, len(p)))[0]
    assert torch.allclose(weights, packaged)
    print(f"{name:6}", *(f"{weight:.2f}" for weight in weights.tolist()))
"""

PULL = """
p = torch.linspace(0.005, 0.995, 199)
logps, mask = p.log()[None], torch.ones(1, len(p))
figure, panels = plt.subplots(1, 2, figsize=(9, 3), layout="constrained")
for name, colour in (("sft", "#e08214"), ("dft", "#7b3294"), ("trsft", "#1b7837")):
    weights = token_weights(name, logps, mask)[0]
    panels[0].plot(p, weights, color=colour, label=name)
    panels[1].plot(p, weights * (1 - p), color=colour, label=name)
titles = ("weight, before ∇ log p", "what reaches the token's own logit")
for axes, title in zip(panels, titles):
    axes.set(xlabel="probability of the token under the policy", title=title)
    axes.spines[["top", "right"]].set_visible(False)
panels[0].legend(frameon=False);
"""

PEAR_BY_HAND = """
logps = torch.tensor([[-2.0, -0.5, -0.7, -0.1]])  # four tokens under the policy
behaviour = torch.tensor([[-0.5, -0.6, -0.5, -0.1]])  # under who wrote them
gamma = 0.999

ratios = (logps - behaviour).clamp(-0.08, 0.3)  # PEAR's d, token by token
after = ratios.flip(1).cumsum(1).flip(1) - ratios  # what follows a token
later = torch.arange(3, -1, -1)
by_hand = (after + later * torch.tensor(gamma).log()).exp()
packaged = token_weights(
    "pear_token", logps, torch.ones(1, 4), behaviour_logps=behaviour, gamma=gamma
)
print("log-ratios", *(f"{ratio:+.2f}" for ratio in ratios[0].tolist()))
print("weights   ", *(f"{weight:.3f}" for weight in by_hand[0].tolist()))
assert torch.allclose(by_hand, packaged)
"""

UNITED = """
from vlaa_helpers import group_advantages

ahead = torch.stack([p.log(), p.log()], dim=1)  # a token, and the one that follows
half = torch.full_like(ahead, 0.5).log()
pear = token_weights(
    "pear_token", ahead, torch.ones_like(ahead), behaviour_logps=half, gamma=1.0
)[:, 0]
entropy = torch.special.entr(p) + torch.special.entr(1 - p)  # of two words
right, wrong = group_advantages(torch.tensor([[1.0, 0.0, 0.0, 0.0]]))[0, :2]
curves = {
    "SFT": torch.ones_like(p),
    "DFT": p,
    "TrSFT": (p / 0.1).clamp(max=1),
    "PEAR (p of the next token)": pear,
    "MIFO (by entropy)": token_weights(
        "entropy_top", logps, mask, entropies=entropy[None]
    )[0],
    "GRPO, right": right.expand(len(p)),
    "GRPO, wrong": wrong.expand(len(p)),
}
"""

DRAW_UNITED = """
figure, axes = plt.subplots(figsize=(8, 3.6), layout="constrained")
styles = ("-", "--", "-.", ":", "-", "--", ":")
for (name, weights), style in zip(curves.items(), styles):
    axes.plot(p, weights, style, label=name)
axes.axhline(0, color="0.8", linewidth=0.8)
axes.set(
    xlabel="probability of the token under the policy", ylabel="weight, before ∇ log p",
    title="One direction, seven weights: only GRPO's can be negative",
)
axes.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
axes.spines[["top", "right"]].set_visible(False)
"""

RERANKING = """
from vlaa_helpers import relevance_weights

# yes and no of one relevant candidate and two others
logits = torch.tensor([[[2.0, 0.0], [1.0, 0.0], [-2.0, 0.0]]])
relevant = torch.tensor([[1, 0, 0]])
for way in ("sft", "contrastive"):
    weights = relevance_weights(logits, relevant, weight=way)[0].tolist()
    print(f"{way:12}", *(f"{weight:.2f}" for weight in weights))
"""

TRACES = """
from vlaa_helpers import (
    ScriptedTeacher, add_behaviour_logps, build_dataset, get_profile, held_out,
    load_policy, make_scenes, overlap, policy_adapter,
)

profile = get_profile(PROFILE)
here = f"{RUNS}/{profile.name}-{SEED}"
scenes = make_scenes(n=3 * SFT_RECORDS, seed=800 + SEED)
built = build_dataset(scenes, ScriptedTeacher(seed=SEED), f"{here}/traces")
traces = built.sft.select(range(SFT_RECORDS))
test = held_out("test", TEST_PER_SOURCE)
writer, processor = load_policy(
    profile, adapter=policy_adapter("SFT"), trainable=False
)
scored = add_behaviour_logps(writer, processor, traces, path=f"{here}/behaviour.jsonl")
print(f"{len(scored)} traces, {len(test)} questions: {overlap(traces, test)}")
"""

COLOURED = """
from vlaa_helpers import plot_tokens, trace_weights

policy, _ = load_policy(profile, seed=SEED)
some = scored.select(range(LOOKED_AT))
table = trace_weights(policy, processor, some, "pear_token")
name = table["id"].iloc[0]
trace = table[table["id"] == name]
logs = trace["weight"].clip(lower=1e-6).map(lambda weight: torch.tensor(weight).log())
tokens = list(zip(trace["token"], (float(each) for each in logs)))
plot_tokens(
    {f"{name}: log of the weight": tokens},
    title="PEAR trusts the end of a trace more than its beginning",
);
"""

EFFECTIVE = """
import pandas as pd

from vlaa_helpers import weighting_table


def effective(weights):
    squares = (weights**2).sum()
    return weights.sum() ** 2 / squares / len(weights) if squares else 0.0


rows = {}
for method in weighting_table().index:
    table = trace_weights(policy, processor, some, method)
    of_traces = table.groupby("id")["weight"]
    rows[method] = {
        "mean weight": table["weight"].mean(),
        "tokens in effect": of_traces.agg(effective).mean(),
        "traces in effect": effective(of_traces.sum()),
    }
pd.DataFrame(rows).T.style.format("{:.2f}")
"""

CLIPPED = """
ratio = table["logp"] - table["behaviour_logp"]
below, above = (ratio < -0.08).mean(), (ratio > 0.3).mean()
figure, axes = plt.subplots(figsize=(7, 2.4), layout="constrained")
axes.hist(ratio.clip(-2, 2), bins=80, color="#999999")
for bound in (-0.08, 0.3):
    axes.axvline(bound, color="#2166ac", linewidth=1)
axes.set(
    xlabel="log of policy over writer, token by token", yticks=[],
    title=f"Clipped: {below:.0%} of the tokens below, {above:.0%} above",
)
axes.spines[["top", "right", "left"]].set_visible(False)
"""

LIVE_SFT = """
from vlaa_helpers import MixedReward, evaluate, train_grpo, train_sft

reports = {}
for method in PAIR:
    policy, _ = load_policy(profile, seed=SEED)
    train_sft(
        policy, processor, scored, profile, token_weights=method, seed=SEED,
        output_dir=f"{here}/{method}/sft", save_strategy="no",
    )
    reports[method, "before RL"] = evaluate(policy, processor, test, profile=profile)
    train_grpo(
        policy, processor, built.rl, profile, reward_funcs=MixedReward(),
        recipe="dr_grpo", max_steps=RL_STEPS, seed=SEED,
        output_dir=f"{here}/{method}/grpo", save_strategy="no",
    )
    reports[method, "after RL"] = evaluate(policy, processor, test, profile=profile)
"""

LIVE_TABLE = """
from vlaa_helpers import compare_reports

rows = {key: {"accuracy": report.accuracy} for key, report in reports.items()}
for when in ("before RL", "after RL"):
    change = compare_reports(reports[PAIR[0], when], reports[PAIR[1], when])
    rows[PAIR[1], when] |= {
        f"against {PAIR[0]}": change.difference, "low": change.low, "high": change.high
    }
pd.DataFrame(rows).T.style.format("{:.3f}", na_rep="")
"""

SHIPPED = """
from vlaa_helpers import reference_table

study, ranks = reference_table("prepare"), reference_table("prepare_ranks")
runs = reference_table("prepare_runs")
SHARED = ["blocks", "charts", "boxes", "stories"]  # what the traces ask about
asked = study[
    (study["set"] == "test") & (study["decoding"] == "greedy")
    & study["source"].isin(SHARED)
]
arms = asked.groupby(["arm", "seed"])["accuracy"].mean().unstack()
arms.mean(axis=1).sort_values(ascending=False).to_frame("mean accuracy").style.format(
    "{:.3f}"
)
"""

BEFORE_AFTER = """
figure, axes = plt.subplots(figsize=(6, 4), layout="constrained")
for writer, colour in (("own", "#2166ac"), ("blind", "#e08214")):
    for name in arms.index:
        if name.startswith(writer) and not name.endswith(", GRPO"):
            before, after = arms.loc[name], arms.loc[f"{name}, GRPO"]
            axes.plot(before, after, ".", color=colour, alpha=0.4)
            axes.plot(before.mean(), after.mean(), "o", color=colour)
            axes.annotate(
                name.removeprefix(f"{writer} "), (before.mean(), after.mean()),
                fontsize=7, xytext=(4, 2), textcoords="offset points",
            )
axes.axhline(arms.loc["GRPO"].mean(), color="0.4", linestyle="--", linewidth=1)
axes.set(
    xlabel="accuracy before RL", ylabel="accuracy after RL",
    title="Own traces (blue) and a program's (orange); dashed: GRPO alone",
)
axes.spines[["top", "right"]].set_visible(False)
"""

RANKS = """
columns = ["writer", "set", "decoding", "n", "spearman", "rho_low", "rho_high"]
columns += ["by_seed", "low", "high", "repeats"]
ranks[columns].style.format(precision=2).hide(axis="index")
"""

DRIFT = """
after_rl = runs[runs["arm"].str.endswith(", GRPO")]
means = after_rl.groupby("arm")[["drift", "drift_share", "drift_cosine"]].mean()
notes = [
    "before_ess", "after_ess", "before_ess_traces", "before_ratio_low",
    "before_ratio_high",
]
weighted = runs.dropna(subset=["before_ess"]).groupby("arm")[notes].mean()
display(means.style.format("{:.2f}"), weighted.style.format("{:.2f}"))
"""

EXPERTS = """
names = ["GRPO", "TRAPO", "TRAPO, sft", "MIFO", "ReLIFT", "blind sft, GRPO"]
table = pd.DataFrame({
    "mean accuracy": arms.loc[names].mean(axis=1),
    "worst seed": arms.loc[names].min(axis=1), "best seed": arms.loc[names].max(axis=1),
})
hints = runs[runs["arm"].str.startswith("TRAPO")].groupby("arm")
parts = [name for name in runs if name.startswith("hints_part_")]
display(table.style.format("{:.3f}"), hints[parts].mean().style.format("{:.2f}"))
"""

CELLS = [
    ("text", TOP),
    ("code", "SETUP"),
    ("code", "from vlaa_helpers import report_environment\n\nprint(report_environment())"),
    ("code", PARAMETERS, "parameters"),
    (
        "text",
        """
## Weight against probability, by hand

The loss of plain SFT is −log p of each token of a trace. Its gradient is −∇p / p: the less likely a token is, the harder it pulls. A method puts a weight before it, which is a constant in the loss:

$$\\mathcal{L} = -\\frac{1}{N} \\sum_t w_t \\log p_t$$

DFT takes w = p. TrSFT takes min(p / α, 1), with α = 0.1.

> **Predict.** A teacher's token has p = 0.01. How hard does each method pull, measured in SFT's pull?
""",
    ),
    ("code", BY_HAND),
    (
        "text",
        "One in a hundred, one in ten: TrSFT leaves likely tokens as they are and quiets the unlikely ones, where DFT quiets all. Over the whole range, and as far as it reaches the token's own logit, whose gradient is w (1 − p):",
    ),
    ("code", PULL),
    (
        "text",
        "On the right DFT has its peak in the middle: what is sure already and what is far away move it least. SFT pulls hardest where the policy disagrees most.",
    ),
    (
        "text",
        """
## PEAR looks ahead

RL will sample from the policy, not from who wrote the trace. So PEAR weighs a token by how likely the policy would go on as the writer did: the product of the ratios of policy over writer of all tokens that *follow*. Ratios are clipped, and γ counts once for each token. (The form is second-hand: from notes and a port of others, not from the paper itself.)

> **Predict.** Which of four tokens has weight 1, whatever the ratios are?
""",
    ),
    ("code", PEAR_BY_HAND),
    (
        "text",
        "The last one: nothing follows it. The first log-ratio is clipped, and it weighs on nobody, because the ratio of a token is not in its own weight.",
    ),
    (
        "text",
        """
## One picture

All methods of this chapter push along the same direction, ∇ log p. They differ in the weight before it: a function of p, of p further on, of the entropy, or of a reward.
""",
    ),
    ("code", UNITED),
    ("code", DRAW_UNITED),
    (
        "text",
        "GRPO is the only one whose weight does not depend on p and can be below zero: it also pushes down. MIFO keeps the tokens where the policy is least sure; PEAR's weight, of a next token that the writer had at 1/2, stays within its clip.",
    ),
    (
        "text",
        """
**The same lens on another loss.** A reranker says *yes* or *no* to a pair of question and image. Its SFT loss and its contrastive loss too are weight times direction (arXiv 2510.14824, second-hand): SFT looks at a candidate alone, the contrastive loss at its share among the others.

> **Predict.** The second candidate is a hard negative. Which loss looks at it more?
""",
    ),
    ("code", RERANKING),
    (
        "text",
        "SFT: it asks whether the candidate alone is taken for a *yes*. The contrastive loss shares one weight out among all negatives. Both are trained and ranked in all four mixtures by `python -m vlaa_helpers.dev.studies.reranking`.",
    ),
    (
        "text",
        """
## A trace, coloured by its weights

The traces come from a program, as in chapter 1. It gives no probabilities, and the base's are not its. What stands in is another policy that learned to write as the program does: the SFT policy of chapter 2, from 2,048 other traces. Each trace is scored once, on the very tokens that are trained on.
""",
    ),
    ("code", TRACES),
    (
        "text",
        "> **Predict.** The base does not write as this teacher does. Where in a trace will PEAR's weights be small: at its beginning, or at its end?",
    ),
    ("code", COLOURED),
    (
        "text",
        "At its beginning: a weight there holds the ratios of all that follows. How many tokens are in effect is the effective sample size, (Σw)² / Σw², here as a share of the tokens of a trace, and of the traces:",
    ),
    ("code", EFFECTIVE),
    ("code", CLIPPED),
    (
        "text",
        "Clipping decides much: a token at the lower bound tells only that the policy would not have written it, and not how little. After a hundred such tokens a weight is near zero.",
    ),
    (
        "text",
        """
## One pair, live

The same traces, two weightings, and the same GRPO after each, without KL, so that nothing holds a policy where SFT left it.

> **Predict.** Which of the two is better before RL? And after it?
""",
    ),
    ("code", LIVE_SFT),
    ("code", LIVE_TABLE),
    (
        "text",
        "One pair, one seed, few questions: read the interval, not the sign. What can be said needs more arms and more seeds, and these take hours.",
    ),
    (
        "text",
        """
## The comparison

Seven weightings on the policy's own traces and on the program's, of the same 512 questions; GRPO for the same steps from each, and from the base; TRAPO, MIFO and ReLIFT with as many steps of RL. Three seeds. `vlaa study` runs the plan `prepare`, `dev.studies.ship prepare` makes the tables.
""",
    ),
    ("code", SHIPPED),
    (
        "text",
        "> **Predict.** Seven arms are ranked before RL and once more after it. Which correlation do you expect: near 1, near 0, below?",
    ),
    ("code", BEFORE_AFTER),
    ("code", RANKS),
    (
        "text",
        "`spearman` is of means over seeds, with an interval for other arms; `by_seed` the mean of the seeds' own correlations, with an interval for other seeds. `repeats` says how well the ranks after RL agree between two seeds: no predictor can be much better than that.",
    ),
    (
        "text",
        "**Drift and weights.** How far RL moved the adapters from where SFT left them, also as a share of SFT's own update, and the cosine between both; then what the weights were like before and after SFT.",
    ),
    ("code", DRIFT),
    (
        "text",
        "**Traces inside RL.** TRAPO gives groups the beginning of a trace where they fail, MIFO and ReLIFT train on hard questions in between. `TRAPO, sft` weighs the expert's tokens as plain SFT does. The second table is the share of completions with a hint, in four parts of the run.",
    ),
    ("code", EXPERTS),
    (
        "text",
        """
## Recap

- A weighting says how hard each token of a trace pulls; it does not change where to.
- SFT pulls hardest at what the policy finds least likely; DFT and TrSFT quiet that, PEAR looks at what follows.
- The effective sample size says how much of the data a weighting leaves.
- A score before RL is not the score after it: rank both, with intervals.
""",
    ),
    (
        "text",
        """
## What can still be wrong

- PEAR's and MIFO's formulas are second-hand, and MIFO's values are ours.
- The program's probabilities are not known: a policy that learned from it stands in for it, and the weights depend on how well.
- 512 traces, 32 steps and one base: another size may turn the ranks around.
- Adapters and not all weights are trained; drift is that of adapters.
- Means of a few hundred questions differ by some points between seeds.
""",
    ),
    *EXERCISES,
    (
        "text",
        "## Next\n\nThis is the last chapter. Write a weighting of your own: five lines ([how](../CONTRIBUTING.md)).",
    ),
]
