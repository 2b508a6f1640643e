"""The verdict, by what the systems hold and what callers were told."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from tests.simulation.process import Reply
from tests.simulation.world import World

__all__ = [
    "Person",
    "Told",
    "judge_links",
    "judge_mails",
    "judge_members",
    "judge_points",
    "judge_promises",
    "judge_records",
    "judge_told",
]


@dataclass(frozen=True, slots=True)
class Told:
    """One request of a person and what was answered; `key` is its idempotency key. `asked` and
    `heard` are the loop's time.
    """

    body: dict[str, Any]
    key: str | None
    later: bool
    reply: Reply
    asked: float
    heard: float


@dataclass(slots=True)
class Person:
    """Whose e-mail this is, and everything they were told."""

    email: str
    phone: str
    told: list[Told] = field(default_factory=list)

    def answers(self, *statuses: int) -> list[Told]:
        return [each for each in self.told if each.reply.status in statuses]


def judge_told(world: World, people: Iterable[Person], deleted: Iterable[int] = ()) -> None:
    """What was answered stands: 201 has a customer with that data, one key one answer."""
    gone = set(deleted)
    for person in people:
        held = world.shopify.store.by_email(person.email)
        for told in person.answers(201):
            gid = told.reply.body["shopify_customer_id"]
            number = int(gid.rpartition("/")[2])
            if number not in world.shopify.customers and number not in gone:
                world.find("lost", f"{person.email} was told of {gid}, whom Shopify does not have")
        _one_person_one_answer(world, person)
        _same_key_same_answer(world, person)
        _nobody_is_turned_away(world, person)
        answered = person.answers(201)
        wanted = {t.body["first_name"] for t in person.answers(202) + answered if not _of(t, gone)}
        if held is not None and answered and wanted and held.first_name not in wanted:
            world.find("old data", f"{person.email}: told {wanted}, Shopify has {held.first_name}")


def _of(told: Told, gone: set[int]) -> bool:
    gid = told.reply.body["shopify_customer_id"] or ""
    return bool(gid) and int(gid.rpartition("/")[2]) in gone


def _one_person_one_answer(world: World, person: Person) -> None:
    """Of one customer one registration is told. One that was promised, and whose data was mended
    since, shows what became of the newer.
    """
    registrations: dict[str, dict[str, str]] = defaultdict(dict)
    for told in person.answers(201):
        body = told.reply.body
        registrations[body["shopify_customer_id"]].setdefault(body["id"], told.body["first_name"])
    for gid, names in registrations.items():
        if len(set(names.values())) > 1:
            world.find("taken over", f"{gid} was told to {sorted(names.values())}")


def _nobody_is_turned_away(world: World, person: Person) -> None:
    """Registered already is only who was told so, or is just being told in answer to another
    request; of an answer that was cut nobody knows.
    """
    known = min((each.asked for each in person.answers(0, 201, 202)), default=float("inf"))
    for told in person.answers(409):
        if told.reply.body["type"] == "already-registered" and told.heard < known:
            world.find("turned away", f"{person.email}: registered already, and never told so")


async def judge_promises(world: World, people: Iterable[Person]) -> None:
    """Who was told 202 is registered, or was registered already."""
    for person in people:
        for told in person.answers(202):
            shown = await world.ask("GET", f"/v1/registrations/{told.reply.body['id']}")
            status = shown.body.get("status") if shown.body else None
            problem = (shown.body or {}).get("problem") or {}
            kept = shown.status == 200 and status in {"complete", "partial"}
            if not kept and problem.get("type") != "already-registered":
                world.find("promise broken", f"{person.email}: {shown.status} {status} {problem}")


def _same_key_same_answer(world: World, person: Person) -> None:
    answers: dict[str, set[str]] = defaultdict(set)
    for told in person.answers(201):
        if told.key is not None:
            answers[told.key].add(told.reply.body["id"])
    for key, ids in answers.items():
        if len(ids) > 1:
            world.find("two answers", f"{person.email} with key {key}: {sorted(ids)}")


def judge_records(world: World, people: Iterable[Person] = ()) -> None:
    """Each customer is one member and one contact, where the flags are on."""
    _once(world)
    ours = {each.email for each in people}
    for customer in world.shopify.customers.values():
        if customer.email is None or (ours and customer.email not in ours):
            continue
        who = f"customer {customer.id} ({customer.email})"
        number = str(customer.id)
        member = world.smaregi.members.with_code(number)
        if world.settings["FLAG_SMAREGI"] != "on":
            pass
        elif member is None:
            world.find("undelivered", f"{who} is no member")
        elif (world.smaregi.members[member]["mailAddress"] or "").lower() != customer.email:
            world.find("wrongly linked", f"{who}: member {member} is somebody else's")
        elif world.smaregi.members[member]["status"] != "0":
            world.find("withdrawn", f"{who}: member {member} has left the store")
        if world.settings["FLAG_CRM"] != "on":
            continue
        contacts = [c for c in _contacts(world) if c.get("shopify_customer_id") == number]
        if not contacts:
            world.find("undelivered", f"{who} is no contact")
        elif contacts[0].get("email") != customer.email:
            world.find("wrongly linked", f"{who}: the contact is {contacts[0].get('email')}'s")


def judge_mails(world: World) -> None:
    """Everybody got a welcome, or the very same one again."""
    for customer in world.shopify.customers.values():
        ids = {m.message_id for m in world.post.messages if customer.email in m.recipients}
        if len(ids) != 1:
            world.find("mails", f"{customer.email} got {len(ids)} different mails")


def judge_points(world: World) -> None:
    """What the till gave is there, and never more than that was, at any moment of the run."""
    store = world.smaregi
    held, due = store.has(store.members), store.due_of(store.members)
    if held != due:
        world.find("points", f"all members together have {held}, due are {due}")
    if store.highest:
        world.find("points", f"at one moment there were {store.highest} more than were given")


def judge_links(world: World) -> None:
    """At rest, whoever Shopify has and we hold for linked is: one customer, one record, which
    carries their number.
    """
    sql = "SELECT channel, customer_id, reference, old_number FROM links"
    owners: dict[tuple[str, str], list[int]] = defaultdict(list)
    for channel, customer, reference, old_number in world.disk.image.execute(sql).fetchall():
        if customer not in world.shopify.customers:
            continue
        owners[channel, reference].append(customer)
        if str(customer) not in _numbers(world, channel, reference):
            world.find("links", f"{channel} {reference} does not carry the number {customer}")
        if channel == "smaregi" and old_number == str(customer):
            world.find("links", f"member {reference}: its customer's number is put down as its own")
    for (channel, reference), customers in owners.items():
        if len(customers) > 1:
            world.find("links", f"{channel} {reference} is linked to {customers}")


def judge_members(world: World) -> None:
    """Each customer is linked to a member who is one of the store's."""
    sql = "SELECT reference FROM links WHERE channel = 'smaregi' AND customer_id = ?"
    for customer in world.shopify.customers:
        row = world.disk.image.execute(sql, (customer,)).fetchone()
        if row is None:
            world.find("undelivered", f"customer {customer} is no member")
        elif world.smaregi.members[int(row[0])]["status"] != "0":
            world.find("withdrawn", f"customer {customer}: member {row[0]} has left the store")


