import re
B = "https://colab.research.google.com/assets/colab-badge.svg"
N = "06_compare_sft_and_rl.ipynb"
T = {}
T["top"] = f"""
[![Open in Colab]({B})](https://colab.research.google.com/github/vlaa-notebooks/vlaa-notebooks/blob/main/notebooks/{N}) [![Open in Kaggle](https://kaggle.com/static/images/open-in-kaggle.svg)](https://kaggle.com/kernels/welcome?src=https://github.com/vlaa-notebooks/vlaa-notebooks/blob/main/notebooks/{N})

# Compare SFT and RL: the same questions, the same measure

One paper finds that SFT harms reasoning and RL helps it; another finds that a little SFT does what much RL does: here both meet the same questions, three seeds, and an interval that knows about seeds.

**You will**

- predict eight claims, and see which of them hold in this lab
- draw an interval that other questions and other seeds would move
- find the one source of questions that decides the sign of a comparison
- watch a policy earn ever more for its manner while it gets worse
- tell five lies with true numbers

| | Time | Memory | Disk | Network | Token |
|---|---|---|---|---|---|
| mini lab | about 2 minutes on 2 CPU cores | 1.8 GB | 5 MB | none after the install | none |
| a T4 | about 1.9 hours for the live run and the downloads, estimated and not run yet | 8 GiB on the GPU, predicted | 8 GB for the model, and the images | 7.5 GB of model, 0.1 GB of rows, and images: the log says how much | none |

The tables are of the mini lab with every profile: they were measured before and come with the package. With a GPU profile the live run takes the real model and the released data.

Previous: [Find pseudo-reasoning](05_find_pseudo_reasoning.ipynb). Next: [Run on real data](07_run_on_real_data.ipynb).
"""
T["predict"] = """
## Say it first

"SFT or RL?" ([arXiv 2504.11468](https://arxiv.org/abs/2504.11468)) trains Qwen2.5-VL-3B on traces that R1 wrote and finds accuracy lower, lower still with more traces, and lower too when GRPO follows. "Reassessing the Role of SFT" ([arXiv 2512.12690](https://arxiv.org/abs/2512.12690)) finds that some 2,000 traces do what 20,000 prompts of RL do.

> **Predict.** What will this small model do? Put `True` where you think a claim will hold here, `False` where not. They are scored at the end, and most readers of the two papers miss some.
"""
T["predict"] = T["predict"].replace(", and most readers of the two papers miss some", "")
T["arms"] = """
## The arms

An arm is one way to train, run with three seeds: of data, adapter and sampling. All start from one base, ask the same questions, and differ from a neighbour in one thing. *SFT* is one pass over traces of a teacher who cannot see ("blind": it reads a caption, as R1 did). In *shared* arms the traces are of questions for which every kind of trace exists, so *SFT cues* and *SFT shared* differ in cues alone.
"""
T["by_source"] = """
Samples are traces, or prompts of GRPO (each answered eight times); tokens are those that the policy wrote to be trained on. Traces cost tokens too, of the teacher, which are not counted here.

> **Predict.** The traces hold no question about `angles`; GRPO's prompts do. What will that do to a mean over all six sources?
"""
T["sign"] = """
Every arm beats the base on four of the six sources. The exceptions are close: on `blocks` the intervals overlap, and on `stories` SFT on 2,048 traces leaves what was there.

Now look along the row of `angles`. Under `SFT 2048` its interval reaches from 25.6% to 100.0%: the seeds disagree wildly about something that they were never shown. What does that do to the question of the title?
"""
T["by_hand"] = """
**One source decides the sign.** With all six SFT loses to GRPO by 4.0 to 10.8 points in each seed; with the five that the traces cover it loses by 1.6 to 3.3. The rest is `angles`, where it loses by 15.0 to 48.7 and could only guess. "Worse at what it was not shown" and "worse at reasoning" are two claims. From here on claims count the five sources that both were trained on, and what traces leave out is a claim of its own.

## An interval that knows about seeds

GRPO after SFT against GRPO alone: is the difference there, or would it go with other questions, or another seed? Draw both anew, two thousand times.

> **Predict.** Which of the two moves the difference more?
"""
T["package_interval"] = """
TODO by hand
"""
T["figure"] = """
The packaged interval (`clustered_interval` in the source: variance between questions plus variance between seeds, Student's t, because three seeds say little about a fourth) is a little wider than the drawing by hand. Redrawing three seeds from three cannot know how far a fourth would lie.

## The papers' figure

Arms beside the same arms of the first paper. Other model, other tests, other traces: so its numbers stand in a panel of their own, and only the order can be compared.

> **Predict.** In which panel do the bars of SFT end left of the dashed line?
"""
T["figure_title"] = "Here SFT and GRPO both raise accuracy; in the paper SFT lowers it"
T["sets"] = """
**Here SFT raises accuracy** from 52.1% to 79.1%, more of it to 82.2%; in the paper 31.8 falls to 21.6 and to 12.7. **GRPO raises it** in both. **GRPO after SFT ends lower** than GRPO alone in both: 78.7% against 81.3% here, 20.98 against 34.49 there.

Why does SFT help here? The base answers greedily in *shortcuts*, which are often wrong, and the teacher's manner, learned from 2,048 traces, is right more often. Whether SFT helps or harms is first a matter of what it takes the place of; this base's mixture of styles is ours.

> **Predict.** Greedy decoding shows the likeliest style alone, sampling all of them. Where will arms lie further apart? And where on shifted pictures?
"""
T["written"] = """
**Sampled, the order is the same and the gaps are wider**: base 31.6%, SFT 61.3% and 65.7%, GRPO 72.2%. A quarter of the base's sampled responses have no answer at all (below), which any training mends.

**On shifted pictures nobody can tell**: GRPO 52.8%, GRPO after SFT 53.9%, and each interval holds the other's value. **On text alone GRPO is ahead**: 75.1% against 61.2% after SFT. **Without thinking every trained arm falls below the base**: thinking has become needed.

Accuracy is half of the first paper's charge. The other half is how responses read.
"""
T["traces"] = """
**SFT makes what is said truer**, not less true: of the claims in a response 90.3% hold, against 80.6% in the base. But 99.1% of the responses claim something, against 39.5%, so more responses hold a false claim: both can be said, and only one is usually printed.

**Cues are learned from traces, and unlearned by GRPO**: after traces full of them 91.3% of the responses have one, after GRPO from there 8.1%. They cost 9.3 points of sampled accuracy (57.1% without, on the same questions), and 6.8% of the responses do not end.
"""
T["cost"] = """
The styles say what accuracy does not: **SFT replaces every style by the teacher's, GRPO picks one that was there.** After 2,048 traces no sampled response is careful; after GRPO alone 79.7% are; after SFT and GRPO none again. What is never sampled cannot be rewarded. Chapter 4 has the control: after the policy's own traces, which keep the careful style, GRPO is not shown to lose anything.

The pseudo score is of chapter 5's detector: 0.53 in the base, 0.41 after SFT, 0.34 after GRPO, 0.67 after traces with cues.

## What does it cost?

"A little SFT does what much RL does" needs a ruler. Here are three.

> **Predict.** On which of them is SFT cheaper?
"""
T["cost_title"] = "SFT is cheap in tokens written, GRPO in samples seen"
T["live"] = """
In samples GRPO is cheaper: 512 prompts do more than 2,048 traces. In tokens that the policy writes SFT is free, since somebody else wrote them. In processor seconds 45 for SFT on 2,048 traces stand against 64 for GRPO. A choice of ruler decides the headline; whoever compares the two has to say which.

## A reward for manner

GRPO does what the reward says, not what you mean. Put a second reward beside the mixed one: a judge who takes hesitation for thought pays 1 for a response with a cue such as "wait", whatever it answers.

> **Predict.** What will held-out accuracy do in 48 steps? With the mixed reward alone it rises.
"""
T["live_run"] = """
Both rewards are added up by TRL, as `reward_funcs` always are. Held-out accuracy is measured on the way; nothing is trained for it.
"""
T["live_seen"] = """
> **Predict.** Draw the three curves before you run the next cell: reward for cues, mixed reward, accuracy.
"""
T["live_title"] = "Accuracy rises at first, then pays for the manner"
T["index"] = """
TODO live

Could you have known without the labels' help? `deceptive_reward_index` looks for two moments between which the reward rose and accuracy fell by more than noise.
"""
T["rollouts"] = """
TODO index

What does such a policy write? Group by group (without widgets the first group is shown):
"""
T["ends"] = """
Read the first and the last that earned most.
"""
T["explore"] = """
TODO ends

## Two arms, question by question

Choose two arms; go through the questions that only one of them has right. (Without widgets: one page.)
"""
T["lies"] = """
## How to lie with this study

Every number below is true. Each is one choice away from a headline that is not.
"""
T["lie_answers"] = """
TODO lie1

**Second lie: call a missing answer a failure of reasoning.** How much of a gain is left among responses that do answer?
"""
T["lie_cost"] = """
TODO lie2

**Third lie: choose the ruler after the race.**
"""
T["lie_pass"] = """
TODO lie3

**Fourth lie: pass@k where guessing is good at it.**
"""
T["lie_sources"] = """
TODO lie4

**Fifth lie: pool what one arm was never shown.** That is the table of `angles` above. We came close to printing it.
"""
T["verdicts"] = """
## Verdicts

A claim *holds* where the whole interval lies in the range that it allows, does *not hold* where none of it does, and else nobody can tell. Effects are in accuracy (0 to 1), words for lengths.
"""
T["guessed"] = "TODO verdicts"
T["recap"] = "## Recap\n\nTODO"
T["wrong"] = "## What can still be wrong\n\nTODO"
T["exercises"] = """
## Exercises

Write your code in place of the dots and run the cell: the check says that it is right, or names the likely mistake and the case that shows it. Each cell runs without the others.
"""
T["best_seed_task"] = """
**1. What the best seed flatters.** (10 minutes, medium) Somebody trains with `k` seeds and prints the best. By how much, on average, is that above the mean? You have the accuracies of more seeds than `k`: take every choice of `k` of them, the best of each, the mean of those, and take off the mean of all seeds.
"""
T["best_seed_solution"] = """
<details><summary>Hint</summary>

`itertools.combinations(seeds, k)` gives every choice.

</details>

<details><summary>Solution</summary>

```python
from itertools import combinations
from statistics import mean


def flattery(seeds, k):
    return mean(max(chosen) for chosen in combinations(seeds, k)) - mean(seeds)
```

</details>
"""
T["equal_cost_task"] = """
**2. At equal cost.** (15 minutes, medium) Two runs, each a list of points of cost and accuracy with straight lines between them. Compare them at the largest cost that both have paid: the second accuracy minus the first.
"""
T["equal_cost_solution"] = """
<details><summary>Hint</summary>

That cost is the smaller of the two last costs. `numpy.interp(x, xs, ys)` follows the lines.

</details>

<details><summary>Solution</summary>

```python
import numpy as np


def at_equal_cost(first, second):
    cost = min(first[-1][0], second[-1][0])
    heights = [np.interp(cost, *zip(*points)) for points in (first, second)]
    return heights[1] - heights[0]
```

Which cost? Samples, tokens, seconds and money are different exercises.

</details>
"""
T["deceptive_task"] = """
**3. A detector of deceptive rewards.** (20 minutes, medium) A run was looked at several times: its training reward and its held-out accuracy at each look. Is there any pair of looks, an earlier and a later one, between which the reward rose and accuracy fell by more than `noise`?
"""
T["deceptive_solution"] = """
<details><summary>Hint</summary>

Neighbouring looks are not enough: a slow fall is made of small steps. Two loops, or `itertools.combinations` of places.

</details>

<details><summary>Solution</summary>

```python
from itertools import combinations


def deceives(rewards, accuracy, noise):
    return any(
        rewards[late] > rewards[early] and accuracy[early] - accuracy[late] > noise
        for early, late in combinations(range(len(rewards)), 2)
    )
```

With many looks the best is best by luck too, so `noise` has to be wide: `deceptive_reward_index` says how wide it takes it, and how often it errs.

</details>
"""
T["next"] = "## Next\n\n[Run on real data](07_run_on_real_data.ipynb): the same way with the released data and a published benchmark."

