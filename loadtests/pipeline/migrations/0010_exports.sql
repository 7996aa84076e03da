-- Exports of a job: asked for by a request, prepared later by a worker, announced when they are ready.
create table public.exports (
    id uuid primary key default gen_random_uuid(),
    organization_id uuid not null references public.organizations (id) on delete cascade,
    job_id uuid not null references public.jobs (id) on delete cascade,
    kind text not null check (kind in ('pdf', 'proof_pack')),
    state text not null default 'queued' check (state in ('queued', 'ready')),
    requested_by uuid not null references auth.users (id) on delete cascade,
    request_id text not null,
    idempotency_key text,
    manifest jsonb,
    manifest_sha256 text,
    created_at timestamptz not null default now(),
    ready_at timestamptz,
    constraint ready_exports_are_complete check (
        (state = 'ready') = (ready_at is not null and manifest is not null and manifest_sha256 is not null)
    )
);

create index exports_queued on public.exports (created_at) where state = 'queued';
create index exports_of_job on public.exports (job_id);
create unique index exports_asked_once on public.exports (organization_id, idempotency_key)
    where idempotency_key is not null;

alter table public.exports enable row level security;

create policy members_read_exports on public.exports
    for select to authenticated
    using (organization_id in (
        select m.organization_id from public.organization_members m where m.user_id = (select auth.uid())
    ));
