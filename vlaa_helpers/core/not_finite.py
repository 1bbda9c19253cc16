"""Numbers of a model that nothing can be sampled from."""


class NotFiniteError(RuntimeError):
    """A word was to be drawn from scores that are no probabilities; the message says what to try."""

    def __init__(self) -> None:
        super().__init__(
            "a word was to be drawn from scores with nan or inf, or with every word left out; in float16 the model may "
            'have overflowed: try profile.replace(dtype="float32")'
        )
