from .claims import find_claims as find_claims
from .garbled import is_garbled as is_garbled
from .kinds import Ask as Ask, Kind as Kind, register_kind as register_kind
from .relevance import make_relevance_pairs as make_relevance_pairs
from .scenes import check_facts as check_facts, draw_scene as draw_scene, make_scenes as make_scenes
from .response_styles import STYLES as STYLES
from .style_classifier import style_of as style_of