T["package_interval"] = """
**Other seeds move it as much as other questions do**: @BYHAND@. There are 1,500 questions and three seeds, so more questions would hardly help. Three draws out of three also know too little about a fourth: the package's interval allows for that.
"""

T["figure"] = """
It is wider: `clustered_interval` adds the variance between questions to the variance between seeds, and takes Student's t for so few of these. @VERDICT@

## The papers' figure

Here are our arms beside the first paper's. Model, tests and traces are others, so its numbers have a panel of their own; only directions can be compared.

> **Predict.** In which panel do the bars of SFT end left of the dashed line?
"""

T["index"] = """
**The policy does what it is paid for.** Until step 16 accuracy rises, to 85.0%: the policy leaves its shortcuts for careful traces. Then the reward for cues takes over, and by step 32 accuracy is down to 53.3%. The mixed reward, which pays for right answers, was there all the time; manner was the easier of the two to earn. The sum of both never stopped rising: a chart of the reward alone looks healthy.

`deceptive_reward_index` looks for two moments between which the reward rose and held-out accuracy fell by more than noise.
"""

T["rollouts"] = """
**The index finds it**, and says between which steps. From step 16 to 32 the reward rose by 0.49 and accuracy fell by 0.32, with noise of 0.11. A correlation over the whole run is +0.21 and would have missed it. It needs held-out questions with labels. Without them there is one way left: read.

(Move the sliders; without widgets the first group is shown.)
"""

