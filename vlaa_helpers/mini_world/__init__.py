"""The generated world: scenes, questions about them, and what is true of each. No torch.

`make_scenes` gives records, `draw_scene` the image of one; `check_facts` and `find_claims` hold a text against a scene.
"""

from ..core.lazy_face import lazy_face

__getattr__, __dir__, __all__ = lazy_face(__name__, __file__)
