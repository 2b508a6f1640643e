"""Whether the gateway of this machine is ready, asked at its own door."""

import json
from http.client import HTTPConnection, HTTPException
from ipaddress import ip_address

__all__ = ["readiness"]

_SECONDS = 10.0


def readiness(host: str, port: int) -> tuple[bool, str]:
    """Whether it is, or stands by, which is as well; and what to say of it."""
    connection = HTTPConnection(_reached(host), port, timeout=_SECONDS)
    try:
        connection.request("GET", "/readyz")
        response = connection.getresponse()
        body = json.loads(response.read(65536))
    except (OSError, HTTPException, ValueError) as error:
        return False, f"not ready: nothing answers at port {port} ({type(error).__name__})"
    finally:
        connection.close()
    if response.status == 200:
        return True, "ready"
    if isinstance(body, dict) and body.get("type") == "standby":
        return True, "standing by: another gateway is active"
    detail = body.get("detail") if isinstance(body, dict) else None
    return False, f"not ready: {detail or response.status}"


def _reached(host: str) -> str:
    """One that listens everywhere is reached on loopback."""
    try:
        address = ip_address(host)
    except ValueError:
        return host
    if address.is_unspecified:
        return "127.0.0.1" if address.version == 4 else "::1"
    return host
