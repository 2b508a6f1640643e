"""Parameters that several commands share."""

from typing import Any

import click

__all__ = ["Customer"]


class Customer(click.ParamType[int]):
    name = "customer"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        from gateway.customer import numeric_id  # noqa: PLC0415 - --help stays quick

        try:
            return numeric_id(str(value))
        except ValueError:
            self.fail("should be a Shopify customer id, such as 7000000000001", param, ctx)
