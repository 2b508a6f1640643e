"""Where the processor's time of a gateway goes: a clock that is switched from part to part.

Every thread has one such clock, of its own processor time. Whoever enters a part stops the one
before and starts its own; whoever leaves starts the one before again. So each moment belongs to
exactly one part, and the parts of a thread add up to what the thread took.
"""
