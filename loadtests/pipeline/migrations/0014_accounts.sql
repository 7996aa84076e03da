-- What signing up and signing in need: passwords, sessions and refresh tokens, as Supabase's auth schema has them.
-- The columns of `auth.users` bear Supabase's names. A user who was put there by SQL alone has no password.
alter table auth.users
    add column aud text not null default 'authenticated',
    add column role text not null default 'authenticated',
    add column encrypted_password text,
    add column email_confirmed_at timestamptz,
    add column last_sign_in_at timestamptz,
    add column raw_app_meta_data jsonb not null default '{"provider": "email", "providers": ["email"]}',
    add column raw_user_meta_data jsonb not null default '{}',
    add column updated_at timestamptz not null default now();

create table auth.sessions (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null references auth.users (id) on delete cascade,
    created_at timestamptz not null default now()
);

create index sessions_of_user on auth.sessions (user_id);

-- A refresh token is good for one use; `parent` is the token that was exchanged for it.
create table auth.refresh_tokens (
    token text primary key,
    session_id uuid not null references auth.sessions (id) on delete cascade,
    parent text,
    revoked_at timestamptz,
    created_at timestamptz not null default now()
);

create index refresh_tokens_of_session on auth.refresh_tokens (session_id);
