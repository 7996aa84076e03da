"""A pipeline that somebody else runs, as a target: reached by URLs and keys, filled for the run, emptied after it.

Nothing is started here. What was made is removed when the run stops; what a crash leaves is removed by
`loadtests target clean`, which knows everything from the run id.
"""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final, NoReturn

import psycopg

from loadtests.checks.readiness import diagnose
from loadtests.scenario.population import Population
from loadtests.targets import residents
from loadtests.targets.accounts import Accounts, Pair
from loadtests.targets.given_people import read_people
from loadtests.targets.provision import provision, reach, remove, residue, where_ids_are_numbers
from loadtests.targets.provision_rest import Project, new_passwords
from loadtests.targets.readiness import LOOK_WITHIN_S, Probe, has_event_by_rest
from loadtests.targets.renewal import write_pair
from loadtests.targets.routes_in_use import use_of
from loadtests.targets.session_keeper import SessionKeeper, keep_nothing
from loadtests.targets.sessions import sessions_of, too_many
from loadtests.targets.signing_in import sign_in
from loadtests.targets.target import Renewal, Running, TargetError
from loadtests.targets.target_file import OpenedTarget, way_in
from loadtests.targets.token_times import endings, planned_end_s, users_of
from loadtests.wire.endpoint import Endpoint
from loadtests.wire.tls import client_context
from loadtests.wire.token_limit import TokenLimit
from loadtests.wire.tokens import token_of

_PROBE_TOKEN_S: Final = 600
_log: Final = logging.getLogger(__name__)


class SupabaseTarget:
    """A Supabase project, or a bare Realtime, with its users' own backend."""

    def __init__(self, opened: OpenedTarget) -> None:
        self._opened = opened
        self._population: Population | None = None
        self._keeper: SessionKeeper | None = None

    def wait_ready(self) -> Running:
        """Return where it is. Whether it answers is seen by the first who asks."""
        opened = self._opened
        return Running(
            endpoint=Endpoint(
                api_url=opened.file.api_url,
                routes=opened.file.api.table.to_json(),
                realtime_url=opened.realtime_url,
                realtime_host=opened.file.realtime_host or "",
                anon_key=opened.anon_key,
                service_key=opened.service_key,
                jwt_secret=opened.jwt_secret if opened.file.auth.users == "mint" else "",
                database_url=opened.database_url,
                supabase_url=opened.supabase_url,
                ca_file=opened.ca_file,
            )
        )

    def admit(self, population: Population) -> Endpoint:
        """Make the run's people, sign them in where tokens are not minted, and send one job through all of it."""
        self._greet()
        try:
            endpoint = self._take_in(population)
            self._probe(endpoint, population)
        except TargetError as error:
            self._give_up(population, error)
        return endpoint

    def _greet(self) -> None:
        """Refuse what does not answer before anything is made there, so that nothing has to be removed."""
        way = way_in(self._opened)
        if way == "sql":
            reach(self._opened.database_url)
        elif way == "rest":
            self._project.greet()

    def _give_up(self, population: Population, why: TargetError) -> NoReturn:
        """Remove what was made so far; what goes wrong with that is told too, and does not hide why."""
        self._end_sessions()
        try:
            clean(self._opened, population)
        except TargetError as left:
            self._population = None
            raise TargetError(f"{why}. Besides, {left}") from why
        self._population = None  # not before: whoever is interrupted here has still something to remove
        raise why

    def _take_in(self, population: Population) -> Endpoint:
        endpoint = self.wait_ready().endpoint
        self._population = population
        if self._opened.csv is not None:
            return self._keep_given(endpoint, self._opened.csv, population)
        passwords = new_passwords(population)
        if way_in(self._opened) == "sql":
            self._by_sql(population)
        else:
            self._project.fill(population, self._opened.file.provision, passwords)
        if self._opened.file.auth.users == "password":
            return self._sign_in(endpoint, population, passwords)
        return endpoint

    # ---- sessions

    def _keep_given(self, endpoint: Endpoint, csv: Path, population: Population) -> Endpoint:
        """Keep the sessions of a file's people; each new pair stands in the file before anybody uses it."""
        people = read_people(csv)

        def keep(user_id: str, pair: Pair) -> None:
            write_pair(csv, user_id, access=pair.access, refresh=pair.refresh)

        users = people.tokens if population.given is None else users_of(population.given, population.scenario)
        self._keep(
            {user: people.tokens[user] for user in users},
            people.refresh_tokens if self._opened.supabase_url else {},
            population,
            keep=keep,
        )
        return self._with_newest(endpoint, people.tokens)

    def _sign_in(self, endpoint: Endpoint, population: Population, passwords: Mapping[str, str]) -> Endpoint:
        began_s = time.monotonic()
        with self._accounts() as accounts:
            pairs = sign_in(
                accounts,
                population,
                passwords,
                limit=self._opened.file.auth.limit,
                wait_until_s=lambda at_s: time.sleep(max(0.0, began_s + at_s - time.monotonic())),
                look_at_first=partial(self._refuse_too_many, population),
            )
        tokens = {user_id: pair.access for user_id, pair in pairs.items()}
        self._keep(tokens, {user_id: pair.refresh for user_id, pair in pairs.items()}, population)
        return self._with_newest(endpoint, tokens)

    def _refuse_too_many(self, population: Population, first: Pair) -> None:
        """Refuse a run that outlives more tokens than the project would renew."""
        people = sum(1 for _ in residents.people(population))
        why = too_many(first.access, people, population.scenario, limit=self._limit, now_s=time.time())
        if why is not None:
            raise TargetError(why)

    def _keep(
        self,
        tokens: Mapping[str, str],
        refresh_tokens: Mapping[str, str],
        population: Population,
        keep: Callable[[str, Pair], None] = keep_nothing,
    ) -> None:
        """Keep alive, from now on, the sessions whose tokens end before the run."""
        until_s = planned_end_s(population.scenario, now_s=time.time())
        sessions = sessions_of(endings(tokens, tokens, until_s=until_s), tokens, refresh_tokens)
        if sessions:
            self._keeper = SessionKeeper(
                self._accounts(), sessions, limit=self._limit, margin_s=_margin_s(population), keep=keep
            )
            self._keeper.start()

    def _with_newest(self, endpoint: Endpoint, tokens: Mapping[str, str]) -> Endpoint:
        return endpoint.with_tokens({**tokens, **({} if self._keeper is None else self._keeper.tokens())})

    def _accounts(self) -> Accounts:
        opened = self._opened
        return Accounts(opened.supabase_url, opened.anon_key, verify=client_context(opened.ca_file))

    @property
    def _limit(self) -> TokenLimit:
        return self._opened.file.auth.limit

    def _end_sessions(self) -> None:
        if self._keeper is not None:
            self._keeper.stop()

    # ---- the rest

    def _probe(self, endpoint: Endpoint, population: Population) -> None:
        """Refuse a target in which a change does not come to a screen, in one sentence that says what to mend."""
        if not population.devices:
            return

        def token(user_id: str) -> str:
            expires_at_s = round(time.time() + _PROBE_TOKEN_S)
            return token_of(user_id, given=endpoint.tokens, secret=endpoint.jwt_secret, expires_at_s=expires_at_s)

        first = population.devices[0]
        probe = Probe(
            endpoint=endpoint,
            organization_id=population.organization_id(first.organization),
            author_token=token(population.author_id(first.organization)),
            member_token=token(first.user_id),
            has_event=_looks_for_events(endpoint),
            jobs=population.scenario.organizations.jobs,
            use=use_of(population),
        )
        why = diagnose(probe.observe())
        if why is not None:
            raise TargetError(why)

    def trouble(self) -> str | None:
        """Nothing is known of it beyond what drivers meet, but for the run's sessions."""
        return None if self._keeper is None else self._keeper.trouble()

    def renewals(self) -> Sequence[Renewal]:
        """Return what has become of renewals since the last call."""
        return () if self._keeper is None else self._keeper.news()

    def stop(self) -> None:
        """Renew no more, and remove what the run made."""
        self._end_sessions()
        if self._population is not None:
            clean(self._opened, self._population)

    @property
    def _project(self) -> Project:
        return _project(self._opened)

    def _by_sql(self, population: Population) -> None:
        try:
            provision(self._opened.database_url, population, self._opened.file.provision)
        except psycopg.Error as error:
            why = f"the database did not take the run's people: {error}{where_ids_are_numbers(error.sqlstate)}"
            raise TargetError(why) from error


