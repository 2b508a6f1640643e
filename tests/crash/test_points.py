"""The judge of points sees what it is there to see; no gateway runs here."""

from collections import Counter
from collections.abc import Callable, Iterator
from random import Random

import pytest

from gateway.sandbox import Sandbox
from gateway.sandbox.shopify.discounts import DiscountCodeBasic
from gateway.sandbox.shopify.orders import Order
from tests.crash.held import Verdict
from tests.crash.people import people
from tests.crash.points import Purses, judge_points
from tests.crash.till import Till
from tests.store.memory import a_connection

_CODE = "ABCDEFGH22"


class Scene:
    """A member has bought something online for 5120 yen, of which 120 points paid a part; each as
    it should be.
    """

    def __init__(self) -> None:
        self.db = a_connection()
        self.sandbox = Sandbox()
        self.smaregi, self.orders = self.sandbox.smaregi, self.sandbox.shopify.orders
        self.till = Till(self.sandbox, [])
        self.customer = self.sandbox.shopify.add_customer(email="a@example.com").id
        self.member = self._member(str(self.customer))
        self.till.give(self.member, 300)
        self.asked: Counter[int] = Counter({self.customer: 1})
        self._reserved()
        made = self.make_code()
        self.order = self.bought(5120, _CODE)
        self.orders.discounts.deactivate(made)
        self.move(f"オンライン注文 {self.order.id}", 51)
        self.move("オンラインポイント利用 1", -120)

    def _member(self, code: str) -> int:
        return self.smaregi.add(lastName="百目鬼", firstName="十四男", customerCode=code)

    def make_code(self) -> DiscountCodeBasic:
        value = {"value": {"discountAmount": {"amount": "120"}}}
        given = {"title": "a", "code": _CODE, "startsAt": "2020-01-01T00:00Z"}
        return self.orders.discounts.create(given | {"customerGets": value}, {self.customer})

    def bought(self, price: int, *codes: str) -> Order:
        order = self.orders.place(self.customer, [price], codes=codes)
        self.db.execute(
            """INSERT INTO points_orders
                   (order_id, customer_id, member_id, state, reason, created_at, updated_at)
               VALUES (?, ?, ?, 'given', '', 0, 0)""",
            (order.id, self.customer, self.member),
        )
        return order

    def _reserved(self) -> None:
        self.db.execute(
            """INSERT INTO points_reservations
                   (id, customer_id, member_id, points, yen, code, state, key_hash, body_hash,
                    tried_at, ended_at, expires_at, created_at, updated_at)
               VALUES (1, ?, ?, 120, 120, ?, 'used', x'01', x'02', 1, 2, 3, 0, 0)""",
            (self.customer, self.member, _CODE),
        )

    def move(self, memo: str, points: int, member: int = 0, uuid: str = "") -> None:
        self.smaregi._points.sale(member or self.member, max(points, 0), max(-points, 0))
        row = next(reversed(self.smaregi.transactions.rows.values()))
        row.update(memo=memo, transactionUuid=uuid or f"E{row['transactionHeadId']}")

    def verdict(self) -> Verdict:
        verdict = Verdict()
        judge_points(self.sandbox, self.db, Purses(self.till, self.asked, {}, {}), verdict)
        return verdict


@pytest.fixture
def scene() -> Iterator[Scene]:
    scene = Scene()
    yield scene
    scene.db.close()


def test_what_was_moved_once_for_each_is_right(scene: Scene) -> None:
    assert scene.verdict().wrong == []


def _given_again(scene: Scene) -> None:
    scene.move(f"オンライン注文 {scene.order.id}", 50)


def _never_given(scene: Scene) -> None:
    scene.bought(5000)


def _taken_again(scene: Scene) -> None:
    scene.move("オンラインポイント利用 1", -30)


def _used_for_nothing(scene: Scene) -> None:
    scene.move("オンラインポイント利用 1", 120)


