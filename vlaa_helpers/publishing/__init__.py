"""Runs and builds for others: cards from a run's own files, and a push to the hub that first says what it does."""

from ..core.lazy_face import lazy_face

__getattr__, __dir__, __all__ = lazy_face(__name__, __file__)
