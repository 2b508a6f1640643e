"""The composition: settings -> parts, what runs them, and what is asked of them as a whole."""

from gateway.app.config import Config, LiveConfig, load
from gateway.app.lifecycle import Role, open_core
from gateway.app.wiring import Core

__all__ = ["Config", "Core", "LiveConfig", "Role", "load", "open_core"]
