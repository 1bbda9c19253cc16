"""How right a model is: `evaluate` asks, an `EvalReport` holds every response, `compare_reports` sets two beside."""

from ..core.lazy_face import lazy_face

__getattr__, __dir__, __all__ = lazy_face(__name__, __file__)
