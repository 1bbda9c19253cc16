from .eval_report import EvalReport as EvalReport, compare_reports as compare_reports, load_report as load_report
from .runner import evaluate as evaluate
from .style_report import style_shares as style_shares
