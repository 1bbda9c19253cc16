from .benchmarks.base import Benchmark as Benchmark, Item as Item, UnreadableRow as UnreadableRow
from .benchmarks.load import (
    BenchmarkRows as BenchmarkRows,
    load_benchmark as load_benchmark,
    read_benchmark as read_benchmark,
)
from .benchmarks.registry import benchmark_names as benchmark_names, register_benchmark as register_benchmark
from .blind import blind_table as blind_table
from .eval_report import EvalReport as EvalReport, compare_reports as compare_reports, load_report as load_report
from .guessing import (
    free_form_sources as free_form_sources,
    guess_accuracy as guess_accuracy,
    guess_pass_curve as guess_pass_curve,
)
from .image_controls import control_images as control_images
from .predictors import predictor_table as predictor_table
from .ranking import rank_measures as rank_measures, ranking_table as ranking_table
from .runner import evaluate as evaluate
from .seed_means import across_seeds as across_seeds
from .style_report import style_shares as style_shares
