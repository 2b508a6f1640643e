"""Possible duplicates: pairs of store members that may be one person, for a person to judge."""

from gateway.duplicates.linking import Linking

__all__ = ["Linking"]
