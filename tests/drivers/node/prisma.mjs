// Prisma on its driver adapter: relations, nested writes, transactions, raw queries.

import assert from "node:assert/strict";
import { PrismaPg } from "@prisma/adapter-pg";
import { PrismaClient } from "@prisma/client";
import { check, numbers, url, version } from "./check.mjs";

version("@prisma/client");
const prisma = new PrismaClient({ adapter: new PrismaPg({ connectionString: url, max: 4 }) });

await prisma.$executeRawUnsafe("CREATE TABLE prisma_shelves (id serial PRIMARY KEY, name text UNIQUE NOT NULL)");
await prisma.$executeRawUnsafe(
  "CREATE TABLE prisma_things (id serial PRIMARY KEY, label text NOT NULL, shelf_id int NOT NULL REFERENCES prisma_shelves)",
);

await check("nested writes", async () => {
  for (const n of numbers(10)) {
    const things = { create: numbers(n).map((k) => ({ label: `${n}.${k}` })) };
    const made = await prisma.shelf.create({ data: { name: `shelf ${n}`, things }, include: { things: true } });
    assert.equal(made.things.length, n);
  }
});

await check("rows and what belongs to them, many at once", async () => {
  const found = await Promise.all(
    numbers(100).map((n) => prisma.shelf.findUnique({ where: { name: `shelf ${n % 10}` }, include: { things: true } })),
  );
  for (const [n, shelf] of found.entries()) {
    assert.equal(shelf.name, `shelf ${n % 10}`);
    assert.deepEqual(shelf.things.map((one) => one.label).sort(), numbers(n % 10).map((k) => `${n % 10}.${k}`));
  }
});

await check("a transaction of several writes that fails", async () => {
  const writes = [prisma.shelf.create({ data: { name: "undone" } }), prisma.shelf.create({ data: { name: "shelf 1" } })];
  await assert.rejects(prisma.$transaction(writes), { code: "P2002" });
  assert.equal(await prisma.shelf.count(), 10);
});

await check("interactive transactions", async () => {
  for (const n of numbers(10)) {
    const count = await prisma.$transaction(async (tx) => {
      await tx.shelf.update({ where: { name: `shelf ${n}` }, data: { things: { create: { label: "one more" } } } });
      return tx.thing.count({ where: { shelf: { name: `shelf ${n}` } } });
    });
    assert.equal(count, n + 1);
  }
});

await check("raw queries", async () => {
  for (const n of numbers(30)) assert.deepEqual(await prisma.$queryRaw`SELECT ${n}::int AS n`, [{ n }]);
});

await prisma.$executeRawUnsafe("DROP TABLE prisma_things, prisma_shelves");
await prisma.$disconnect();
