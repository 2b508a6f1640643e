"""Requests made from the OpenAPI document, right ones and wrong ones, at a whole gateway: no error
of the gateway's own, and no answer that the document does not describe.
"""

import asyncio
import re
import shutil
import sys
from pathlib import Path

import pytest

from tests.world import a_world

CASES = 10_000
_OF_EACH_CALL = 640
"""Besides those that schemathesis derives from each schema's edges."""
_SETTINGS = {
    "GATEWAY_API_KEYS": "the-storefronts-own-key",
    "GATEWAY_METRICS_KEY": "the-metrics-own-key",
    "SHOPIFY_WEBHOOK_SECRET": "nobody signs with this one",
    "SMAREGI_WEBHOOK_SECRET": "the-webhooks-own-secret",
    "GATEWAY_RATE_LIMIT": "1000000",
}


@pytest.mark.long
@pytest.mark.timeout(7200)
async def test_no_request_breaks_the_gateway_or_gets_an_answer_that_is_not_described(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    shutil.copy(Path(__file__).with_name("schemathesis.toml"), tmp_path)
    async with a_world(tmp_path, None, **_SETTINGS) as world:
        fuzzer = await asyncio.create_subprocess_exec(
            Path(sys.executable).with_name("st"),
            *("run", f"{world.url}/openapi.json", "--continue-on-failure"),
            *("--max-examples", str(_OF_EACH_CALL), "--request-timeout", "60", "--no-color"),
            *("--phases", "examples,coverage,fuzzing,stateful", "--suppress-health-check", "all"),
            cwd=tmp_path,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        told = (await fuzzer.communicate())[0].decode()
        key = {"Authorization": f"Bearer {_SETTINGS['GATEWAY_API_KEYS']}"}
        alive = await world.register(number=1, headers=key)
    assert fuzzer.returncode == 0, told
    generated = re.search(r"([\d,]+) generated", told)
    assert generated is not None, told
    assert int(generated[1].replace(",", "")) >= CASES, told
    assert "broke the gateway" not in caplog.text
    assert alive.status == 201
