"""Whether an extra of the package is installed, once a setting asks for it."""

from importlib.util import find_spec

__all__ = ["lacking"]

_TRACES = ("opentelemetry.sdk", "opentelemetry.exporter.otlp.proto.http")


def lacking(*, traces: bool) -> list[str]:
    """What to install, a sentence each."""
    if not traces or all(map(_is_there, _TRACES)):
        return []
    return ["GATEWAY_TRACES: needs the extra otel: pip install 'registration-gateway[otel]'"]


def _is_there(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ImportError:  # what it is part of is not there
        return False
