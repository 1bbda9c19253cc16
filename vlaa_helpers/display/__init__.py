"""Figures (`plot_…`), records and responses side by side (`show_…`), viewers (`view_…`), and one HTML report."""

from ..core.lazy_face import lazy_face

__getattr__, __dir__, __all__ = lazy_face(__name__, __file__)
