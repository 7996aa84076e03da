-- Which of these rows may which of these callers read, and which columns? One call for a batch of rows of one table.
--
-- Created once per connection and table, in the session's own temporary schema, so that its one query is planned
-- once and the pipeline's database is left as it was. The placeholders in double braces are filled in from the
-- catalog. Not "security definer": roles cannot be set in such a function.
create function pg_temp.{{function}}(
    xids bigint[],          -- the rows' transactions, 32 bits each
    roles text[],           -- for each caller: its role,
    claims text[],          -- the claims of its token,
    {{key_parameters}}      -- and, for each column of the primary key, its rows' values as one array literal
) returns setof bigint[]
-- For each caller: its number, then the positions of its granted rows; if its policy failed, minus its number. Before
-- the callers of a role: 0, the number of the first of them, whether the table has row-level security (0 or 1), then
-- the positions of the columns that the role may select.
language plpgsql volatile
as $function$
declare
    newest bigint;
    asked record;
    role_now text := null;
    may_select boolean := false;
    selectable bigint[];
    granted bigint[];
    has_row_security boolean;
begin
    -- A row can leave the walsender shortly before a new snapshot sees it: the commit is in the log first. Wait
    -- for the transactions, not for the rows, which may be deleted by now.
    for attempt in 1..25000 loop
        newest := pg_snapshot_xmax(pg_current_snapshot())::text::bigint;
        exit when not exists (
            select from unnest(xids) as x
            where not pg_visible_in_snapshot(
                (newest + ((x - newest + 2147483648) & 4294967295) - 2147483648)::text::xid8, pg_current_snapshot()
            )
        );
        perform pg_sleep(0.0002);
    end loop;

    has_row_security := (select relrowsecurity from pg_class where oid = {{relation}});
    -- A loop over rows: reaching into long arrays by number would search them from the front each time.
    for asked in
        select * from unnest(roles, claims, {{key_names}}) with ordinality as a (role, claims, {{key_names}}, caller)
    loop
        if asked.role is distinct from role_now then
            role_now := asked.role;
            -- A role that does not exist, or may not read the key, must not end the batch for everyone.
            selectable := array(
                select c.position
                from pg_roles r
                cross join unnest({{columns}}::text[]) with ordinality as c (name, position)
                join pg_attribute a on a.attrelid = {{relation}} and a.attname = c.name
                where r.rolname = role_now and has_column_privilege(r.oid, {{relation}}::oid, a.attnum, 'select')
            );
            return next array[0, asked.caller, has_row_security::int] || selectable;
            may_select := selectable @> {{key_positions}}::bigint[];
            if may_select then
                begin
                    perform set_config('role', role_now, true);
                exception when insufficient_privilege then  -- a role that we may not take: its callers read nothing
                    raise log 'row-level security of {{function}} failed for role %: %', role_now, sqlerrm;
                    may_select := false;
                    return next array[-asked.caller];
                end;
            end if;
        end if;
        continue when not (may_select and has_row_security);
        perform set_config('request.jwt.claims', asked.claims, true);
        begin
            granted := array(
                select k.n from unnest({{key_arrays}}) with ordinality as k ({{key_aliases}}, n)
                -- A scalar subquery, so that the planner looks each key up in the primary key's index: a join or
                -- "exists" it may turn into a scan of the whole table, behind the policies.
                where (select true from {{table}} as t where {{key_equality}})
            );
            if cardinality(granted) > 0 then
                return next asked.caller || granted;
            end if;
        exception when others then  -- whatever a policy may raise: this caller reads nothing, the others do
            raise log 'row-level security of {{function}} failed for role %: %', role_now, sqlerrm;
            return next array[-asked.caller];
        end;
    end loop;
    perform set_config('role', 'none', true);
end
$function$
