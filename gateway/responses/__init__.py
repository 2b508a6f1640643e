"""What callers get as answers: bodies and problems."""

__all__ = ()
