"""Records: read from files of any kind, checked, and viewed as TRL wants them. No torch.

`load_records` reads, `read_records` also tells what was wrong; `to_sft` and `to_grpo` are what a trainer sees;
`overlap` and `find_duplicates` compare records by image, `split_by_image` holds some out.
"""

from ..core.lazy_face import lazy_face

__getattr__, __dir__, __all__ = lazy_face(__name__, __file__)
