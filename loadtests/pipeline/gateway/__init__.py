"""One address for a Supabase client: accounts and tables answered here, WebSockets passed through to Realtime.

Answers as much of GoTrue and PostgREST as provisioning, signing in and reading events take. Drivers of the embedded
pipeline use Realtime's own port; this stands beside their path and never on it.
"""
