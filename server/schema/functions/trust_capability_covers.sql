-- Whether a capability covers an action (EATP VERIFY): the rule of capabilityCovers in eatp/rules/capabilityMatch.ts. A test
-- compares the two.
create or replace function trust_capability_covers(capability text, action text) returns boolean language sql immutable
return case
  when capability = '' then false
  when strpos(capability, '*') = 0 then capability = action
  when right(capability, 1) = '*' then starts_with(action, left(capability, -1))
  when left(capability, 1) = '*' then right(action, length(capability) - 1) = substr(capability, 2)
  when length(capability) - length(replace(capability, '*', '')) > 1 then false
  else starts_with(action, split_part(capability, '*', 1))
    and right(action, length(split_part(capability, '*', 2))) = split_part(capability, '*', 2)
end;
