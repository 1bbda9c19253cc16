"""One verifier a file, and `MixedReward`, which picks the right one for each record. No torch until a model scores.

A verifier takes a response and its ground truth and gives a `Score`: a value in 0-1 and a `Reason`. Open-ended answers
are scored by the facts of a scene, a reward model or a judge (`FactsScorer`, `RewardModelScorer`, `JudgeScorer`).
"""

from ..core.lazy_face import lazy_face

__getattr__, __dir__, __all__ = lazy_face(__name__, __file__)