def _moved_for_nobody(scene: Scene) -> None:
    scene.move("オンラインポイント利用 2", -7)


def _gone_from_the_member(scene: Scene) -> None:
    scene.smaregi.edit(scene.member, point="0")


def _one_number_twice(scene: Scene) -> None:
    scene.move(f"オンライン注文 {scene.order.id}", 5, uuid="E0-1")
    scene.move(f"オンライン注文 {scene.order.id}", -5, uuid="E0-1")


def _of_another_member(scene: Scene) -> None:
    other = scene._member("M1")
    scene.move(f"オンライン注文 {scene.order.id}", 5, other)
    scene.move(f"オンライン注文 {scene.order.id}", -5, other)


def _a_code_that_lives_on(scene: Scene) -> None:
    scene.make_code()


def _nobody_asked(scene: Scene) -> None:
    scene.asked.clear()


def _sent(scene: Scene) -> None:
    _movement(scene, "sent")


def _stuck(scene: Scene) -> None:
    _movement(scene, "stuck")


def _movement(scene: Scene, state: str) -> None:
    scene.db.execute(
        """INSERT INTO points_movements
               (uuid, order_id, number, member_id, points, state, store_id, terminal_id, tran_at,
                next_at, created_at, updated_at, message)
           VALUES ('E1-1', 1, 1, 1, 1, ?, '1', '1', 0, 0, 0, 0, 'twice')""",
        (state,),
    )


def _unread(scene: Scene) -> None:
    scene.db.execute("UPDATE points_orders SET due_at = 1")


def _closing(scene: Scene) -> None:
    scene.db.execute("UPDATE points_reservations SET due_at = 1")


@pytest.mark.parametrize(
    ("damage", "kind", "count"),
    [
        (_given_again, "points given twice", 50),
        (_used_for_nothing, "points given twice", 120),
        (_never_given, "points lost", 50),
        (_taken_again, "points lost", 30),
        (_moved_for_nobody, "points lost", 7),
        (_gone_from_the_member, "points lost", 231),
        (_one_number_twice, "points astray", 1),
        (_of_another_member, "points astray", 1),
        (_a_code_that_lives_on, "points astray", 1),
        (_nobody_asked, "points astray", 1),
        (_sent, "points on their way", 1),
        (_unread, "points on their way", 1),
        (_closing, "points on their way", 1),
        (_stuck, "points stuck", 1),
    ],
)
def test_points_that_are_lost_doubled_or_astray_are_named(
    scene: Scene, damage: Callable[[Scene], None], kind: str, count: int
) -> None:
    damage(scene)
    verdict = scene.verdict()
    assert verdict.counts[kind] == count, verdict.wrong


@pytest.mark.parametrize(("points", "kind"), [(0, ""), (5, "given twice"), (-5, "lost")])
def test_a_merge_of_two_members_keeps_what_both_had(points: int, kind: str) -> None:
    person = next(p for p in people(1000, Random(1)) if p.has_twin and not p.late_card)
    scene = Scene()
    scene.till = till = Till(scene.sandbox, [person])
    till.due[scene.member] = 300
    ((twin, main),) = till.twins.items()
    moved = int(scene.smaregi.members[twin]["point"] or "0")
    held = int(scene.smaregi.members[main]["point"] or "0")
    scene.smaregi.edit(main, point=str(held + moved + points))
    scene.smaregi.edit(twin, point="0", status="4")
    verdict = scene.verdict()
    assert verdict.counts[f"points {kind}"] == abs(points), verdict.wrong
    assert bool(verdict.wrong) == bool(points)
    scene.db.close()


def test_what_a_till_gives_and_takes_is_due(scene: Scene) -> None:
    scene.till.give(scene.member, 30)
    scene.till.sell(scene.member, 4, 100)
    assert scene.verdict().wrong == []
    scene.smaregi.edit(scene.member, point="30")
    assert scene.verdict().counts["points lost"] == 231 + 30 + 4 - 100 - 30
