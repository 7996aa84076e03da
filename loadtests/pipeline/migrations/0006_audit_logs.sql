-- One row for each mutation, written after its commit. Rows are never changed, only added (and gone with their
-- organization). `metadata` holds what ties the row to its cause: request id, revision, transaction id.
create table public.audit_logs (
    id uuid primary key default gen_random_uuid(),
    ledger_seq bigint generated always as identity,
    organization_id uuid not null references public.organizations (id) on delete cascade,
    actor_id uuid,
    event_name text not null,
    target_type text not null,
    target_id text not null,
    job_id uuid,
    category text not null default 'operations',
    severity text not null default 'info' check (severity in ('info', 'material', 'critical')),
    outcome text not null default 'success' check (outcome in ('success', 'failure', 'blocked')),
    metadata jsonb not null default '{}',
    created_at timestamptz not null default now()
);

create index audit_logs_of_organization on public.audit_logs (organization_id, created_at desc, id desc);
create index audit_logs_of_job on public.audit_logs (job_id, created_at desc) where job_id is not null;

create function public.refuse_change_of_audit_row() returns trigger
language plpgsql
as $$
begin
    raise exception 'audit rows are never changed (row %)', old.id using errcode = 'restrict_violation';
end
$$;

create trigger audit_logs_immutable before update on public.audit_logs
    for each row execute function public.refuse_change_of_audit_row();

alter table public.audit_logs enable row level security;

create policy members_read_audit_logs on public.audit_logs
    for select to authenticated
    using (organization_id in (
        select m.organization_id from public.organization_members m where m.user_id = (select auth.uid())
    ));
