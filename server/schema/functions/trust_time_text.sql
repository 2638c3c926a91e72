-- A time as ProtoJSON writes a google.protobuf.Timestamp, whose range ends with the year 9999.
create or replace function trust_time_text(at timestamptz) returns text language sql stable
return case when at is not null then to_char(
  least(greatest(at, '0001-01-01T00:00:00Z'), '9999-12-31T23:59:59.999999Z') at time zone 'UTC',
  'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') end;
