-- Organizations, their people, and who belongs where. Membership decides what a person may see.
create table public.organizations (
    id uuid primary key default gen_random_uuid(),
    name text not null,
    created_at timestamptz not null default now()
);

-- A person as the product knows them; `organization_id` is the organization shown first.
create table public.users (
    id uuid primary key references auth.users (id) on delete cascade,
    email text,
    full_name text,
    organization_id uuid references public.organizations (id) on delete set null,
    role text not null default 'member' check (role in ('owner', 'admin', 'member')),
    archived_at timestamptz,
    created_at timestamptz not null default now()
);

create table public.organization_members (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null references auth.users (id) on delete cascade,
    organization_id uuid not null references public.organizations (id) on delete cascade,
    role text not null default 'member' check (role in ('owner', 'admin', 'member', 'employee', 'viewer')),
    created_at timestamptz not null default now(),
    unique (user_id, organization_id)
);

create index organization_members_organization on public.organization_members (organization_id);

alter table public.organizations enable row level security;
alter table public.users enable row level security;
alter table public.organization_members enable row level security;

create policy members_read_their_memberships on public.organization_members
    for select to authenticated
    using (user_id = (select auth.uid()));

create policy members_read_their_organizations on public.organizations
    for select to authenticated
    using (id in (select m.organization_id from public.organization_members m where m.user_id = (select auth.uid())));

create policy users_read_themselves on public.users
    for select to authenticated
    using (id = (select auth.uid()));
