-- The push signals: one small row for each mutation. Members read their organization's rows, the backend alone
-- inserts, and rows live for a day. Nothing reads this table to catch up: a signal only says what to fetch again.
create table public.realtime_events (
    id uuid primary key default gen_random_uuid(),
    organization_id uuid not null references public.organizations (id) on delete cascade,
    event_type text not null,
    entity_type text not null,
    entity_id text,
    payload jsonb,
    dedupe_key text,
    created_at timestamptz not null default now(),
    created_by uuid references auth.users (id),
    constraint payload_at_most_2_kib check (octet_length(payload::text) <= 2048)
);

create index realtime_events_of_organization on public.realtime_events (organization_id, created_at desc);
create index realtime_events_of_entity on public.realtime_events (entity_type, entity_id)
    where entity_id is not null;
create index realtime_events_of_type on public.realtime_events (event_type);
-- Not unique: the key labels what might be coalesced and holds nothing back.
create index realtime_events_dedupe on public.realtime_events (dedupe_key) where dedupe_key is not null;

alter table public.realtime_events enable row level security;

create policy members_read_events on public.realtime_events
    for select to authenticated
    using (organization_id in (
        select m.organization_id from public.organization_members m where m.user_id = (select auth.uid())
    ));

-- The service role bypasses row-level security; for everybody else the answer is no.
create policy only_the_backend_inserts on public.realtime_events
    for insert
    with check (false);

-- A call removes at most so many rows, the oldest pages first: whoever cleans up calls again until fewer are
-- removed, and no call holds its locks for long while events flow.
create function public.cleanup_old_realtime_events(
    keep interval default interval '24 hours', at_most bigint default 10000
) returns bigint
language plpgsql
as $$
declare
    removed bigint;
begin
    delete from public.realtime_events where ctid = any (array(
        select ctid from public.realtime_events where created_at < now() - keep limit at_most
    ));
    get diagnostics removed = row_count;
    return removed;
end
$$;
