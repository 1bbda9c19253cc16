"""A model: chosen by a profile, loaded, adapted, generating. torch starts here.

`get_profile` says which model and how, `load_policy` loads it, `save_policy` and `merge_adapter` keep what was learned.
"""

from ..core.lazy_face import lazy_face

__getattr__, __dir__, __all__ = lazy_face(__name__, __file__)