def _numbers(world: World, channel: str, reference: str) -> set[str | None]:
    if channel == "smaregi":
        row = world.smaregi.members.row(int(reference)) or {}
        return {row.get("customerCode"), row.get("customerNo")}
    if channel == "crm":
        contact = world.hubspot.contacts.get(int(reference))
        return {contact.properties.get("shopify_customer_id")} if contact else set()
    return {str(customer) for customer in world.shopify.customers}


def judge_consent(world: World) -> None:
    """At rest, whoever opted out in Shopify is opted out everywhere."""
    for customer in world.shopify.customers.values():
        number, wanted = str(customer.id), customer.consent.state == "SUBSCRIBED"
        for contact in world.hubspot.contacts.values():
            held = contact.properties
            is_theirs = held.get("shopify_customer_id") == number and not contact.archived
            if is_theirs and (held.get("accepts_marketing") == "true") != wanted:
                world.find("consent", f"{number}: the contact's is not {wanted}")
        member = world.smaregi.members.with_code(number)
        given = member is not None and world.smaregi.members[member]["mailReceiveFlag"] == "1"
        if given and not wanted:
            world.find("consent", f"{number}: the member's is given, Shopify's is not")


def _once(world: World) -> None:
    members: dict[str, list[int]] = defaultdict(list)
    for member_id in world.smaregi.members:
        email = world.smaregi.members[member_id]["mailAddress"]
        if email and world.smaregi.members[member_id]["status"] == "0":
            members[email.lower()].append(member_id)
    contacts: dict[str, list[str]] = defaultdict(list)
    for contact in _contacts(world):
        contacts[contact["email"]].append(contact.get("shopify_customer_id", ""))
    for email, ids in members.items():
        if len(ids) > 1:
            world.find("two members", f"{email}: {ids}")
    for email, owners in contacts.items():
        if len(owners) > 1:
            world.find("two contacts", f"{email}: {owners}")


def _contacts(world: World) -> list[dict[str, str]]:
    return [
        {name: value for name, value in contact.properties.items() if value}
        for contact in world.hubspot.contacts.values()
        if not contact.archived and contact.properties.get("email")
    ]
