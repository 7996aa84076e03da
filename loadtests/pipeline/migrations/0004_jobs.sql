-- Jobs. `revision` counts a job's changes: each UPDATE increments it, so that a reader can tell older from newer.
-- A quarter of each page stays free: no column that routine updates change is indexed, so they stay heap-only.
create table public.jobs (
    id uuid primary key default gen_random_uuid(),
    organization_id uuid not null references public.organizations (id) on delete cascade,
    created_by uuid references auth.users (id) on delete set null,
    revision integer not null default 1,
    title text,
    client_name text not null,
    client_type text not null
        check (client_type in ('residential', 'commercial', 'industrial', 'government', 'mixed')),
    job_type text not null
        check (job_type in (
            'repair', 'maintenance', 'installation', 'inspection', 'renovation', 'new_construction', 'remodel', 'other'
        )),
    location text not null,
    description text,
    status text not null default 'draft'
        check (status in ('draft', 'pending', 'in_progress', 'on_hold', 'completed', 'cancelled', 'archived')),
    start_date date,
    end_date date,
    has_subcontractors boolean not null default false,
    subcontractor_count integer not null default 0 check (subcontractor_count >= 0),
    insurance_status text not null default 'pending'
        check (insurance_status in ('verified', 'pending', 'missing', 'not_required')),
    risk_factor_codes text[] not null default '{}',
    risk_score integer check (risk_score between 0 and 100),
    risk_level text check (risk_level in ('low', 'medium', 'high', 'critical')),
    mitigations_total integer not null default 0 check (mitigations_total >= 0),
    mitigations_complete integer not null default 0 check (mitigations_complete between 0 and mitigations_total),
    review_flag boolean not null default false,
    flagged_at timestamptz,
    flag_reason text,
    review_owner_role text,
    review_due_at timestamptz,
    assigned_to_id uuid references auth.users (id) on delete set null,
    applied_template_id uuid,
    applied_template_type text,
    completed_at timestamptz,
    archived_at timestamptz,
    deleted_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint archived_jobs_say_when check ((status = 'archived') = (archived_at is not null))
) with (fillfactor = 75);

-- Archived and deleted jobs are in it too: were they left out, archiving a job would have to change the index.
create index jobs_of_organization on public.jobs (organization_id, created_at desc, id);

alter table public.jobs enable row level security;

create policy members_read_jobs on public.jobs
    for select to authenticated
    using (organization_id in (
        select m.organization_id from public.organization_members m where m.user_id = (select auth.uid())
    ));
