# agroal's files, with a user in the vault, on a volume that agroal can read. What is there already stays.
set -e
cp /conf/*.conf /etc/agroal/
if [ ! -e "$AGROAL_MASTER_KEY_FILE" ]; then
    AGROAL_PASSWORD='Compose-Demo-1' agroal-admin master-key
    AGROAL_PASSWORD='bench-password' agroal-admin -f /etc/agroal/agroal_users.conf -U bench user add
fi
chown -R agroal:agroal /etc/agroal