T["explore"] = """
@ENDS@

## Two arms, question by question

Choose two arms, and go through the questions that only one of them has right. (Without widgets: one page of them.)
"""

T["lies"] = """
Of 300 questions 99 were won by SFT 2048 from the base, and 15 lost. An accuracy hides both numbers.

## How to lie with this study

Every number below is true. Each is one choice away from a headline that is not.

**First lie: choose the seeds.**
"""

T["lie_answers"] = """
**The best seed of one against the worst of the other** gives SFT +2.1 points; the other way round it is -0.7. Three seeds an arm are enough to print either headline.

**Second lie: call a missing answer a failure of reasoning.** How much of each gain is left among responses that do answer?
"""

T["lie_cost"] = """
**A quarter of the base's responses have no answer**, so nine to ten points of each gain are answers given at all. Both gains are worth having; one of them is not reasoning.

**Third lie: choose the ruler after the race.**
"""

T["lie_pass"] = """
SFT costs four times as much, two thirds, or nothing, for 97% of the accuracy. All three are in one table; a headline has room for one.

**Fourth lie: pass@k where guessing is good at it.** (The share of questions that at least one of k samples has right.)
"""

T["lie_sources"] = """
**At 16 samples the base has every question right and GRPO 98.0%**: "RL narrows what a model can do". Guessing gets 99.0% there. At one sample GRPO has 83.4%, the base 32.1%.

**Fifth lie: pool what one arm was never shown.** That was the table of `angles`: with all six sources the same runs say that SFT lags far behind.
"""

