"""The generated world: scenes with known facts, questions about them, and what is true of what is said of them.

`scenes` makes records, of the kinds that `kinds` has: a file a kind, and a registry that takes more. `response_styles`
and `captions` write about a scene, well or badly, and `style_classifier` tells in which style a response is;
`statement_parser` and `claims` find out what a text says of a scene and whether that holds.
"""

from ..core.lazy_face import lazy_face

__getattr__, __dir__, __all__ = lazy_face(__name__, __file__)
