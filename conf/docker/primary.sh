# Runs once, when the primary is made: a role for the standby, and its way in.
psql -v ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" \
    --command "CREATE ROLE replicator REPLICATION LOGIN PASSWORD 'replication-password'"
echo "host replication replicator all scram-sha-256" >> "$PGDATA/pg_hba.conf"
