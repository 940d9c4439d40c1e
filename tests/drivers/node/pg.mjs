// node-postgres: named statements, its own pool, cursors, COPY streams, LISTEN.

import assert from "node:assert/strict";
import { once } from "node:events";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import pg from "pg";
import { from as copyFrom, to as copyTo } from "pg-copy-streams";
import Cursor from "pg-cursor";
import { check, numbers, version, where } from "./check.mjs";

version("pg");
const client = new pg.Client(where);
await client.connect();

await check("values are bound", async () => {
  for (const n of numbers(30)) {
    const { rows } = await client.query("SELECT $1::int AS n, $2::text AS t, $3::jsonb AS j", [n, `t${n}`, { n }]);
    assert.deepEqual(rows, [{ n, t: `t${n}`, j: { n } }]);
  }
});

await check("named statements are prepared once", async () => {
  for (const n of numbers(30)) {
    const { rows } = await client.query({ name: "mine", text: "SELECT $1::int * 2 AS n", values: [n] });
    assert.deepEqual(rows, [{ n: 2 * n }]);
  }
});

await check("the same name means another statement to another client", async () => {
  const other = new pg.Client(where);
  await other.connect();
  for (const n of numbers(20)) {
    const theirs = other.query({ name: "mine", text: "SELECT $1::text AS other", values: [`o${n}`] });
    const ours = client.query({ name: "mine", text: "SELECT $1::int * 2 AS n", values: [n] });
    assert.deepEqual([(await theirs).rows, (await ours).rows], [[{ other: `o${n}` }], [{ n: 2 * n }]]);
  }
  await other.end();
});

await check("errors leave the connection as it was", async () => {
  await assert.rejects(client.query("SELECT 1 / $1::int", [0]), { code: "22012" });
  await assert.rejects(client.query("SELECT * FROM nowhere"), { code: "42P01" });
  assert.equal((await client.query("SELECT 1 AS n")).rows[0].n, 1);
});

await check("transactions and savepoints", async () => {
  await client.query("BEGIN");
  await client.query("CREATE TABLE node_kept (n int)");
  await client.query("SAVEPOINT here");
  await assert.rejects(client.query("INSERT INTO node_kept SELECT 1 / $1::int", [0]), { code: "22012" });
  await client.query("ROLLBACK TO here");
  await client.query("INSERT INTO node_kept VALUES ($1)", [7]);
  await client.query("COMMIT");
  assert.deepEqual((await client.query("SELECT n FROM node_kept")).rows, [{ n: 7 }]);
  await client.query("DROP TABLE node_kept");
});

await check("its pool, many at once", async () => {
  const pool = new pg.Pool({ ...where, max: 8 });
  const rows = await Promise.all(
    numbers(200).map((n) => pool.query({ name: `s${n % 5}`, text: `SELECT $1::int AS n, ${n % 5} AS s`, values: [n] })),
  );
  assert.deepEqual(rows.map((one) => one.rows[0]), numbers(200).map((n) => ({ n, s: n % 5 })));
  await pool.end();
});

await check("cursors in a transaction", async () => {
  await client.query("BEGIN");
  const cursor = client.query(new Cursor("SELECT n FROM generate_series(1, $1::int) AS n", [25]));
  const seen = [];
  for (let rows; (rows = await cursor.read(10)).length; ) seen.push(...rows.map((row) => row.n));
  await cursor.close();
  await client.query("COMMIT");
  assert.deepEqual(seen, numbers(25).map((n) => n + 1));
});

await check("COPY in and out", async () => {
  await client.query("CREATE TABLE node_copied (n int, t text)");
  const lines = numbers(2000).map((n) => `${n}\tline ${n}\n`);
  await pipeline(Readable.from(lines), client.query(copyFrom("COPY node_copied FROM STDIN")));
  const out = client.query(copyTo("COPY (SELECT * FROM node_copied ORDER BY n) TO STDOUT"));
  const chunks = await out.toArray();
  assert.equal(Buffer.concat(chunks).toString(), lines.join(""));
  await client.query("DROP TABLE node_copied");
});

await check("LISTEN", async () => {
  const listener = new pg.Client(where);
  await listener.connect();
  await listener.query("LISTEN node_news");
  const heard = once(listener, "notification");
  await client.query("SELECT pg_notify('node_news', $1)", ["hello"]);
  assert.equal((await heard)[0].payload, "hello");
  await listener.end();
});

await check("a query that takes too long", async () => {
  const hasty = new pg.Client({ ...where, statement_timeout: 50 });
  await hasty.connect();
  await assert.rejects(hasty.query("SELECT pg_sleep(60)"), { code: "57014" });
  assert.equal((await hasty.query("SELECT 1 AS n")).rows[0].n, 1);
  await hasty.end();
});

await client.end();
