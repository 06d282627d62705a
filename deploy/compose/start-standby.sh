#!/bin/sh
# Copies postgres1 once, then follows it. --write-recovery-conf writes where the primary is.
set -eu
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  chmod 700 "$PGDATA"
  pg_basebackup --host=postgres1 --username=postgres --pgdata="$PGDATA" \
    --write-recovery-conf --wal-method=stream --slot=standby --no-password
fi
exec postgres
