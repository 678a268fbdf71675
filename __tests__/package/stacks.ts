/**
 * Apps with other versions of what the package works with. Each has the strict layout of pnpm: a package finds only what it
 * declares itself. Nothing is installed: the versions are aliases among our own devDependencies.
 */
import { cp, mkdir, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';

const root = join(__dirname, '../..');
const NAME = 'express-email-verification';

/** The dependencies of an app: the name of each, and the devDependency of ours that it stands for. */
export type Versions = Readonly<Record<string, string>>;

export interface Package {
  readonly folder: string;
  readonly dependencies: object;
  readonly peerDependencies: object;
}

/** Fills `app/node_modules`. The package is a copy, so that its imports are resolved from where it is. */
export async function createStack(app: string, versions: Versions, packed: Package): Promise<void> {
  const modules = join(app, 'node_modules');
  const store = join(modules, '.pnpm', NAME, 'node_modules');
  const link = async (target: string, path: string) => {
    await mkdir(dirname(path), { recursive: true });
    await symlink(target, path, 'junction');
  };
  const ours = (name: string) => join(root, 'node_modules', name);

  await cp(packed.folder, join(store, NAME), { recursive: true });
  await link(join(store, NAME), join(modules, NAME));
  for (const name of Object.keys(packed.dependencies)) await link(ours(name), join(store, name));
  for (const [name, alias] of Object.entries(versions)) {
    await link(ours(alias), join(modules, name));
    if (name in packed.peerDependencies) await link(ours(alias), join(store, name));
  }
}

/** An app that signs people up, as a module of either kind. Its parts come from the stack, as does a queue of BullMQ. */
export function appOf(kind: 'cjs' | 'mjs', client: string, hasQueue = false): string {
  const load = (what: string, from: string) =>
    kind === 'cjs' ? `const ${what} = require('${from}');` : `import ${what} from '${from}';`;
  const [library = ''] = client.match(/^\w+/) ?? [];
  const transport = 'nodemailer.createTransport({ url: process.env.SMTP_URL, pool: true })';
  const shared = "store: new RedisStore(client), from: 'Acme <hello@acme.example>', secret: 'x'.repeat(32)";
  const delivery = hasQueue
    ? "delivery: queueDelivery({ connection: { path }, secret: 'x'.repeat(32) })"
    : `transport: ${transport}`;
  return `
${load('express', 'express')}
${load('nodemailer', 'nodemailer')}
${library === 'ioredis' ? load('{ Redis }', 'ioredis') : load('{ createClient }', 'redis')}
${load('{ createEmailVerification, emailVerificationRouter, requireVerifiedEmail, RedisStore }', NAME)}
${hasQueue ? load('{ createMailWorker, queueDelivery }', `${NAME}/bullmq`) : ''}
async function main() {
  const { pathname: path } = new URL(process.env.REDIS_URL);
  const client = ${library === 'ioredis' ? 'new Redis(path)' : 'await createClient({ socket: { path } }).connect()'};
  const verification = createEmailVerification({ ${shared}, ${delivery} });
  ${hasQueue ? `createMailWorker({ ${shared}, connection: { path }, transport: ${transport} });` : ''}
  const { ok, problems } = await verification.check();
  if (!ok) throw new Error(problems.join(' '));
  const app = express();
  app.use('/email-verification', emailVerificationRouter(verification));
  app.post('/signup', express.json(), requireVerifiedEmail(verification), (req, res) => {
    res.status(201).json({ email: req.verifiedEmail });
  });
  const server = app.listen(0, '127.0.0.1', () => console.log(server.address().port));
}
main();
`;
}

/** An app in TypeScript, for every module resolution. */
export const TYPED_APP = `
import express from 'express';
import { Cluster, Redis } from 'ioredis';
import { createClient, createCluster } from 'redis';
import {
  createEmailVerification, emailVerificationRouter, MemoryStore, requireVerifiedEmail, RedisStore,
  type CustomDelivery, type EmailVerification,
} from 'express-email-verification';
import { createEmailVerificationClient } from 'express-email-verification/client';
import { createTestInbox } from 'express-email-verification/testing';

export async function start(): Promise<EmailVerification> {
  const stores = [
    new RedisStore(createClient({ url: process.env['REDIS_URL'] ?? '' })),
    new RedisStore(createCluster({ rootNodes: [] })),
    new RedisStore(new Redis(), { prefix: 'acme:' }),
    new RedisStore(new Redis({ sentinels: [], name: 'main', keyPrefix: 'acme:' })),
    new RedisStore(new Cluster([])),
    new MemoryStore(),
  ];
  const delivery: CustomDelivery = async ({ to, from }) => console.log(to.address, from.name);
  const verification = createEmailVerification({
    store: stores[0],
    transport: [process.env['SMTP_URL'], { host: 'smtp.acme.example', port: 587 }],
    from: process.env['MAIL_FROM'],
    secret: process.env['SECRET'],
    delivery: process.env['SMTP_URL'] ? 'await' : delivery,
  });
  const app = express();
  app.use('/email-verification', emailVerificationRouter(verification));
  app.post('/signup', express.json(), requireVerifiedEmail(verification), (req, res) => {
    res.status(201).json({ email: req.verifiedEmail });
  });
  verification.on('delivery_failed', ({ cause }) => console.log(cause.earlier?.[0]?.host));
  return verification;
}
export const client = createEmailVerificationClient({ baseUrl: '/email-verification' });
export const inbox = createTestInbox;
`;

/** A file for a compiler that does not read \`exports\`. Its output is run. */
export const CLASSIC_APP = `
import { MemoryStore } from 'express-email-verification';
import { createEmailVerificationClient } from 'express-email-verification/client';
console.log(typeof createEmailVerificationClient({ baseUrl: '/ev' }).send, new MemoryStore() instanceof MemoryStore);
`;
