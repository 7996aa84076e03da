"""The target by itself: who is in it before anybody comes."""

from dataclasses import replace

from loadtests.target_up import TargetUp, _options, _population, _tokens
from loadtests.targets.embedded import settings_from


def wanted(*, organizations: int, users: int) -> TargetUp:
    """Return what a person may ask for."""
    return TargetUp(
        api_port=0, realtime_port=0, gateway_port=0, database_url=None, organizations=organizations, users=users
    )


def test_each_token_is_another_users() -> None:
    """Spread over the organizations."""
    people = _population(wanted(organizations=2, users=5))

    assert len(set(_tokens("a secret that is long enough for HS256", people))) == 5
    assert {device.organization for device in people.subscribers} == {0, 1}


def test_a_target_may_have_no_users() -> None:
    """Its owner makes them."""
    assert _tokens("any", _population(wanted(organizations=1, users=0))) == []


def test_tokens_of_those_who_sign_in_last_as_long_as_was_asked_for() -> None:
    """So that renewals can be seen in a minute."""
    settings = settings_from(_options(replace(wanted(organizations=1, users=1), token_lifetime_s=20)))

    assert (settings.gateway, settings.accounts.token_lifetime_s) == (True, 20)


def test_two_targets_on_one_database_do_not_collide() -> None:
    """Everything gets identifiers of its own."""
    one, other = (_population(wanted(organizations=1, users=1)) for _ in range(2))

    assert one.organization_id(0) != other.organization_id(0)


def test_a_target_may_read_and_refuse_as_a_hosted_project_does() -> None:
    """Feed and plan are Realtime's, as in a scenario."""
    hosted = replace(wanted(organizations=1, users=1), feed="supabase", plan="pro")
    settings = settings_from(_options(hosted)).to_json()

    assert (settings["realtime"]["feed"], settings["realtime"]["plan"]) == ("supabase", "pro")
