"""Whether the thinking above an answer is real: measures of a trace, a detector over them, probes of the model.

`analyze_traces` measures texts, `trained_detector` scores them, `probe_traces` cuts and corrupts a model's traces.
`load_trace_benchmark` has traces whose label is known, to see what a measure is worth (`auc`, `calibration`).
"""

from ..core.lazy_face import lazy_face

__getattr__, __dir__, __all__ = lazy_face(__name__, __file__)
