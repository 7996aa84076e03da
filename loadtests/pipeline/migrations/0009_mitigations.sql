-- What a job's risks ask for. How many there are and how many are done also stands in the job itself, so that a
-- list of jobs need not count them.
create table public.mitigation_items (
    id uuid primary key default gen_random_uuid(),
    organization_id uuid not null references public.organizations (id) on delete cascade,
    job_id uuid not null references public.jobs (id) on delete cascade,
    factor_code text not null,
    title text not null,
    done boolean not null default false,
    completed_by uuid references auth.users (id) on delete set null,
    completed_at timestamptz,
    created_at timestamptz not null default now(),
    unique (job_id, factor_code),
    constraint done_items_say_when check (done = (completed_at is not null))
);

create index mitigation_items_of_organization on public.mitigation_items (organization_id);

alter table public.mitigation_items enable row level security;

create policy members_read_mitigation_items on public.mitigation_items
    for select to authenticated
    using (organization_id in (
        select m.organization_id from public.organization_members m where m.user_id = (select auth.uid())
    ));
