"""The small talk of planted traces: phrases that say nothing of a scene, in two banks that share none."""

PHRASES: dict[str, dict[str, tuple[str, ...]]] = {
    "train": {
        "open": ("Okay, let me look at the picture.", "First, let me look.", "Let me see."),
        "hedge": (
            *("Maybe this is not clear.", "I am not sure about the {thing}.", "Perhaps it is something else."),
            *("It might be different.", "I think so.", "Maybe the {thing} can be seen another way."),
        ),
        "filler": ("This needs some thought.", "Let me think about it.", "The {thing} is what matters here."),
        "cue": (
            *("Wait, let me double-check.", "Hmm, let me look again.", "Let me check the {thing}.", "Wait."),
            *("Alternatively, I can start over.", "Wait, the {thing}."),
        ),
        "confirm": ("Yes, that is right.", "It stays as it is.", "Okay, same as before."),
        "restate": ("The question is: {question}", "I am asked: {question}"),
        "conclude": ("So the answer is {answer}.", "That gives {answer}."),
    },
    "test": {
        "open": ("I begin with what is there.", "Here goes.", "Going by the picture now."),
        "hedge": (
            *("Possibly I misread the {thing}.", "It is hard to say.", "I guess it could be otherwise."),
            *("The {thing} may be off.", "Who can tell?", "I suppose the {thing} is probably fine."),
        ),
        "filler": ("One has to be careful here.", "It is all about the {thing}.", "So this goes step by step."),
        "cue": (
            *("Wait, is that so?", "Hold on, I want to verify this.", "Hmm, once more.", "Is there a mistake?"),
            *("I should check the {thing} again.", "Hmm, but the {thing}."),
        ),
        "confirm": ("Nothing changes.", "That was fine.", "As I said."),
        "restate": ("What is wanted: {question}", "The task reads: {question}"),
        "conclude": ("Therefore {answer}.", "My answer is {answer}."),
    },
}
"""Bank, role, phrases: the small talk. What is said of a scene has its phrases in the scene's kind."""
