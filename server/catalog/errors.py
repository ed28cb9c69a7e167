"""What can be wrong with the database."""


class UnusableCatalog(Exception):
    """Nobody can work with this database before somebody has seen to it; the message is a sentence
    for them, which says what to do."""


class AlreadyClaimed(Exception):
    """Somebody else is copying a gallery to this database."""
