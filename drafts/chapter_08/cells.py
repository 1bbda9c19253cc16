# ruff: noqa: E501
"""The cells of chapter 08, in their order: ("text" or "code", source, tags)."""

from tasks import EXERCISES

TOP = """
# Prepare for RL: how much should each token of a trace count?

Plain SFT gives every token of a trace the same weight. Six methods give some of them less. Whether that prepares a policy for RL is measured after RL, not before it.

**You will**

- draw weight against probability by hand, and find SFT, DFT, TrSFT, PEAR, MIFO and GRPO in one picture
- colour a trace by PEAR's weights, and compute the effective sample size that they leave
- train one pair live: the same traces, two weightings, the same GRPO after each
- read a comparison of fourteen SFT arms before and after RL, with TRAPO, MIFO and ReLIFT beside them
- ask what tells the best arm before RL: pass@1, pass@16 or the loss on held-out traces

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

RERANKED = """
from vlaa_helpers import reference_table

ranked, effects = reference_table("reranking"), reference_table("reranking_effects")
display(
    ranked.style.format(precision=2).hide(axis="index"),
    effects.style.format(precision=3).hide(axis="index"),
)
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

PLACES = """
places = reference_table("prepare_arms")
here = places[(places["set"] == "test") & (places["decoding"] == "greedy")]
here = here[here["writer"] == "all"].sort_values("rank_after").reset_index(drop=True)
figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
for when, colour, up in (("before", "#999999", -0.15), ("after", "#2166ac", 0.15)):
    rank = here[f"rank_{when}"]
    low, high = here[f"rank_{when}_low"], here[f"rank_{when}_high"]
    axes.errorbar(
        rank, here.index + up, xerr=[rank - low, high - rank], fmt="o", color=colour,
        markersize=4, label=f"{when} RL",
    )
axes.set(
    yticks=here.index, yticklabels=here["arm"],
    xlabel=f"rank among {len(here)}, 1: best",
    title="Where each arm stands before RL and after it (95%)",
)
axes.invert_yaxis()
axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
axes.spines[["top", "right"]].set_visible(False)
"""

RANKS = """
columns = ["writer", "set", "decoding", "n", "spearman", "rho_low", "rho_high"]
columns += ["by_seed", "low", "high", "repeats"]
ranks[columns].style.format(precision=2).hide(axis="index")
"""

PREDICTED = """
predicted = reference_table("prepare_predictions")
columns = ["writer", "predictor", "n", "seeds", "spearman", "rho_low", "rho_high"]
columns += ["loo_r2", "r2_low", "r2_high", "gain", "gain_low", "gain_high"]
predicted[columns].style.format(precision=2).hide(axis="index")
"""

