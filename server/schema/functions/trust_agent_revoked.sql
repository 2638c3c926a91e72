-- Whether an agent is revoked or suspended at a moment. Only graceful revocations are compared with it; others count at once.
create or replace function trust_agent_revoked(agent text, at timestamptz) returns boolean language sql stable
set search_path from current
as $$
  select exists (
    select from trust_revocations r
    where r.agent_id = agent and r.kind = 'agent' and r.lifted_at is null
      and (r.mode <> 'graceful' or r.effective_at <= at))
$$;