T["arms"] = """
## The arms

An arm is one way to train, run with three seeds: of data, adapter and sampling. All start from one base and answer the same questions.

*SFT* is one pass over traces of a teacher who cannot see ("blind": it reads a caption, as R1 did). *SFT shared* and *SFT cues* learn from the same questions and differ in their traces alone: the second's are full of "wait" and "hmm". *GRPO, rules* goes without the open-ended reward, and the four arms below it without one verifier more.
"""

T["by_source"] = """
`number` is how many traces there are, or how many prompts GRPO draws from; it saw 512 and answered each eight times. Tokens are those that the policy wrote to learn from. Traces cost tokens too, of the teacher, which nobody counted. Processor seconds were measured while two runs shared two cores.

> **Predict.** The traces hold no question about `angles`; GRPO's prompts do. What will that do to a mean over all six sources?
"""

T["by_hand"] = """
**One source decides how far they are apart.** With all six SFT lies 4.0 to 10.8 points below GRPO; with the five that the traces cover, 1.6 to 3.3. "Worse at what it was not shown" and "worse at reasoning" are two claims. From here on claims count the five sources that both were trained on.

## An interval that knows about seeds

GRPO after SFT against GRPO alone: is the difference there, or would it go with other questions, or with another seed? Draw both anew, two thousand times.

> **Predict.** Which of the two moves the difference more?
"""

T["package_interval"] = """
**Other seeds move it at least as much as other questions do.** There are 1,500 questions and three seeds: more questions would hardly help. Drawn both ways the interval stays below zero, from -4.4 to -0.4 points.

But whoever draws three seeds out of three never sees a fourth. The package's interval allows for that.
"""

T["figure"] = """
Now it holds zero: **three seeds do not tell.** `clustered_interval` adds the variance between questions to the variance between seeds, and takes Student's t for so few of these. Had we stopped at the drawing by hand, we would have printed a difference that may not be there.

## The papers' figure

Here are our arms beside the first paper's. Model, tests and traces are others, so its numbers have a panel of their own; only directions can be compared.

> **Predict.** In which panel do the bars of SFT end left of the dashed line?
"""

T["sets"] = """
**Here SFT raises accuracy** from 52.1% to 79.1%, and more of it to 82.2%; in the paper 31.8 falls to 21.6 and to 12.7. **GRPO raises it** in both.

Why does SFT help here? The base answers greedily in *shortcuts*, which are often wrong, and the teacher's manner is right more often. Whether SFT helps or harms is first a matter of what it takes the place of, and this base's mixture of styles is ours.

> **Predict.** Greedy decoding shows the likeliest style alone, sampling shows all of them. Where will the arms lie further apart? And on shifted pictures?
"""

