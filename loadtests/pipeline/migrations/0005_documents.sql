-- What was uploaded as evidence for a job: the metadata; the files themselves live elsewhere.
-- `offline_id` is the name that a device gave a document while it had no network: sent twice, it is stored once.
create table public.documents (
    id uuid primary key default gen_random_uuid(),
    organization_id uuid not null references public.organizations (id) on delete cascade,
    job_id uuid not null references public.jobs (id) on delete cascade,
    name text not null,
    type text not null default 'photo'
        check (type in ('insurance_certificate', 'waiver', 'safety_plan', 'contract', 'photo', 'other')),
    category text check (category in ('before', 'during', 'after')),
    file_path text not null,
    file_size bigint not null check (file_size > 0),
    mime_type text not null,
    description text,
    uploaded_by uuid references auth.users (id) on delete set null,
    offline_id text,
    verification_status text not null default 'pending'
        check (verification_status in ('pending', 'verified', 'rejected')),
    verified_by uuid references auth.users (id) on delete set null,
    verified_at timestamptz,
    deleted_at timestamptz,
    created_at timestamptz not null default now()
);

create index documents_of_job on public.documents (job_id, created_at desc, id) where deleted_at is null;
create index documents_of_organization on public.documents (organization_id);
create unique index documents_sent_once on public.documents (organization_id, offline_id) where offline_id is not null;

alter table public.documents enable row level security;

create policy members_read_documents on public.documents
    for select to authenticated
    using (organization_id in (
        select m.organization_id from public.organization_members m where m.user_id = (select auth.uid())
    ));
