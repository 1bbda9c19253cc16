# ruff: noqa: E501
"""The exercises of chapter 08 as cells: task, stub, hint and solution of each."""

HEAD = """
## Exercises

Write your code in place of the dots and run the cell: the check says that it is right, or names the likely mistake and the case that shows it. Each cell runs without the others.
"""

SIZE = """
**1. What is left in effect.** (10 minutes, easy) Weights make some tokens count more than others. The effective sample size is (Σw)² / Σw². Give it as a share of the tokens: 1 where all weigh alike. Where all weights are 0, nothing is in effect.

> **Predict.** All weights are 0.01. What is it?
"""

SIZE_STUB = """
from vlaa_helpers import check_exercise


def effective_size(weights):
    ...  # your code: a number, 0 to 1; weights is a list


check_exercise("08.effective_size", effective_size)
"""

SIZE_SOLUTION = """
<details><summary>Hint</summary>

Two sums and the length; ask first whether the lower sum is 0.

</details>

<details><summary>Solution</summary>

```python
def effective_size(weights):
    squares = sum(w**2 for w in weights)
    return sum(weights) ** 2 / squares / len(weights) if squares else 0.0
```

1: only differences between weights cost anything. How hard a step pulls is another question.

</details>
"""

GRADIENT = """
**2. The gradient of TrSFT.** (15 minutes, medium) The policy has probabilities p over a small vocabulary, p = softmax(z), and the teacher's token is `token`. TrSFT's loss is −w log p[token] with w = min(p[token] / alpha, 1), and w is a constant. Give its gradient with respect to the logits z.

> **Predict.** At which p is the pull at the token's own logit largest?
"""

GRADIENT_STUB = """
from vlaa_helpers import check_exercise


def trsft_gradient(p, token, alpha):
    # p = [0.5, 0.3, 0.2], token = 0, alpha = 0.1
    ...  # your code: a list, a number a logit


check_exercise("08.trsft_gradient", trsft_gradient)
"""

GRADIENT_SOLUTION = """
<details><summary>Hint</summary>

The gradient of −log p[token] with respect to logit k is p[k], less 1 for the token itself. The weight only scales it.

</details>

<details><summary>Solution</summary>

```python
def trsft_gradient(p, token, alpha):
    weight = min(p[token] / alpha, 1.0)
    return [weight * (each - (k == token)) for k, each in enumerate(p)]
```

At p = alpha: below it the weight shrinks, above it 1 − p does.

</details>
"""

PADDING = """
**3. A bug in a port.** (20 minutes, hard) `port` below computes PEAR's weights of a batch, (responses, tokens), and depends on padding: a short response has other weights beside a long one than alone. `mask` is 1 for tokens and 0 for padding, which may stand before or after them and may have any log-probabilities. Find what is wrong, and write it right.

> **Predict.** With the bug, are the weights of a short response too large or too small?
"""

PADDING_STUB = """
import math

import torch

from vlaa_helpers import check_exercise


def port(logps, behaviour, mask, gamma):
    ratios = (logps - behaviour).clamp(-0.08, 0.3)
    after = ratios.flip(1).cumsum(1).flip(1) - ratios
    later = logps.shape[1] - 1 - torch.arange(logps.shape[1])
    return (after + later * math.log(gamma)).exp() * mask


def pear(logps, behaviour, mask, gamma):
    ...  # your code: a tensor of shape (responses, tokens)


check_exercise("08.padding_bug", pear)
"""

PADDING_SOLUTION = """
<details><summary>Hint</summary>

Two things count that should not: places in the exponent of gamma, and ratios of padding in the sum. The mask, summed from the right, counts tokens.

</details>

<details><summary>Solution</summary>

```python
def pear(logps, behaviour, mask, gamma):
    ratios = (logps - behaviour).clamp(-0.08, 0.3) * mask
    after = ratios.flip(1).cumsum(1).flip(1) - ratios
    later = mask.flip(1).cumsum(1).flip(1) - mask
    return (after + later * math.log(gamma)).exp() * mask
```

Too small where gamma is below 1: each place of padding costs a gamma. What ratios of padding add is chance. `token_weights("pear_token", …)` is tested against both.

</details>
"""

EXERCISES = [
    ("text", HEAD),
    ("text", SIZE),
    ("code", SIZE_STUB),
    ("text", SIZE_SOLUTION),
    ("text", GRADIENT),
    ("code", GRADIENT_STUB),
    ("text", GRADIENT_SOLUTION),
    ("text", PADDING),
    ("code", PADDING_STUB),
    ("text", PADDING_SOLUTION),
]
