"""Mends of deliveries: kept back, given up, timed, told."""

from tests.simulation.faults.taking_out import Change, Fault

__all__ = ["DELIVERIES"]


DELIVERIES: tuple[Fault, ...] = (
    Fault(
        "10 an opt-out is never sent that its flag kept back once",
        "opting_out",
        (
            Change(
                "gateway.store.outbox.write:_raise_open",
                "ELSE urgent END, kept_back = 0,",
                "ELSE urgent END,",
            ),
        ),
    ),
    Fault(
        "11 what was owed to a merged customer is given up",
        "merged",
        (
            Change(
                "gateway.store.erasure:move_deliveries",
                "AND message = ?3",
                "AND message = ?3 AND 0",
            ),
            Change(  # who is told of the survivor afterwards would see to it as well
                "gateway.sync.webhooks.shopify:CustomerEvents._piece",
                "await self._present(customer, age)",
                "pass",
            ),
        ),
    ),
    Fault(
        "15 an outcome that cannot be written keeps its delivery busy",
        "begun_anew",
        (
            Change(
                "gateway.store.outbox.settle:_settle_sql",
                "uncounted ELSE 0 END,",
                "uncounted ELSE attempts - e.uncounted END,",
            ),
            Change(
                "gateway.delivery.settling:AttemptResults.settle",
                "except Exception as error:",
                "except ZeroDivisionError as error:",
            ),
        ),
    ),
    Fault(
        "16 one customer whom Shopify cannot give holds up all who are read with them",
        "unreadable",
        (
            Change(
                "gateway.shopify.batches:Batches.read_each",
                "if not _may_be_of_one(error):",
                "if True:",
            ),
        ),
    ),
    Fault(
        "17 our own pace counts against customers",
        "burst",
        (Change("gateway.wire.pausable_timeout:own_pace", "if patience is None:", "if True:"),),
    ),
    Fault(
        "18 a fast channel's outcome waits for a slow one's",
        "slow_channel",
        (
            Change(
                "gateway.delivery.deliverer:Deliverer.live",
                "await ends.ended_together(until)",
                "(await asyncio.wait(running, timeout=min(until - loop.time(), 0.25)))[0]",
            ),
        ),
    ),
    Fault(
        "19 a clock jump puts the next try off by the jump as well",
        "clock",
        (
            Change(
                "gateway.delivery.settling:AttemptResults._write",
                "await self._clock_jumps.follow()",
                "pass",
            ),
            Change(
                "gateway.delivery.settling:AttemptResults.postpone",
                "await self._clock_jumps.follow()",
                "pass",
            ),
        ),
    ),
    Fault(
        "23 exit 0 while customers wait",
        "backfill",
        (
            Change(
                "gateway.sync.backfill.run:Backfill._go",
                "until_stored(give_back)",
                "give_back()",
            ),
            Change(
                "gateway.sync.backfill.run:Backfill._run",
                "await self._give_back(options.channel)",
                "pass",
            ),
        ),
    ),
)
