"""Mutations of a customer's addresses, one at a time."""

from collections.abc import Mapping
from typing import Any

from graphql import GraphQLResolveInfo

from gateway.sandbox.shopify.records import Customer, MailingAddress
from gateway.sandbox.shopify.rules import UserError, address_errors
from gateway.sandbox.shopify.session import customer_of, done, of, record_id, refused, require

Info = GraphQLResolveInfo
Payload = dict[str, Any]


def address_create(
    _root: Any,
    info: Info,
    customerId: str,  # noqa: N803 - the schema's name
    address: Mapping[str, Any],
    setAsDefault: bool | None = None,  # noqa: N803
) -> Payload:
    require(info, "write_customers")
    found = customer_of(info, customerId)
    errors = [*address_errors(address, ("address",))]
    if found is None:
        errors = [UserError(("customerId",), "Customer does not exist")]
    if found is None or errors:
        return refused(errors, address=None)
    made = of(info).store.new_address(address)
    found.addresses.append(made)
    return _settle_address(info, found, made, bool(setAsDefault) or len(found.addresses) == 1)


def address_update(
    _root: Any,
    info: Info,
    customerId: str,  # noqa: N803 - the schema's name
    addressId: str,  # noqa: N803
    address: Mapping[str, Any],
    setAsDefault: bool | None = None,  # noqa: N803
) -> Payload:
    require(info, "write_customers")
    found, known = _address(info, customerId, addressId)
    errors = [*address_errors(address, ("address",))]
    if found is None or known is None:
        errors = [UserError(("addressId",), "Address does not exist")]
    if found is None or known is None or errors:
        return refused(errors, address=None)
    of(info).store.new_address(address, known)
    return _settle_address(info, found, known, bool(setAsDefault))


def _settle_address(
    info: Info, owner: Customer, address: MailingAddress, as_default: bool
) -> Payload:
    if as_default:
        owner.default_address_id = address.id
    of(info).store.touch(owner)
    return done(info, owner.gid, address=address)


def default_address(
    _root: Any,
    info: Info,
    customerId: str,  # noqa: N803 - the schema's name
    addressId: str,  # noqa: N803
) -> Payload:
    require(info, "write_customers")
    found, known = _address(info, customerId, addressId)
    if found is None or known is None:
        return refused([UserError(("addressId",), "Address does not exist")], customer=None)
    found.default_address_id = known.id
    of(info).store.touch(found)
    return done(info, found.gid, customer=found)


def _address(info: Info, owner: str, gid: str) -> tuple[Customer | None, MailingAddress | None]:
    found, number = customer_of(info, owner), record_id(gid, "MailingAddress")
    addresses = found.addresses if found else []
    return found, next((each for each in addresses if each.id == number), None)
