#!/bin/sh
# start-redis.sh NAME [PRIMARY]: Sentinels rewrite the configuration at a failover, so the volume keeps it.
set -eu
conf=/data/redis.conf
if [ ! -f "$conf" ]; then
  cat > "$conf" <<END
dir /data
appendonly yes
appendfsync always
maxmemory-policy noeviction
protected-mode no
replica-announce-ip $1
END
  if [ $# -gt 1 ]; then echo "replicaof $2 6379" >> "$conf"; fi
fi
exec redis-server "$conf"
