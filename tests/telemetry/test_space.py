"""What the metrics say of the database's disk."""

from gateway.telemetry.metrics import Metrics


def test_a_disk_that_cannot_be_seen_is_no_full_one() -> None:
    metrics = Metrics()
    metrics.set_space(7, None)
    lines = metrics.text().decode().splitlines()
    assert "gateway_database_bytes 7.0" in lines
    assert "gateway_disk_free_bytes NaN" in lines
