"""The embedded database's one exception."""


class EmbeddedError(Exception):
    """The embedded database can't run; the message is one plain sentence that says what to mend."""
