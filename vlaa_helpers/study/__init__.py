"""Studies: policies that differ in one thing, trained and measured alike, into one table.

`run_study` runs what is not done yet, `plan_study` says what that is, `load_study` reads the file that docs/studies.md
describes. A `Study` has `Arm`s; an arm has a `Stage`, `Sft`, `Grpo` or one of your own (`register_stage`), and starts
from the base or from another arm.
"""

from ..core.lazy_face import lazy_face

__getattr__, __dir__, __all__ = lazy_face(__name__, __file__)
