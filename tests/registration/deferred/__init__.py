"""Registrations that are answered 202 and followed."""
