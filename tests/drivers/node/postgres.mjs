// postgres.js: pipelines by itself, prepares everything, describes with Flush; cancels, cursors, LISTEN.
// Its COPY streams are left out: they come to a standstill without a pool, too.

import assert from "node:assert/strict";
import postgres from "postgres";
import { check, numbers, version, where } from "./check.mjs";

version("postgres");
const { user: username, ...rest } = where;
const options = { ...rest, username, max: 4, onnotice: () => {} };
const sql = postgres(options);

await check("values are bound", async () => {
  for (const n of numbers(30)) {
    assert.deepEqual([...(await sql`SELECT ${n}::int AS n, ${`t${n}`} AS t, ${sql.json({ n })}::jsonb AS j`)], [
      { n, t: `t${n}`, j: { n } },
    ]);
  }
});

await check("many at once, pipelined", async () => {
  const rows = await Promise.all(numbers(300).map((n) => sql`SELECT ${n}::int AS n, ${n % 3 ? "a" : "b"} AS t`));
  assert.deepEqual(rows.map(([row]) => row), numbers(300).map((n) => ({ n, t: n % 3 ? "a" : "b" })));
});

await check("errors between others that work", async () => {
  const results = await Promise.allSettled(numbers(60).map((n) => sql`SELECT ${n}::int / ${n % 4}::int AS q`));
  for (const [n, { status, value, reason }] of results.entries()) {
    if (n % 4) assert.deepEqual([status, value[0].q], ["fulfilled", Math.trunc(n / (n % 4))]);
    else assert.deepEqual([status, reason.code], ["rejected", "22012"]);
  }
});

await check("transactions and savepoints", async () => {
  const total = await sql.begin(async (tx) => {
    await tx`CREATE TABLE js_kept (n int)`;
    await tx`INSERT INTO js_kept ${tx([{ n: 1 }, { n: 2 }])}`;
    await assert.rejects(
      tx.savepoint(async (inner) => {
        await inner`INSERT INTO js_kept VALUES (100)`;
        await inner`SELECT 1 / 0`;
      }),
      { code: "22012" },
    );
    const [{ sum }] = await tx`SELECT sum(n)::int AS sum FROM js_kept`;
    return sum;
  });
  assert.equal(total, 3);
  await sql`DROP TABLE js_kept`;
});

await check("a transaction in one pipeline", async () => {
  for (const n of numbers(10)) {
    const [, [row]] = await sql.begin((tx) => [tx`SET LOCAL work_mem = '5MB'`, tx`SELECT ${n}::int AS n`]);
    assert.equal(row.n, n);
  }
});

await check("cursors", async () => {
  const seen = [];
  for await (const rows of sql`SELECT n FROM generate_series(1, 25) AS n`.cursor(10)) seen.push(...rows.map((r) => r.n));
  assert.deepEqual(seen, numbers(25).map((n) => n + 1));
});

await check("LISTEN", async () => {
  const heard = [];
  await new Promise(async (resolve) => {
    const { unlisten } = await sql.listen("js_news", (payload) => {
      heard.push(payload);
      if (heard.length === 3) unlisten().then(resolve);
    });
    for (const n of numbers(3)) await sql.notify("js_news", `${n}`);
  });
  assert.deepEqual(heard, ["0", "1", "2"]);
});

await check("cancel", async () => {
  const query = sql`SELECT pg_sleep(60)`.execute();
  setTimeout(() => query.cancel(), 200);
  await assert.rejects(query, { code: "57014" });
  assert.equal((await sql`SELECT 1 AS n`)[0].n, 1);
});

await check("without prepared statements", async () => {
  const simple = postgres({ ...options, prepare: false });
  const rows = await Promise.all(numbers(50).map((n) => simple`SELECT ${n}::int AS n`));
  assert.deepEqual(rows.map(([row]) => row.n), numbers(50));
  await simple.end();
});

await sql.end();
