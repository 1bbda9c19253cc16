from .benchmark import load_trace_benchmark as load_trace_benchmark
from .corruptions import corrupt_trace as corrupt_trace
from .detector import (
    PseudoReasoningDetector as PseudoReasoningDetector,
    auc as auc,
    calibration as calibration,
    measured as measured,
    trained_detector as trained_detector,
)
from .measures import analyze_traces as analyze_traces, register_measure as register_measure
from .paired import (
    compare_policies as compare_policies,
    compare_within_questions as compare_within_questions,
)
from .probe_report import ProbeReport as ProbeReport, load_probes as load_probes
from .probes import probe_traces as probe_traces
from .strata import (
    outcomes as outcomes,
    score_auc as score_auc,
    score_bins as score_bins,
    score_strata as score_strata,
)
from .trace_measures import Measure as Measure
from .validation import validation_table as validation_table
