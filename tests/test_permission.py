"""Whether a run may begin."""

import pytest

from loadtests.checks.guard import Caps, GuardError
from loadtests.dry_run import DryRun, dry_run
from loadtests.permission import Request, permit
from loadtests.scenario.model import Scenario
from loadtests.targets.allowed_hosts import AllowList

HOST = "abc.supabase.co"
LIST = AllowList(hosts=frozenset({HOST}), where="allowed-hosts.txt")


def told(subscribers: int = 400, mutations_per_s: float = 5) -> DryRun:
    """Return the dry run on the paid plan."""
    scenario = Scenario.model_validate(
        {
            "name": "any",
            "question": "What is the answer?",
            "subscribers": {"count": subscribers, "control": 0},
            "phases": [{"name": "steady", "duration_s": 300, "mutations_per_s": mutations_per_s}],
        }
    )
    return dry_run(scenario, target=HOST, plan="pro")


def refused(load: DryRun, request: Request) -> str:
    """Return why it must not begin."""
    with pytest.raises(GuardError) as caught:
        list(permit(load, request))
    return str(caught.value)


def test_a_stranger_is_refused_before_anything_else() -> None:
    """Neither caps nor plans of a host that must not be loaded matter."""
    request = Request(urls=["https://other.example.org"], allow_list=LIST, confirmed=(HOST,), caps=Caps(connections=1))

    assert "must not be put under load" in refused(told(), request)


def test_what_the_plan_discards_in_silence_is_refused_with_what_would_fit() -> None:
    """Unless it is forced: then it is told as it begins."""
    request = Request(urls=[f"https://{HOST}"], allow_list=LIST, confirmed=(HOST,))
    forced = Request(urls=request.urls, allow_list=LIST, confirmed=(HOST,), is_forced=True)

    assert "fewer than 1.25 mutations/s" in refused(told(), request)
    (note,) = permit(told(), forced)
    assert note.startswith("messages/s: changes are silently discarded")


def test_nothing_forces_a_cap() -> None:
    """It is the owner's."""
    request = Request(
        urls=[f"https://{HOST}"],
        allow_list=LIST,
        confirmed=(HOST,),
        caps=Caps(connections=100),
        caps_stand_in="my.toml, [limits]",
        is_forced=True,
    )

    assert "beyond the caps in my.toml, [limits]: connections = 100 and it asks for 400" in refused(told(), request)


def test_a_proxy_that_is_not_used_is_told_as_it_begins() -> None:
    """By the name of its variable."""
    environment = {"HTTPS_PROXY": "http://proxy:3128"}
    request = Request(urls=[f"https://{HOST}"], allow_list=LIST, confirmed=(HOST,), environment=environment)

    (note,) = permit(told(100, 0.5), request)

    assert note.startswith("HTTPS_PROXY names a proxy")


def test_this_machine_needs_no_permission() -> None:
    """Nor does its plan matter: a scenario may ask what a plan's discards look like."""
    request = Request(
        urls=["http://127.0.0.1:1", ""], allow_list=AllowList(hosts=frozenset(), where=""), keeps_plan=False
    )

    assert list(permit(told(), request)) == []


def test_a_load_that_fits_begins_without_a_word() -> None:
    """Allowed, confirmed, within all limits."""
    request = Request(urls=[f"https://{HOST}"], allow_list=LIST, confirmed=(HOST,))

    assert list(permit(told(100, 0.5), request)) == []
