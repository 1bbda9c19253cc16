from . import paper_numbers as paper_numbers
from .answers import SYSTEM_PROMPT as SYSTEM_PROMPT, extract_answer as extract_answer, parse_response as parse_response
from .assets import MINI_REWARD as MINI_REWARD
from .chat_reply import Reply as Reply
from .images import decode_image as decode_image, image_hash as image_hash
from .run_note import TrainedOn as TrainedOn, trained_ids as trained_ids, trained_on as trained_on
from .statistics import bootstrap_interval as bootstrap_interval, seeds_interval as seeds_interval
from .trace_text import AHA_KEYWORDS as AHA_KEYWORDS, aha_words as aha_words