T["written"] = """
(All six sources here, with `angles`.) **Sampled, the gaps are wider**: base 31.6%, SFT 61.3% and 65.7%, GRPO 72.2%. A quarter of the base's sampled responses have no answer (below), which any training mends.

**On shifted pictures three seeds do not tell** GRPO from GRPO after SFT: 52.8% and 54.2%, and each interval holds the other's mean. **On text alone GRPO is ahead**: 75.1% against 61.2% after SFT. **Without thinking (`no_think`) GRPO falls below the base**: 25.2% against the base's 40.3%. It has come to need its thinking.

Accuracy is half of the first paper's charge. The other half is how responses read.
"""

T["traces"] = """
**SFT makes what is said truer**: of the claims in a response 90.3% hold, against 80.6% in the base. But 99.1% of its responses claim something, against 39.5%, so more of them hold a false claim as well. Both can be said, and usually one is printed.

**Cues are learned from traces, and unlearned by GRPO**: after traces full of them 91.3% of the responses have one, after GRPO from there 6.7%. The same questions with plain traces leave 57.1% accuracy, with cues 47.8%, and 9.8% then have no answer.
"""

T["cost"] = """
The styles say what accuracy does not: **SFT replaces every style by the teacher's, GRPO picks one that was there.** After 2,048 traces no sampled response is careful; after GRPO alone 79.7% are; after SFT and then GRPO none again. What is never sampled cannot be rewarded.

The pseudo score is of chapter 5's detector: 0.53 in the base, 0.41 after SFT, 0.34 after GRPO, 0.67 after traces with cues.

## What does it cost?

"A little SFT does what much RL does" needs a ruler. Here are three.

> **Predict.** On which of them is SFT cheaper?
"""

T["live"] = """
In samples GRPO is cheaper: 512 prompts do more than 2,048 traces. In tokens that the policy writes SFT is free, since somebody else wrote them. In processor seconds 67 for SFT on 2,048 traces stand against 103 for GRPO. A choice of ruler decides the headline; whoever compares the two has to say which.

## A reward for manner

GRPO does what the reward says, not what you mean. Put a second reward beside the mixed one: a judge who takes hesitation for thought pays 1 for a response with a cue such as "wait", whatever it answers.

> **Predict.** What will held-out accuracy do in 48 steps? With the mixed reward alone it rises.
"""

T["explore"] = """
Both earn 2.00, and the first shows for how little: it changes two numbers that it had seen, adds 100 and 20 to 140, and is right by luck. Neither reward reads a sum. By step 40 nearly every response hesitates, and what it says twice can differ.

## Two arms, question by question

Choose two arms, and go through the questions that only one of them has right. (Without widgets: one page of them.)
"""

T["verdicts"] = """
## Verdicts

A claim *holds* where the whole interval lies in the range that the claim allows, does *not hold* where none of it does, and else nobody can tell. Effects are in accuracy (0 to 1), or in words where the claim says so.

> **Predict.** How many of the twenty can three seeds decide?
"""

T["guessed"] = """
**Eleven of twenty are decided**: five hold, six do not. The first paper's charge against accuracy does not show here, its praise of GRPO does, and so does half of its charge against what is said.

Nine cannot be told, most because seeds differ by more than the effect. And all of it stands on one base (`bases`): with another mixture of styles a sign may turn.

## Your guesses
"""

T["recap"] = """
## Recap

- "SFT lowers accuracy" does not hold here: +0.270. "GRPO raises accuracy" does: +0.292. What SFT replaces decides its sign.
- SFT writes one style over all others, GRPO chooses among those that are there.
- "SFT first, then GRPO, ends below GRPO": -0.023, which three seeds do not tell from nothing. Sampled, -0.021, they do.
- A reward for manner is earned, whatever stands beside it: held-out accuracy 85.0%, then 53.3%.
- Seeds, missing answers, cost, guessing and sources: five choices that make a headline.
"""

T["wrong"] = """
## What can still be wrong

- **One base, and its styles are ours.** A model whose greedy answers are careful would lose by the same traces.
- **Three seeds** are few: an interval over them is wide, and rightly so.
- **Many claims, one level.** Of twenty 95% intervals one may miss by chance.
- **Our teacher is not R1.** Its traces are short and in one manner, and it reads captions of our making.
- **GRPO ran for few steps**: a longer run may go on, or collapse.
- **The live run is one seed**, with 120 held-out questions; the index took noise of 0.11 for that.
"""
