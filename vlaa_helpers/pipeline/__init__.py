"""Six steps from an image and a question to a verified reasoning trace. No torch.

`build_dataset` runs them with a teacher (`ChatTeacher`, `ScriptedTeacher`) and can be stopped at any time; `steps`
holds each of them as a function of one record.
"""

from ..core.lazy_face import lazy_face

__getattr__, __dir__, __all__ = lazy_face(__name__, __file__)
