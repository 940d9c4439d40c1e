// What all scripts share: where the database is, and how a check is reported. One line each; an error ends the script.

import { readFileSync } from "node:fs";

const { PGHOST, PGPORT, PGUSER, PGPASSWORD, PGDATABASE } = process.env;

export const where = { host: PGHOST, port: Number(PGPORT), user: PGUSER, password: PGPASSWORD, database: PGDATABASE };
export const url = `postgresql://${PGUSER}:${encodeURIComponent(PGPASSWORD)}@${PGHOST}:${PGPORT}/${PGDATABASE}`;

export function version(name) {
  console.log("version", name, JSON.parse(readFileSync(`node_modules/${name}/package.json`)).version);
}

export async function check(what, body) {
  await body();
  console.log("ok", what);
}

export const numbers = (count) => Array.from({ length: count }, (_, n) => n);
