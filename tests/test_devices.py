from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from kitamae import devices
from kitamae.kernel.context.jsonld import CORE
from kitamae.kernel.people.policy import Policy
from kitamae.loading import NotLoaded
from kitamae.sdk.city import City
from kitamae.settings import Settings

KAGA = City.read(Path(__file__).resolve().parents[1] / "cities" / "kaga")
NO_STORE: Any = SimpleNamespace()
NO_REGISTRATIONS: Any = SimpleNamespace()


def heard(tmp_path: Path, policy: Policy, mqtt: str = "mqtt://127.0.0.1:1883", store: str = "") -> Any:
    settings = Settings(data=tmp_path, mqtt=mqtt, store=store)
    return devices.subscriber(settings, KAGA, NO_STORE, CORE, policy, NO_REGISTRATIONS, "city-1")


def test_devices_whose_type_nobody_declared_are_not_listened_to(tmp_path: Path) -> None:
    with pytest.raises(NotLoaded, match=r"declares the entity type .*RiverGauge"):
        heard(tmp_path, Policy(declared=frozenset()))
    assert heard(tmp_path, Policy(declared=frozenset({CORE.expand("RiverGauge")})))


def test_an_address_that_is_none_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotLoaded, match="mqtt"):
        heard(tmp_path, Policy(), "nowhere")


def test_workers_of_one_database_share_a_session_and_two_directories_do_not(tmp_path: Path) -> None:
    policy = Policy(declared=frozenset({CORE.expand("RiverGauge")}))
    one, two = tmp_path / "one", tmp_path / "two"
    shared = [heard(place, policy, store="postgresql://db/kaga").identifier for place in (one, two)]
    assert shared[0] == shared[1]
    assert heard(one, policy).identifier != heard(two, policy).identifier