DROPPED = """
dropped = reference_table("dropped_updates")
random = dropped[dropped["which"] == "random"]
figure, axes = plt.subplots(figsize=(6, 3), layout="constrained")
colours = {"SFT": "#e08214", "GRPO": "#2166ac", "SFT→GRPO": "#1b7837"}
for name, rows in random.groupby("arm", sort=False):
    axes.plot(rows["share"], rows["change"], "o-", color=colours[name], label=name)
    axes.fill_between(
        rows["share"], rows["low"], rows["high"], color=colours[name], alpha=0.12
    )
axes.set(
    xlabel="share of the update set to 0, at random", ylabel="change of accuracy",
    title=f"What is lost with the update (n = {random['n'].iloc[0]}, 95%)",
)
axes.legend(frameon=False)
axes.spines[["top", "right"]].set_visible(False)
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
names = ["GRPO", "GRPO longer", "TRAPO", "TRAPO, sft", "MIFO", "ReLIFT"]
names += ["blind sft, GRPO"]
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

The loss of plain SFT is −log p of each token of a trace. Its gradient is −∇p / p, so the less likely a token is, the larger its gradient. A method multiplies the loss of each token by a weight, which is a constant: no gradient goes through it.

$$\\mathcal{L} = -\\frac{1}{N} \\sum_t w_t \\log p_t$$

DFT takes w = p. TrSFT takes min(p / α, 1), with α = 0.1.

> **Predict.** A teacher's token has p = 0.01. What weight does each method give it?
""",
    ),
    ("code", BY_HAND),
    (
        "text",
        "The token of p = 0.01 gets 0.01 from DFT and 0.10 from TrSFT. From p = 0.1 on TrSFT is plain SFT; DFT reduces the weight of every token. The next figure shows the whole range, and on its right the gradient at the token's own logit, w (1 − p):",
    ),
    ("code", PULL),
    (
        "text",
        "On the right DFT has its peak at p = 1/2: tokens that are certain already, and tokens that the policy finds very unlikely, move it least. TrSFT has its peak at p = α. SFT's gradient is largest where the policy disagrees most.",
    ),
    (
        "text",
        """
## PEAR looks ahead

RL samples from the policy, not from the writer of the trace. So PEAR asks how likely the policy is to continue as the writer did: the weight of a token is the product of the ratios policy / writer of all tokens that *follow* it. Each log-ratio is clipped, and γ is multiplied in once for each following token. (The form is second-hand: from notes and a port of others, not from the paper itself.)

> **Predict.** Which of four tokens has weight 1, whatever the ratios are?
""",
    ),
    ("code", PEAR_BY_HAND),
    (
        "text",
        "The last one: nothing follows it. The first log-ratio is −1.5, clipped to −0.08, and changes no weight: no token stands before it, and a token's own ratio is not in its weight.",
    ),
    (
        "text",
        """
## One picture

All methods of this chapter share one direction, ∇ log p of a token. They differ in its weight: a function of p (DFT, TrSFT), of p of later tokens (PEAR), of the entropy (MIFO), or of a reward (GRPO).

> **Predict.** Which of the weights can be negative?
""",
    ),
    ("code", UNITED),
    ("code", DRAW_UNITED),
    (
        "text",
        "GRPO's: its weight is an advantage, so a wrong completion makes its tokens less likely. It comes from the reward and not from p, and it is for tokens that the policy wrote itself; the others are for a teacher's. MIFO keeps the tokens where the policy is least certain. PEAR's weight, of a next token that the writer had at 1/2, stays between exp(−0.08) and exp(0.3).",
    ),
    (
        "text",
        """
**The same lens on another loss.** A reranker answers *yes* or *no* to a pair of question and image. Its SFT loss and its contrastive loss are weight times direction too (arXiv 2510.14824, second-hand). SFT's weight is the probability of the wrong word for this candidate alone; the contrastive one is the candidate's share of the softmax over all candidates.

> **Predict.** The second candidate is a hard negative. Which loss gives it the larger weight?
""",
    ),
    ("code", RERANKING),
    (
        "text",
        "SFT: 0.73 against 0.27. It sees that this candidate alone is taken for a *yes*; in the contrastive loss the weights of all negatives add up to that of the relevant one. A weight of one may go with the direction of the other. `python -m vlaa_helpers.dev.studies.reranking` trains all four mixtures on a question's own image and four hard negatives, which scene facts make wrong for certain:",
    ),
    ("code", RERANKED),
    (
        "text",
        """
## A trace, coloured by its weights

The traces come from a program, as in chapter 1. It gives no probabilities, and the base's are not its. Another policy stands in for it, one that learned to write as the program does: the SFT policy of chapter 2, trained on 2,048 other traces. It scores each trace once, on the same token ids that are trained on.
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
        "A weight at the beginning holds the ratios of all tokens that follow, so it is the furthest from 1. The effective sample size, (Σw)² / Σw², says how many equally weighted tokens would be worth as much; here as a share of the tokens of a trace, and of the traces:",
    ),
    ("code", EFFECTIVE),
    ("code", CLIPPED),
    (
        "text",
        "Clipping decides much: of a token at the lower bound, −0.08, the weight knows only that the policy would hardly have written it, not how unlikely it was. A hundred such tokens multiply to exp(−8), 0.0003.",
    ),
    (
        "text",
        """
## One pair, live

The same traces with two weightings, and the same GRPO after each, without KL, so that nothing holds the policy near the SFT policy.

> **Predict.** Which of the two is better before RL? And after it?
""",
    ),
    ("code", LIVE_SFT),
    ("code", LIVE_TABLE),
    (
        "text",
        "One pair, one seed and few questions: read the interval, not the sign. A claim needs more arms and more seeds, and these take hours.",
    ),
    (
        "text",
        """
## The comparison

Seven weightings, on the policy's own traces and on the program's, of the same 512 questions; then 32 steps of GRPO from each and from the base; TRAPO, MIFO and ReLIFT with as many steps of RL. Three seeds. RL steps and questions are equal, seconds are not: `GRPO longer` has ten more steps, about what SFT takes. `vlaa study` runs the plan `prepare`, `dev.studies.ship prepare` writes the tables.
""",
    ),
    ("code", SHIPPED),
    (
        "text",
        "> **Predict.** Seven arms are ranked before RL and once more after it. Which rank correlation do you expect: near 1, near 0, below 0?",
    ),
    ("code", BEFORE_AFTER),
    (
        "text",
        "**Rank by rank.** Each arm's place before RL and after it, with 95% intervals over other questions and other seeds. Arms whose intervals overlap cannot be told apart.",
    ),
    ("code", PLACES),
    ("code", RANKS),
    (
        "text",
        "`spearman` is of means over seeds, with an interval for other arms; `by_seed` the mean of the seeds' own correlations, with an interval for other seeds. `repeats` is the correlation of accuracy after RL between two seeds: no predictor can be much better than that.",
    ),
    (
        "text",
        """
**What could be known before RL?** Accuracy with one sample is one predictor; pass@16 and the loss on held-out traces are two others, which arXiv 2510.01624 found to be better. Each is held against accuracy after RL, over arms.

> **Predict.** With seven arms, how wide is the interval of a rank correlation of 0.5?
""",
    ),
    ("code", PREDICTED),
    (
        "text",
        "**Drift and weights.** How far RL moved the adapters from where SFT left them, also as a share of SFT's own update, and the cosine between both; then what the weights were like before and after SFT.",
    ),
    ("code", DRIFT),
    (
        "text",
        "**Traces inside RL.** TRAPO gives a group the beginning of a trace where its completions fail; MIFO and ReLIFT train on hard questions between two phases of RL. `TRAPO, sft` gives the expert's tokens plain SFT's weight, 1. The second table is the share of completions with a hint, in four parts of the run.",
    ),
    ("code", EXPERTS),
    (
        "text",
        """
**How redundant is an update?** MIFO freezes the coordinates that RL moved most, because SFT's update, it says, can lose half of its coordinates and RL's cannot. The shipped policies of the earlier chapters are asked again with a share of their update set to 0.

> **Predict.** Which loses more accuracy when half of its coordinates are dropped at random: SFT or GRPO?
""",
    ),
    ("code", DROPPED),
    (
        "text",
        """
## Recap

- A weighting scales the gradient of each token of a trace; it does not change its direction.
- SFT's gradient is largest at tokens that the policy finds unlikely. DFT and TrSFT reduce it there; PEAR's weight depends on the tokens that follow.
- The effective sample size says how much of the data a weighting leaves in effect.
- A score before RL is not the score after it: rank both, with intervals.
""",
    ),
    (
        "text",
        """
## What can still be wrong

- PEAR's and MIFO's formulas are second-hand; MIFO's values are ours.
- The program's probabilities are unknown; a policy that learned from it stands in.
- 512 traces, 32 steps and one base: another size may turn the ranks around.
- The base solved each of the 512 questions in one of four samples; TRAPO, MIFO and ReLIFT are for harder ones.
- RL steps are equal; seconds are not, and the table holds them.
- On own traces PEAR begins as SFT but for γ.
- Adapters are trained, not all weights; drift is that of adapters.
""",
    ),
    *EXERCISES,
    (
        "text",
        "## Next\n\nThis is the last chapter. Write a weighting of your own: five lines ([how](../CONTRIBUTING.md)).",
    ),
]
