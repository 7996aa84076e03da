-- What the change feed carries.
create publication supabase_realtime for table public.realtime_events;
