"""What every system holds, as JSON for the page and for a judge in another process."""

from itertools import islice
from typing import Any

from gateway.sandbox.hubspot import Contact
from gateway.sandbox.hubspot.contacts import moment
from gateway.sandbox.mail import Mail
from gateway.sandbox.shopify.orders import Order
from gateway.sandbox.shopify.records import Customer, iso
from gateway.sandbox.systems import Systems


def snapshot(systems: Systems, limit: int | None) -> dict[str, Any]:
    """Each system's `count` and its newest `records` (all for None), and what is switched."""
    customers = systems.shopify.customers
    members = systems.smaregi.members
    contacts = [each for each in systems.hubspot.contacts.values() if not each.archived]
    messages = systems.mail.messages
    chosen = len(members) if limit is None else limit
    return {
        "shopify": {
            "count": len(customers),
            "url": systems.shopify.url,
            "records": [_customer(each) for each in _newest(customers.values(), limit)],
            "orders": [
                _order(each) for each in _newest(systems.shopify.orders.rows.values(), limit)
            ],
        },
        "smaregi": {
            "count": len(members),
            "url": systems.smaregi.api_url,
            "records": [{"customerId": str(i), **row} for i, row in members.newest(chosen)],
            "transactions": _newest(systems.smaregi.transactions.rows.values(), limit),
        },
        "crm": {
            "count": len(contacts),
            "url": systems.hubspot.url,
            "records": [_contact(each) for each in _newest(contacts, limit)],
        },
        "email": {
            "count": len(messages),
            "url": f"smtp://{systems.mail.host}:{systems.mail.port}",
            "records": [_mail(each) for each in _newest(messages, limit)],
        },
        "faults": systems.faults.listing(),
        "delays": systems.delays.listing(),
        "counts": systems.journal.counts(),
        "gateway": {
            "url": systems.storefront.url,
            "console": systems.storefront.console,
            "has_key": systems.storefront.key() is not None,
        },
    }


def _newest(records: Any, limit: int | None) -> list[Any]:
    return list(islice(reversed(records), limit))


def _customer(customer: Customer) -> dict[str, Any]:
    address = customer.default_address
    return {
        "id": customer.gid,
        "email": customer.email,
        "phone": customer.phone,
        "firstName": customer.first_name,
        "lastName": customer.last_name,
        "locale": customer.locale,
        "state": customer.state,
        "tags": customer.tags,
        "marketing": customer.consent.state,
        "address": None
        if address is None
        else [address.zip, address.province_code, address.city, address.address1, address.address2],
        "metafields": {
            f"{each.namespace}.{each.key}": each.value for each in customer.metafields.values()
        },
        "createdAt": iso(customer.created_at),
        "updatedAt": iso(customer.updated_at),
    }


def _order(order: Order) -> dict[str, Any]:
    return {
        "id": order.gid,
        "customer": order.customer_id,
        "status": order.financial_status,
        "cancelled": order.cancelled_at is not None,
        "subtotal": order.subtotal,
        "total": order.total,
        "net_payment": order.net_payment,
        "codes": order.discount_codes,
        "first": order.lines[0].current_quantity if order.lines else 0,
        "createdAt": iso(order.created_at),
        "updatedAt": iso(order.updated_at),
    }


def _contact(contact: Contact) -> dict[str, Any]:
    return {
        "id": str(contact.id),
        "properties": contact.properties,
        "createdAt": moment(contact.created_at),
        "updatedAt": moment(contact.updated_at),
    }


def _mail(mail: Mail) -> dict[str, Any]:
    return {
        "time": moment(mail.time),
        "from": mail.sender,
        "to": list(mail.recipients),
        "subject": mail.subject,
        "messageId": mail.message_id,
        "html": mail.page(),
        "text": mail.body("plain"),
    }
