-- Push notifications to devices, for the few things that must reach a person whose app is closed. The mutation
-- that causes one writes it to the outbox in its own transaction; the sender addresses it to the organization's
-- devices, one delivery each, and sends those until they are accepted, refused for good, or too old.
create table public.device_tokens (
    token text primary key,
    user_id uuid not null references auth.users (id) on delete cascade,
    platform text not null check (platform in ('ios')),
    registered_at timestamptz not null default now()
);

create index device_tokens_of_user on public.device_tokens (user_id);

create table public.push_outbox (
    id uuid primary key default gen_random_uuid(),
    organization_id uuid not null references public.organizations (id) on delete cascade,
    kind text not null check (kind in ('proof_pack_ready', 'job_flagged', 'compliance_violation')),
    job_id uuid not null,
    entity_id text not null,
    caused_by uuid,
    created_at timestamptz not null default now(),
    addressed_at timestamptz
);

create index push_outbox_unaddressed on public.push_outbox (created_at) where addressed_at is null;

-- `apns_id` names a delivery to the push service too: sent again under the same name, it is the same notification.
create table public.push_deliveries (
    apns_id uuid primary key default gen_random_uuid(),
    notification_id uuid not null references public.push_outbox (id) on delete cascade,
    token text not null,
    state text not null default 'pending' check (state in ('pending', 'delivered', 'forgotten', 'given_up')),
    attempts integer not null default 0,
    due_at timestamptz not null default now(),
    last_status integer,
    reason text,
    finished_at timestamptz,
    unique (notification_id, token),
    constraint finished_deliveries_say_when check ((state = 'pending') = (finished_at is null))
);

create index push_deliveries_due on public.push_deliveries (due_at) where state = 'pending';

alter table public.device_tokens enable row level security;
alter table public.push_outbox enable row level security;
alter table public.push_deliveries enable row level security;

create policy users_read_their_devices on public.device_tokens
    for select to authenticated
    using (user_id = (select auth.uid()));

create function public.cleanup_old_push_notifications(
    keep interval default interval '24 hours', at_most bigint default 10000
) returns bigint
language plpgsql
as $$
declare
    removed bigint;
begin
    delete from public.push_outbox where ctid = any (array(
        select ctid from public.push_outbox where created_at < now() - keep limit at_most
    ));
    get diagnostics removed = row_count;
    return removed;
end
$$;
