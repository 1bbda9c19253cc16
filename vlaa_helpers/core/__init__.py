"""What every room stands on: answers, images, rows, numbers with intervals. No torch and no mini world.

Read a response (`extract_answer`, `parse_response`), an image (`decode_image`, `image_hash`), the words of a trace
(`aha_words`); put an interval on a mean (`bootstrap_interval`). `paper_numbers` holds what the paper printed.
"""

from .lazy_face import lazy_face

__getattr__, __dir__, __all__ = lazy_face(__name__, __file__)
