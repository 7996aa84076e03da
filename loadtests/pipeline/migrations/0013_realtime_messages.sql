-- What private channels are granted by: row-level security on this table, as on Supabase. A policy for select lets its
-- callers join a topic and hear what is said there, one for insert lets them speak; `extension` is 'broadcast' or
-- 'presence', and realtime.topic() is the topic asked about. There is no policy, so nobody has a private channel
-- until somebody makes one.
create schema realtime;

create table realtime.messages (
    id uuid not null default gen_random_uuid(),
    topic text not null,
    extension text not null,
    event text,
    payload jsonb,
    private boolean default false,
    inserted_at timestamp not null default now(),
    updated_at timestamp not null default now(),
    primary key (id, inserted_at)
);

alter table realtime.messages enable row level security;

create function realtime.topic() returns text
language sql stable
as $$ select nullif(current_setting('realtime.topic', true), '') $$;

grant usage on schema realtime to anon, authenticated, service_role;
grant select, insert, update on realtime.messages to anon, authenticated, service_role;
grant execute on function realtime.topic() to anon, authenticated, service_role;
