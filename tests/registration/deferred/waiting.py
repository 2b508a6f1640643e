"""Sign-ups that wait, and a day that passes."""

__all__ = ["CREATE"]


CREATE = "customerCreate"
