"""Mends taken out again, one at a time: the simulation must find each, and does so in seconds.

A mend is named by what goes wrong without it. It is taken out by changing the text of functions,
so that a change of the code that passes by these lists fails here and not silently.
"""

from tests.simulation.faults.deliveries import DELIVERIES
from tests.simulation.faults.members import MEMBERS
from tests.simulation.faults.points import POINTS
from tests.simulation.faults.sign_ups import SIGN_UPS
from tests.simulation.faults.taking_out import Change, Fault, hunt, without

__all__ = ["FAULTS", "Change", "Fault", "hunt", "without"]

FAULTS: tuple[Fault, ...] = (*SIGN_UPS, *DELIVERIES, *MEMBERS, *POINTS)
