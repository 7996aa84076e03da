"""What the database itself guarantees: who sees which events, how large and how old they get, what is published."""

import uuid

import psycopg
import pytest

EVENT = """
insert into realtime_events (organization_id, event_type, entity_type, payload)
values (%s, 'job.created', 'job', %s)
"""


@pytest.fixture
def sql(database: str) -> psycopg.Connection:
    """Return the owner's connection, in one transaction."""
    with psycopg.connect(database) as connection:
        yield connection


@pytest.fixture
def member(sql: psycopg.Connection) -> tuple[str, str]:
    """Return a person and their organization, which has one event."""
    person = str(uuid.uuid4())
    sql.execute("insert into auth.users (id) values (%s)", (person,))
    (organization,) = sql.execute("insert into organizations (name) values ('T') returning id::text").fetchone()
    sql.execute("insert into organization_members (user_id, organization_id) values (%s, %s)", (person, organization))
    sql.execute(EVENT, (organization, "{}"))
    return person, organization


def become(sql: psycopg.Connection, role: str, person: str | None = None) -> None:
    """Act as the API roles do: a role, and the claims of a token."""
    claims = "" if person is None else f'{{"sub": "{person}", "role": "{role}"}}'
    sql.execute("select set_config('request.jwt.claims', %s, true)", (claims,))
    sql.execute(f"set local role {role}".encode())


@pytest.mark.parametrize(
    ("role", "who", "seen"),
    [
        ("authenticated", "member", 1),
        ("authenticated", "outsider", 0),
        ("authenticated", "nobody", 0),
        ("anon", "member", 0),
        ("anon", "nobody", 0),
        ("service_role", "nobody", 1),
    ],
)
def test_events_are_seen_by_members_and_the_service_role(
    role: str, who: str, seen: int, sql: psycopg.Connection, member: tuple[str, str]
) -> None:
    """And by nobody else: not an outsider, not without claims, not as anon."""
    become(sql, role, {"member": member[0], "outsider": str(uuid.uuid4()), "nobody": None}[who])

    assert sql.execute("select count(*) from realtime_events").fetchone() == (seen,)


@pytest.mark.parametrize("role", ["authenticated", "anon"])
def test_only_the_service_role_inserts_events(role: str, sql: psycopg.Connection, member: tuple[str, str]) -> None:
    """A member is refused by row-level security, in their own organization too."""
    person, organization = member
    become(sql, role, person)

    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
        sql.execute(EVENT, (organization, "{}"))


def test_the_service_role_inserts_events(sql: psycopg.Connection, member: tuple[str, str]) -> None:
    """It bypasses row-level security."""
    become(sql, "service_role")
    sql.execute(EVENT, (member[1], "{}"))

    assert sql.execute("select count(*) from realtime_events").fetchone() == (2,)


@pytest.mark.parametrize("statement", ["update realtime_events set event_type = 'x'", "delete from realtime_events"])
def test_members_change_no_event(statement: str, sql: psycopg.Connection, member: tuple[str, str]) -> None:
    """No policy lets them."""
    become(sql, "authenticated", member[0])

    assert sql.execute(statement.encode()).rowcount == 0


@pytest.mark.parametrize("table", ["organizations", "organization_members", "jobs", "documents", "audit_logs", "users"])
def test_every_other_table_hides_from_outsiders(table: str, sql: psycopg.Connection, member: tuple[str, str]) -> None:
    """Row-level security is on, and an outsider's answer is empty."""
    sql.execute("insert into users (id) values (%s)", (member[0],))
    sql.execute(
        "insert into jobs (organization_id, client_name, client_type, job_type, location) "
        "values (%s, 'C', 'mixed', 'other', 'L')",
        (member[1],),
    )
    sql.execute(
        "insert into documents (organization_id, job_id, name, file_path, file_size, mime_type) "
        "select organization_id, id, 'n', 'p', 1, 'm' from jobs"
    )
    sql.execute(
        "insert into audit_logs (organization_id, event_name, target_type, target_id) values (%s, 'e', 'job', 'x')",
        (member[1],),
    )
    rows = f"table {table}".encode()
    become(sql, "authenticated", str(uuid.uuid4()))
    outsider = sql.execute(rows).rowcount
    become(sql, "authenticated", member[0])

    assert (outsider, sql.execute(rows).rowcount) == (0, 1)


