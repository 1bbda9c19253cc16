from .duplicates import (
    find_duplicates as find_duplicates,
    overlap as overlap,
    split_by_image as split_by_image,
)
from .load import load_records as load_records, read_records as read_records
from .trl_views import to_grpo as to_grpo, to_sft as to_sft
