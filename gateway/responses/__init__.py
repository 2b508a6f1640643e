"""What callers are answered: bodies and problems."""

__all__ = ()
