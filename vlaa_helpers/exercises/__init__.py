"""Checks of the exercises at the end of each chapter: they say that an answer is right, or name the likely mistake.

`check_exercise("00.advantages", advantages)` tries the answer on a few cases and prints one plain sentence. A file
`chapter_NN.py` holds the exercises of chapter NN. What a check expects is worked out here by hand and nothing is taken
from the other rooms; the tests hold both against each other.
"""

from .checking import check_exercise as check_exercise

__all__ = ["check_exercise"]
