"""What is mutated, and the tests that are asked: the heart's own, then those at the front door of
what these did not see. A mutant meets those that run its lines.
"""

from pathlib import Path

__all__ = ["ROOT", "TARGETS", "asked_of", "chosen"]

ROOT = Path(__file__).parents[2]


def _tests(folder: str, names: tuple[str, ...]) -> tuple[str, ...]:
    """The files and folders of these subjects: `test_drain.py` and `test_drain_worker.py`."""
    found = [
        path
        for name in names
        for form in (name, f"test_{name}.py", f"test_{name}_*.py")
        for path in sorted((ROOT / folder).glob(form))
    ]
    return tuple(str(path.relative_to(ROOT)) for path in found)


def _heart(*names: str) -> tuple[str, ...]:
    return _tests("tests/delivery", names)


def _sign_up(*names: str) -> tuple[str, ...]:
    return _tests("tests/registration", names)


_FRONT_DOOR = ("tests/e2e", "tests/e2e/trouble/test_storage.py", "tests/e2e/trouble/test_wiped.py")
_OTHERS = ("tests/delivery", "tests/e2e/herd", *_FRONT_DOOR)
_LINE = ("tests/wire/test_line.py", "tests/wire/test_line_promises.py")
_OUTBOX = (
    "tests/store/test_outbox.py",
    "tests/store/outbox",
    "tests/store/test_outbox_listing.py",
    "tests/store/test_paging.py",
)
TARGETS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "gateway/background.py": (("tests/background", *_heart("deliverer", "drain")), _OTHERS),
    "gateway/delivery/attempt.py": (_heart("attempts", "preparing", "waking"), _OTHERS),
    "gateway/delivery/deliverer.py": (_heart("deliverer", "preparing", "waking"), _OTHERS),
    "gateway/delivery/drain.py": (_heart("drain"), _OTHERS),
    "gateway/delivery/ended.py": (_heart("deliverer", "attempts"), _OTHERS),
    "gateway/delivery/opening.py": (_heart("opening"), _OTHERS),
    "gateway/delivery/parts.py": (_heart("deliverer", "preparing"), _OTHERS),
    "gateway/delivery/pump.py": (_heart("pump", "drain", "replaying"), _OTHERS),
    "gateway/delivery/running.py": (_heart("deliverer"), _OTHERS),
    "gateway/delivery/runtime.py": (_heart("runtime", "drain"), _OTHERS),
    "gateway/delivery/settling.py": (_heart("deliverer", "attempts", "waking"), _OTHERS),
    "gateway/delivery/turns.py": (("tests/delivery/test_turns.py",), _OTHERS),
    "gateway/delivery/circuit.py": (_heart("circuit", "gate_numbers"), _OTHERS),
    "gateway/delivery/clock_jumps.py": (
        (*_heart("clock_jumps", "deliverer"), *_sign_up("promises")),
        ("tests/sync/webhooks/test_clock.py", "tests/registration/deferred", *_OTHERS),
    ),
    "gateway/delivery/flag_policy.py": (_heart("preparing"), _OTHERS),
    "gateway/delivery/retry.py": (_heart("policy_numbers", "retry"), _OTHERS),
    "gateway/delivery/proofs.py": (_heart("preparing"), _OTHERS),
    "gateway/delivery/replay.py": (_heart("replaying"), _OTHERS),
    "gateway/delivery/route.py": (_heart("preparing"), _OTHERS),
    "gateway/delivery/worker.py": (_heart("drain"), _OTHERS),
    "gateway/delivery/preparation.py": (_heart("preparing", "attempts"), _OTHERS),
    "gateway/registration/registrar.py": (
        _sign_up("registrar"),
        ("tests/registration/deferred", *_FRONT_DOOR),
    ),
    "gateway/registration/intent.py": (
        _sign_up("standing", "registrar"),
        ("tests/registration/deferred", "tests/rotation"),
    ),
    "gateway/registration/acceptance.py": (
        _sign_up("registrar", "recovery"),
        ("tests/registration/deferred", "tests/e2e"),
    ),
    "gateway/registration/status.py": (
        _sign_up("standing", "registrar"),
        ("tests/registration/deferred", "tests/e2e"),
    ),
    "gateway/registration/recovery.py": (_sign_up("recovery"), _FRONT_DOOR),
    "gateway/registration/deferred_attempt.py": (
        _sign_up("promises"),
        ("tests/registration/deferred", "tests/rotation"),
    ),
    "gateway/registration/deferred.py": (
        _sign_up("promises"),
        ("tests/registration/deferred", "tests/rotation"),
    ),
    "gateway/store/outbox/write.py": (_OUTBOX, ("tests/store", "tests/delivery")),
    "gateway/store/outbox/schedule.py": (
        (*_OUTBOX, *_heart("clock_jumps")),
        ("tests/store", "tests/delivery", "tests/e2e/herd"),
    ),
    "gateway/store/outbox/settle.py": (_OUTBOX, ("tests/store", "tests/delivery")),
    "gateway/store/outbox/queries.py": (
        _OUTBOX,
        ("tests/store", "tests/e2e/test_deliveries_api.py"),
    ),
    "gateway/wire/cost_bucket.py": (
        ("tests/wire/test_limits.py", "tests/wire/test_points_to_the_moment.py", *_LINE),
        (),
    ),
    "gateway/wire/line.py": (_LINE, ()),
    "gateway/wire/limits.py": (
        tuple(f"tests/wire/test_{name}.py" for name in ("limits", "limits_to_the_moment")),
        (),
    ),
}
"""File or folder -> its own tests, of milliseconds each; and those at the front door."""


def chosen(paths: list[str]) -> list[str]:
    """The files of the targets that the paths name, or lie in; all for none."""
    files = [file for target in TARGETS for file in _files(target)]
    named = [file for file in files if not paths or any(_is_in(file, p) for p in paths)]
    for path in paths:
        if not any(_is_in(file, path) for file in files):
            raise ValueError(f"{path} is no file of the targets: {', '.join(TARGETS)}")
    return named


def asked_of(file: str, *, own: bool) -> list[str]:
    """Its own tests, or those at the front door."""
    first, others = next(tests for target, tests in TARGETS.items() if _is_in(file, target))
    return [test for test in (first if own else others) if (ROOT / test).exists()]


def _files(target: str) -> list[str]:
    path = ROOT / target
    files = sorted(path.glob("*.py")) if path.is_dir() else [path]
    return [str(file.relative_to(ROOT)) for file in files if file.name != "__init__.py"]


def _is_in(file: str, path: str) -> bool:
    return Path(file).is_relative_to(path)
