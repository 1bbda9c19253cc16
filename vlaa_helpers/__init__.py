"""Helpers of VLAA Notebooks: build data, train a vision-language model to reason, and see whether it does.

    from vlaa_helpers import get_profile, load_policy, make_scenes, train_grpo, MixedReward, evaluate

Names are imported when they are first used: `import vlaa_helpers` itself loads neither torch nor transformers. They
stand in `__init__.pyi`, by room; README.md has a map of the rooms.
"""

from .core.lazy_face import lazy_face
from .core.messages import in_notebook, show_messages
from .core.telemetry import leave_out_telemetry

__version__ = "0.1.0"
__getattr__, __dir__, __all__ = lazy_face(__name__, __file__)

leave_out_telemetry()
if in_notebook():
    show_messages()
