"""Whether an extra of the package is installed, once a setting asks for it."""

from importlib.util import find_spec

__all__ = ["lacking"]

_TRACES = ("opentelemetry.sdk", "opentelemetry.exporter.otlp.proto.http")


def lacking(*, traces: bool = False, postgres: bool = False) -> list[str]:
    """What to install, a sentence each."""
    problems = []
    if traces and not all(map(_is_there, _TRACES)):
        problems.append(_needs("GATEWAY_TRACES", "otel"))
    if postgres and not _is_there("psycopg"):
        problems.append(_needs("GATEWAY_DATABASE_URL", "postgres"))
    return problems


def _needs(variable: str, extra: str) -> str:
    return f"{variable}: needs the extra {extra}: pip install 'registration-gateway[{extra}]'"


def _is_there(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ImportError:  # what it is part of is not there
        return False
