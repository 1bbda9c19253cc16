from .adapters import find_adapter as find_adapter, merge_adapter as merge_adapter, save_policy as save_policy
from .loading import (
    keep_4bit_trainable as keep_4bit_trainable,
    load_policy as load_policy,
    parameter_table as parameter_table,
)
from .memory_estimate import MemoryEstimate as MemoryEstimate, estimate_memory as estimate_memory
from .operations import token_operations as token_operations
from .perplexity import keep_hardest as keep_hardest, trace_perplexity as trace_perplexity
from .profiles import get_profile as get_profile
from .vision_tower import ImageFeaturesError as ImageFeaturesError, guard_tower as guard_tower
from .weight_updates import (
    adapter_updates as adapter_updates,
    apply_updates as apply_updates,
    drop_updates as drop_updates,
)
