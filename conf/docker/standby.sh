# The standby copies the primary when it has no data yet, and follows it from then on.
set -e
if [ ! -s "$PGDATA/PG_VERSION" ]; then
    chmod 0700 "$PGDATA"
    pg_basebackup --host primary --username replicator --pgdata "$PGDATA" --write-recovery-conf --checkpoint fast
fi
exec postgres -c listen_addresses='*'
