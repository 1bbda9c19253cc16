"""Builds notebooks/06 from cells; texts come from texts.py beside it."""
import sys, json, hashlib
from pathlib import Path
import nbformat
from nbformat.v4 import new_notebook, new_markdown_cell, new_code_cell
ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(Path(__file__).parent))
from chapter_06_texts import T
five = nbformat.read(ROOT / "notebooks/05_find_pseudo_reasoning.ipynb", 4)
cells = []
def md(key): cells.append(new_markdown_cell(T[key].strip()))
def code(text, tags=None):
    c = new_code_cell(text.strip("\n")); c.metadata = {"tags": tags} if tags else {}
    cells.append(c)

md("top")
code(five.cells[1].source); code(five.cells[2].source)
code('''
PROFILE = "mini"  # "auto", "t4", "l4" or "a100" for the real model and data on a GPU
SEED = 0
LIVE_STEPS = 48  # of GRPO with a reward for manner
WATCHED = 120  # held-out questions that are asked while it goes on
LOOKS = 6  # how often
SOURCES = ["clevr_math", "geoqa170k", "synthesis", "arxivqa", "coco"]  # of the real data
RECORDS = 1_440  # to train on
RUNS = "runs/06"  # what this chapter writes
''', ["parameters"])
md("predict")
code('''
my_guess = {  # True or False; None is no guess
    "SFT lowers accuracy": None,
    "more SFT lowers it further": None,
    "… further than the same without cues": None,
    "GRPO raises accuracy": None,
    "SFT first, then GRPO, ends below GRPO": None,
    "after more SFT, GRPO ends where it did after less": None,
    "after SFT, less of what is claimed is true": None,
    "the open-ended reward adds to the rules": None,
}
''')
md("arms")
code('''
from vlaa_helpers import reference_table, study_outcomes

study, outcomes = reference_table("sft_or_rl"), study_outcomes("sft_or_rl")
arms = study.drop_duplicates(["arm", "seed"]).groupby("arm", sort=False)
costs = ["samples_seen", "tokens_generated", "processor_seconds"]
told = arms[["start", "stage", "traces", "number"]].first()
told = told.replace({"stage": {"Sft": "SFT", "Grpo": "GRPO"}}).join(arms[costs].mean())
told.insert(0, "seeds", arms.size())
told.style.format("{:,.0f}", subset=["number", *costs], na_rep="").format(
    na_rep="", subset=["start", "stage", "traces"]
)
''')
md("by_source")
code('''
from vlaa_helpers import across_seeds, interval_table

greedy = study[(study["set"] == "test") & (study["decoding"] == "greedy")]
MAIN = ["base", "SFT 2048", "SFT 8192", "GRPO", "SFT 2048, GRPO"]
some = greedy[greedy["arm"].isin(MAIN)]
table = across_seeds(some, by=["source", "arm"])
interval_table(table, rows="source", columns="arm", form="{:.1%}")
''')
md("sign")
code('''
TRACED = [name for name in some["source"].unique() if name not in ("angles", "all")]
chosen = some[some["arm"].isin(["SFT 2048", "GRPO"]) & (some["source"] != "all")]
by_seed = chosen.pivot_table(index=["arm", "seed"], columns="source", values="accuracy")
pooled = {"all six": by_seed.mean(axis=1), "the five with traces": by_seed[TRACED].mean(axis=1)}
pooled["angles"] = by_seed["angles"]
pd.DataFrame(
    {name: rows["SFT 2048"] - rows["GRPO"] for name, rows in pooled.items()}
).style.format("{:+.1%}").set_caption("SFT on 2,048 traces minus GRPO, seed by seed")
'''.replace("\nTRACED", "\nimport pandas as pd\n\nTRACED", 1))
md("by_hand")
code('''
import numpy as np

asked = (outcomes["set"] == "test") & (outcomes["decoding"] == "greedy")
kept = outcomes[asked & outcomes["source"].isin(TRACED)]
right = kept.pivot_table(
    index="id", columns=["arm", "seed"], values="correct", observed=True
)
first, second = (right[arm].to_numpy() for arm in ("GRPO", "SFT 2048, GRPO"))
rng = np.random.default_rng(SEED)


def gap(new_questions, new_seeds):  # as if other questions were asked, other seeds trained
    rows = rng.integers(len(right), size=len(right) if new_questions else 0)
    rows = rows if new_questions else np.arange(len(right))
    a, b = (rng.integers(3, size=3) if new_seeds else np.arange(3) for _ in "ab")
    return second[rows][:, b].mean() - first[rows][:, a].mean()


print(f"SFT 2048, GRPO minus GRPO: {gap(False, False):+.3f}, {len(right):,} questions")
for words, which in {"questions": (1, 0), "seeds": (0, 1), "both": (1, 1)}.items():
    low, high = np.quantile([gap(*which) for _ in range(2000)], [0.025, 0.975])
    print(f"  others drawn: {words:<9} {low:+.3f} to {high:+.3f}")
''')
md("package_interval")
code('''
claims = reference_table("claims")
claim = claims.set_index(["claim", "base"]).loc[
    ("SFT first, then GRPO, ends below GRPO", "shipped")
]
print(f"packaged: {claim.effect:+.3f}, {claim.low:+.3f} to {claim.high:+.3f}, n = {claim.n:,}")
''')
md("figure")
code('''
from vlaa_helpers import bootstrap_interval, paper_numbers, plot_arms

rows = []
for (arm, seed), part in kept.groupby(["arm", "seed"], observed=True):
    low, high = bootstrap_interval(part["correct"].to_numpy(), draws=500)
    rows.append({"arm": arm, "seed": seed, "accuracy": part["correct"].mean()})
    rows[-1] |= {"low": low, "high": high}
pooled = pd.DataFrame(rows)
theirs, later = paper_numbers.TABLE_2, paper_numbers.FIGURE_5
paper = {
    "SFT 2048": theirs["25K"], "SFT 8192": theirs["126K"],
    "SFT cues": theirs["55K with aha words"], "GRPO": later["GRPO"],
    "SFT 2048, GRPO": later["5K SFT + GRPO"], "SFT 8192, GRPO": later["10K SFT + GRPO"],
}
start = pooled.set_index("arm").loc["base", "accuracy"]
title = FIGURE_TITLE
plot_arms(pooled, paper, base=(start, theirs["base"]), title=title)
pooled.groupby("arm", observed=True)[["accuracy"]].mean().T.style.format("{:.1%}")
''')
md("sets")
code('''
named = study["set"] + ", " + study["decoding"]
every = study[study["source"] == "all"].assign(asked=named)
every = every[every["arm"].isin([*MAIN, "SFT shared", "SFT cues", "SFT cues, GRPO"])]
table = across_seeds(every, by=["arm", "asked"])
interval_table(table, rows="arm", columns="asked", form="{:.1%}")
''')
md("written")
code('''
sampled = every[every["asked"] == "test, sampled"].groupby("arm", sort=False)
columns = ["accuracy", "no_answer", "garbled", "words", "cues", "with_claims", "claims_true"]
table = sampled[columns].mean()
table["garbled"] = sampled["garbled"].max()
table.style.format("{:.1%}").format("{:.1f}", subset="words").set_caption(
    "sampled responses, mean of three seeds; garbled: the worst seed"
)
''')
md("traces")
code('''
styles = ["careful", "shortcut", "ramble", "teacher", "bare", "other"]
traces = reference_table("sft_or_rl_traces")
measures = ["doubt_rate", "repetition", "contradictions", "arithmetic_share", "pseudo"]
means = traces.groupby("arm", sort=False)[measures].mean().reindex(table.index)
means.join(sampled[styles].mean()).style.format("{:.2f}", subset=measures).format(
    "{:.1%}", subset=styles
)
''')
md("cost")
code('''
import matplotlib.pyplot as plt

from vlaa_helpers import ARM_COLOURS

of = {"base": "base", "SFT 2048": "SFT", "SFT 8192": "SFT", "GRPO": "GRPO"}
of |= {"SFT 2048, GRPO": "SFT→GRPO", "SFT 8192, GRPO": "SFT→GRPO"}
found = pooled[pooled["arm"].isin(of)].groupby("arm", observed=True)["accuracy"].mean()
axis = {"samples_seen": "samples seen", "tokens_generated": "tokens generated"}
axis |= {"processor_seconds": "processor seconds of training"}
figure, panels = plt.subplots(1, 3, figsize=(10, 3), sharey=True, layout="constrained")
marks = {"base": "o", "SFT": "s", "GRPO": "o", "SFT→GRPO": "D"}
for axes, (column, words) in zip(panels, axis.items()):
    for arm, accuracy in found.items():
        spent = arms[column].mean()[arm]
        axes.plot(spent, 100 * accuracy, marks[of[arm]], color=ARM_COLOURS[of[arm]])
        below = {"xytext": (3, -10 if "→" in of[arm] else 3), "textcoords": "offset points"}
        axes.annotate(arm, (spent, 100 * accuracy), fontsize=7, **below)
    axes.set(xlabel=words, xlim=np.array([-0.06, 1.5]) * arms[column].mean().max())
    axes.locator_params(axis="x", nbins=4)
    axes.margins(y=0.15)
    axes.spines[["top", "right"]].set_visible(False)
panels[0].set(ylabel="held-out accuracy (%)")
figure.suptitle(COST_TITLE)
arms[costs].mean().loc[list(of)].T.style.format("{:,.0f}")
''')
md("live")
code('''
from vlaa_helpers import aha_words


def likes_cues(completions, **columns):  # a judge who takes hesitation for thought
    texts = [completion[0]["content"] for completion in completions]
    return [float(bool(aha_words(text))) for text in texts]


print(likes_cues([[{"content": text}] for text in ("It is 3.", "It is 2. Wait, it is 3.")]))
''')
md("live_run")
code('''
from vlaa_helpers import EvaluateEvery, MixedReward, get_profile, load_policy, load_records
from vlaa_helpers import make_scenes, split_by_image, train_grpo

profile = get_profile(PROFILE)
here = f"{RUNS}/{profile.name}-{SEED}"
if profile.data == "mini":
    train = make_scenes(RECORDS, seed=200 + SEED)
    watched = make_scenes(WATCHED, split="validation", seed=300 + SEED)
else:
    released = load_records(profile.data, split="rl", sources=SOURCES, limit=RECORDS)
    train, watched = split_by_image(released, profile.test_per_source, seed=SEED)
    watched = watched.select(range(min(WATCHED, len(watched))))
limits = {"max_new_tokens": profile.max_completion_length}
limits["batch_size"] = 128 if profile.device == "cpu" else profile.micro_batch_size
policy, processor = load_policy(profile, seed=SEED)
watch = EvaluateEvery(watched, processor, max(1, LIVE_STEPS // LOOKS), **limits)
run = train_grpo(
    policy, processor, train, profile, reward_funcs=[MixedReward(), likes_cues],
    recipe="vlaa", max_steps=LIVE_STEPS, seed=SEED, callbacks=[watch],
    output_dir=f"{here}/likes_cues-{LIVE_STEPS}", save_strategy="no",
)
''')
md("live_seen")
code('''
log = pd.DataFrame(run.state.log_history).groupby("step").last()
figure, axes = plt.subplots(figsize=(7.5, 3), layout="constrained")
lines = {"rewards/likes_cues/mean": "reward for cues", "rewards/mixed_reward/mean": "mixed reward"}
for (column, words), colour in zip(lines.items(), ("#d6604d", "#2166ac")):
    smooth = log[column].dropna().rolling(9, center=True, min_periods=1).mean()
    axes.plot(smooth, color=colour, label=f"{words}, sampled")
held = log.filter(like="held_out/").dropna(subset=["held_out/accuracy"])
axes.plot(held["held_out/accuracy"], "o--", color="0.2", label="held-out accuracy, greedy")
axes.fill_between(held.index, held["held_out/low"], held["held_out/high"], color="0.2", alpha=0.1)
title = LIVE_TITLE
axes.set(xlabel="step", ylim=(0, 1.02))
axes.set_title(title if profile.data == "mini" else "A reward for manner beside one for answers")
axes.legend(frameon=False, fontsize=8)
axes.spines[["top", "right"]].set_visible(False)
held[["held_out/accuracy", "held_out/low", "held_out/high"]].style.format("{:.1%}")
''')
md("index")
code('''
from vlaa_helpers import deceptive_reward_index

print(deceptive_reward_index(run.state.log_history))
''')
md("rollouts")
code('''
from vlaa_helpers import load_rollouts, view_rollouts

rollouts = load_rollouts(f"{here}/likes_cues-{LIVE_STEPS}")
view_rollouts(rollouts, train)
''')
md("ends")
code('''
ends = rollouts[rollouts["step"].isin([rollouts["step"].min(), rollouts["step"].max()])]
for step, part in ends.groupby("step"):
    row = part.sort_values("reward").iloc[-1]
    print(f"step {step}, reward {row['reward']:.2f}: {row['completion']}\\n")
''')
md("explore")
code('''
from vlaa_helpers import reference_records, study_responses, view_arms

view_arms(study_responses().query("study == 'sft_or_rl'"), reference_records())
''')
md("lies")
code('''
by_arm = pooled.pivot(index="seed", columns="arm", values="accuracy")
sft, grpo = by_arm["SFT 8192"].dropna(), by_arm["GRPO"].dropna()
print(f"means of three seeds:        SFT - GRPO {sft.mean() - grpo.mean():+.1%}")
print(f"SFT's best, GRPO's worst:    SFT - GRPO {sft.max() - grpo.min():+.1%}")
print(f"SFT's worst, GRPO's best:    SFT - GRPO {sft.min() - grpo.max():+.1%}")
''')
md("lie_answers")
code('''
means = sampled[["accuracy", "no_answer"]].mean().loc[["base", "SFT 2048", "GRPO"]]
means["of those with an answer"] = means["accuracy"] / (1 - means["no_answer"])
gains = means.sub(means.loc["base"]).drop(index="base")[["accuracy", "of those with an answer"]]
display(means.style.format("{:.1%}"))
gains.style.format("{:+.1%}").set_caption("gained over the base")
''')
md("lie_cost")
code('''
rulers = arms[costs].mean().loc[["SFT 2048", "GRPO"]]
rulers["accuracy"] = found
(rulers.loc["SFT 2048"] / rulers.loc["GRPO"]).to_frame("SFT 2048 / GRPO").T.style.format("{:.2f}")
''')
md("lie_pass")
code('''
passed = reference_table("grpo_pass_at").query("source == 'angles' and seed == 0")
passed = passed[passed["k"].isin([1, 4, 16])].replace({"arm": {"mixed": "GRPO"}})
shown = passed.pivot(index="k", columns="arm", values="pass_at")
shown["guessing"] = passed.drop_duplicates("k").set_index("k")["guess"]
shown.style.format("{:.1%}").set_caption("pass@k on angles, which have four options")
''')
md("lie_sources")
md("verdicts")
code('''
from vlaa_helpers import verdict_table

verdicts = verdict_table(claims)
printed = claims.drop_duplicates("claim").set_index("claim")[["paper", "printed"]]
verdicts.join(printed.fillna(""))
''')
md("guessed")
code('''
agrees = {True: "holds", False: "does not hold"}
for claim, guess in my_guess.items():
    found = verdicts.loc[claim, "verdict"]
    said = {None: "no guess"}.get(guess, agrees.get(guess))
    print(f"{claim:<52} {found:<16} you: {said}")
''')
md("recap"); md("wrong"); md("exercises")
md("best_seed_task")
code('''
from vlaa_helpers import check_exercise


def flattery(seeds, k):
    # seeds = [0.70, 0.74, 0.72, 0.80, 0.74], k = 3: accuracies, and how many were run
    ...  # your code: a difference of accuracies


check_exercise("06.best_seed", flattery)
''')
md("best_seed_solution")
md("equal_cost_task")
code('''
from vlaa_helpers import check_exercise


def at_equal_cost(first, second):
    # first = [(0, 0.5), (100, 0.7)]: (cost, accuracy), the cheapest first
    ...  # your code: the second accuracy minus the first


check_exercise("06.equal_cost", at_equal_cost)
''')
md("equal_cost_solution")
md("deceptive_task")
code('''
from vlaa_helpers import check_exercise


def deceives(rewards, accuracy, noise):
    # rewards = [0.2, 0.5, 0.8], accuracy = [0.5, 0.8, 0.6], noise = 0.05
    ...  # your code: True or False


check_exercise("06.deceptive", deceives)
''')
md("deceptive_solution")
md("next")
nb = new_notebook(cells=cells, metadata={"kernelspec": five.metadata["kernelspec"], "language_info": {"name": "python"}, "vlaa": {"smoke": {"LIVE_STEPS": 4, "WATCHED": 12, "LOOKS": 4, "RECORDS": 24}}})
for i, c in enumerate(nb.cells):
    c["id"] = f"c{i:02d}"
    for k in ("FIGURE_TITLE", "COST_TITLE", "LIVE_TITLE"):
        if c.cell_type == "code": c.source = c.source.replace(k, json.dumps(T.get(k.lower(), k), ensure_ascii=False))
nbformat.write(nb, ROOT / "notebooks/06_compare_sft_and_rl.ipynb")
print(len(nb.cells), "cells")