def _margin_s(population: Population) -> float:
    return population.scenario.subscribers.connection.renewal_margin_s


def _project(opened: OpenedTarget) -> Project:
    return Project(opened.supabase_url, opened.service_key, opened.ca_file)


def clean(opened: OpenedTarget, population: Population) -> None:
    """Remove everything of a run from a target, and make sure that nothing is left.

    Raises:
        TargetError: something is, or it could not be seen; the text says what.

    """
    way, wanted = way_in(opened), opened.file.provision
    if way == "nothing" or population.given is not None:
        return
    if way == "sql":
        try:
            remove(opened.database_url, population, wanted)
            left = residue(opened.database_url, population, wanted)
        except psycopg.Error as error:
            raise TargetError(f"what run {population.run_id} made could not be removed: {error}") from error
    else:
        project = _project(opened)
        project.empty(population, wanted)
        left = project.residue(population, wanted)
    if left:
        told = ", ".join(f"{count} rows of {table}" for table, count in left.items())
        raise TargetError(f"run {population.run_id} has left {told} in the target: remove them by hand")
    _log.info("nothing of run %s is left in the target", population.run_id)


def _looks_for_events(endpoint: Endpoint) -> Callable[[str], bool | None] | None:
    """Return what looks whether there is an event of a job, by the best way that the keys open; None for none."""
    if endpoint.database_url:
        return partial(_has_event, endpoint)
    if endpoint.supabase_url and endpoint.service_key:
        return partial(has_event_by_rest, endpoint)
    return None


def _has_event(endpoint: Endpoint, job: str) -> bool | None:
    query = "select exists (select from public.realtime_events where entity_id = %s)"
    try:
        with psycopg.connect(endpoint.database_url, connect_timeout=LOOK_WITHIN_S) as connection:
            row = connection.execute(query, (job,)).fetchone()
    except psycopg.Error as error:
        _log.warning("whether there is an event of job %s the database does not say: %s", job, error)
        return None
    return bool(row and row[0])
