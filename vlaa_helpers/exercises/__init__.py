"""Exercises of the chapters: a check for each, that names the likely mistake. `check_exercise` is what notebooks call.

A file a chapter; `checks.py` runs them. A check gets the reader's answer and returns what is wrong with it, or "".
"""

from .checks import check_exercise as check_exercise