def test_a_payload_beyond_two_kibibytes_is_refused(sql: psycopg.Connection, member: tuple[str, str]) -> None:
    """2,048 bytes of text are stored, one more is not."""
    sql.execute(EVENT, (member[1], '{"a": "%s"}' % ("x" * (2048 - 9))))

    with pytest.raises(psycopg.errors.CheckViolation, match="payload_at_most_2_kib"):
        sql.execute(EVENT, (member[1], '{"a": "%s"}' % ("x" * (2049 - 9))))


def test_events_are_cleaned_up_after_a_day(sql: psycopg.Connection, member: tuple[str, str]) -> None:
    """The function says how many it removed; younger events stay."""
    sql.execute(EVENT, (member[1], "{}"))
    sql.execute(
        "update realtime_events set created_at = now() - interval '24 hours 1 second' "
        "where id = (select id from realtime_events limit 1)"
    )
    become(sql, "service_role")
    removed = sql.execute("select cleanup_old_realtime_events()").fetchone()

    assert (removed, sql.execute("select count(*) from realtime_events").fetchone()) == ((1,), (1,))


def test_a_call_cleans_up_no_more_than_it_is_told_to(sql: psycopg.Connection, member: tuple[str, str]) -> None:
    """Of three old events two go first; whoever sees fewer than asked for is done."""
    for _ in range(2):
        sql.execute(EVENT, (member[1], "{}"))
    sql.execute("update realtime_events set created_at = now() - interval '25 hours'")
    removed = [sql.execute("select cleanup_old_realtime_events('24 hours', 2)").fetchone() for _ in range(2)]

    assert removed == [(2,), (1,)]


def test_old_notifications_go_with_their_deliveries(sql: psycopg.Connection, member: tuple[str, str]) -> None:
    """Younger ones stay."""
    for age in ("25 hours", "1 hour"):
        sql.execute(
            "with o as (insert into push_outbox (organization_id, kind, job_id, entity_id, created_at) "
            "values (%s, 'job_flagged', gen_random_uuid(), 'x', now() - %s::interval) returning id) "
            "insert into push_deliveries (notification_id, token) select id, 'ab' from o",
            (member[1], age),
        )
    removed = sql.execute("select cleanup_old_push_notifications()").fetchone()

    assert removed == (1,)
    assert sql.execute("select count(*) from push_deliveries").fetchone() == (1,)


@pytest.mark.parametrize("table", ["push_outbox", "push_deliveries"])
def test_the_outbox_is_the_backends_alone(table: str, sql: psycopg.Connection, member: tuple[str, str]) -> None:
    """No member reads it."""
    sql.execute(
        "with o as (insert into push_outbox (organization_id, kind, job_id, entity_id) "
        "values (%s, 'job_flagged', gen_random_uuid(), 'x') returning id) "
        "insert into push_deliveries (notification_id, token) select id, 'ab' from o",
        (member[1],),
    )
    become(sql, "authenticated", member[0])

    assert sql.execute(f"table {table}".encode()).rowcount == 0


def test_members_may_not_clean_up(sql: psycopg.Connection, member: tuple[str, str]) -> None:
    """The function is the service role's."""
    become(sql, "authenticated", member[0])

    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        sql.execute("select cleanup_old_realtime_events()")


@pytest.mark.usefixtures("member")
def test_events_are_published_and_go_with_their_organization(sql: psycopg.Connection) -> None:
    """Nothing else is in the publication."""
    published = sql.execute(
        "select schemaname, tablename from pg_publication_tables where pubname = 'supabase_realtime'"
    ).fetchall()
    sql.execute("delete from organizations")

    assert published == [("public", "realtime_events")]
    assert sql.execute("select count(*) from realtime_events").fetchone() == (0,)


def test_audit_rows_are_never_changed(sql: psycopg.Connection, member: tuple[str, str]) -> None:
    """Not even by the owner."""
    sql.execute(
        "insert into audit_logs (organization_id, event_name, target_type, target_id) values (%s, 'e', 'job', 'x')",
        (member[1],),
    )

    with pytest.raises(psycopg.errors.RestrictViolation, match="never changed"):
        sql.execute("update audit_logs set event_name = 'other'")


def test_the_caller_is_read_from_the_claims(sql: psycopg.Connection, member: tuple[str, str]) -> None:
    """And without claims there is none."""
    caller = "select auth.uid()::text, auth.role(), auth.jwt() ->> 'sub'"
    nobody = sql.execute(caller).fetchone()
    become(sql, "authenticated", member[0])

    assert nobody == (None, None, None)
    assert sql.execute(caller).fetchone() == (member[0], "authenticated", member[0])
