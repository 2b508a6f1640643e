"""The nginx sample, read and made to run: without TLS, on loopback, as whoever starts it."""

import re
from pathlib import Path

from tests.documents.reading import ROOT

__all__ = ["ROOM", "locations", "plain_nginx"]

ROOM = ROOT / "gateway/deploy"
SAMPLE = (ROOM / "nginx.conf").read_text("utf-8")
_LOCATION = re.compile(r"^    location (= )?(\S+) \{(.*?)\}$", re.MULTILINE | re.DOTALL)


def locations() -> tuple[set[str], set[str]]:
    """Paths, and beginnings of paths, that are passed on."""
    passed = [(exact, path) for exact, path, body in _LOCATION.findall(SAMPLE) if "pass" in body]
    return {path for exact, path in passed if exact}, {path for exact, path in passed if not exact}


def plain_nginx(folder: Path, port: int, gateway_port: int) -> Path:
    """A whole configuration with the sample in it."""
    site = re.sub(r"^    (listen \[::\]|ssl_).*\n", "", SAMPLE, flags=re.MULTILINE)
    site = site.replace("listen 443 ssl;", f"listen 127.0.0.1:{port};")
    site = site.replace("127.0.0.1:8080", f"127.0.0.1:{gateway_port}")
    (folder / "site.conf").write_text(site, "utf-8")
    temporary = "".join(
        f"    {name}_temp_path {folder / name};\n"
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    whole = folder / "nginx.conf"
    whole.write_text(
        f"daemon off;\npid {folder / 'pid'};\nerror_log stderr;\nevents {{}}\n"
        f"http {{\n    access_log off;\n{temporary}    include {folder / 'site.conf'};\n}}\n",
        "utf-8",
    )
    return whole
