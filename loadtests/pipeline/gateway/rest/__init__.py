"""`/rest/v1`: the tables of the schema `public` under row-level security, in PostgREST's words."""
