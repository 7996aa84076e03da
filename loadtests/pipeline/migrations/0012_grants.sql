-- The API roles may address every table, as on Supabase: what they see there is row-level security's decision.
grant usage on schema public to anon, authenticated, service_role;
grant select, insert, update, delete on all tables in schema public to anon, authenticated, service_role;
grant usage, select on all sequences in schema public to anon, authenticated, service_role;
grant usage on schema auth to service_role;
grant select, insert, update, delete on auth.users to service_role;

revoke execute on function
    public.cleanup_old_realtime_events(interval, bigint), public.cleanup_old_push_notifications(interval, bigint)
    from public;
grant execute on function
    public.cleanup_old_realtime_events(interval, bigint), public.cleanup_old_push_notifications(interval, bigint)
    to service_role;
