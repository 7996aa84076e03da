-- What an organization has paid for, and which terms a person has accepted. The jobs API asks only if told to.
create table public.org_subscriptions (
    organization_id uuid primary key references public.organizations (id) on delete cascade,
    plan_code text not null default 'none' check (plan_code in ('none', 'starter', 'pro', 'business')),
    seats_limit integer check (seats_limit >= 0),
    jobs_limit_month integer check (jobs_limit_month >= 0),
    status text not null default 'active'
        check (status in ('active', 'trialing', 'past_due', 'canceled', 'inactive')),
    cancel_at_period_end boolean not null default false,
    current_period_end timestamptz,
    updated_at timestamptz not null default now()
);

create table public.legal_acceptances (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null references auth.users (id) on delete cascade,
    version text not null,
    accepted_at timestamptz not null default now(),
    unique (user_id, version)
);

alter table public.org_subscriptions enable row level security;
alter table public.legal_acceptances enable row level security;

create policy members_read_their_plan on public.org_subscriptions
    for select to authenticated
    using (organization_id in (
        select m.organization_id from public.organization_members m where m.user_id = (select auth.uid())
    ));

create policy users_read_their_acceptances on public.legal_acceptances
    for select to authenticated
    using (user_id = (select auth.uid()));
