/** "What just happened": reports events, and renders the entries that the page keeps, with what Redis holds. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { setTimeout as wait } from 'node:timers/promises';
import express, { type RequestHandler, type Router } from 'express';
import type { RedisClientType } from 'redis';
import { textsOf } from '../site/site.js';
import { isAttack } from './attackers.js';
import { isShared } from './attacks.js';
import type { MountedParts } from './tools.js';

/** What responses do not tell. No client may learn of `suppressed`, `proof_refused` and `code_expired`; the panel says so. */
export const EVENTS = [
  ...(['suppressed', 'limited', 'delivered', 'proof_refused', 'code_expired'] as const),
  ...(['redeemed', 'released'] as const),
];

/** In milliseconds: Redis may not respond at all. */
const READ_TIMEOUT = 1000;
const MAX_KEYS = 1000;

export function panelRouter(parts: MountedParts): Router {
  const { redis, store, verification, mailServer, streams } = parts;
  for (const name of EVENTS)
    verification.on(name, (event) => {
      const { email, duration, state, limit, reason, reference }: Record<string, unknown> = { ...event };
      if (isAttack(String(email))) return;
      const isOfEvent = ({ raw }: { raw: string }) => raw.includes(String(reference));
      const { subject } = mailServer?.messages.findLast(isOfEvent) ?? {};
      streams.send({ name, email, duration, detail: subject ?? state ?? limit ?? reason });
    });

  /** The keys of the address whose status is being read: only the store learns the digests in them. */
  const keysRead = new AsyncLocalStorage<Set<string>>();
  const readStatus = store.status?.bind(store);
  if (readStatus)
    store.status = (request, timeout) => {
      const mailbox = `ev:{${request.mailbox}}`;
      for (const key of [mailbox, mailbox + request.challenge]) keysRead.getStore()?.add(key);
      return readStatus(request, timeout);
    };

  async function readAll(email: unknown) {
    const own = new Set<string>();
    const status = email ? await keysRead.run(own, () => verification.status({ email })) : undefined;
    if (!redis) return { kind: 'memory', status, keys: [] };
    const others = isShared(parts) ? [] : (await redis.keys('ev:*')).slice(0, MAX_KEYS);
    const reads = [...new Set([...own, ...others])].map((key) => readKey(redis, key, own.has(key)));
    // A key that cannot be read, such as one of another type, hides no other.
    const keys = (await Promise.allSettled(reads)).flatMap((read) => ('value' in read ? [read.value] : []));
    return { kind: 'redis', status, keys: keys.filter(({ type }) => type !== 'none') };
  }

  const show = (view: string): RequestHandler => {
    return async ({ body }, res) => {
      const isTooLate = wait(READ_TIMEOUT, { kind: 'unavailable', keys: [] }, { ref: false });
      const read = await Promise.race([readAll(body?.email), isTooLate]).catch(() => isTooLate);
      const entries = Array.isArray(body?.entries) ? body.entries.map(Object) : [];
      res.render(view, { ...read, entries, unit: unitIn(textsOf(res).tag) });
    };
  };
  return express.Router().post('/panel', show('panel-story')).post('/receipt', show('receipt-story'));
}

async function readKey(redis: RedisClientType, key: string, isOwn: boolean) {
  const size = redis.memoryUsage(key).catch(() => 0);
  const [type, ttl, bytes] = await Promise.all([redis.type(key), redis.pTTL(key), size]);
  const values = type === 'hash' ? await redis.hGetAll(key) : { '': await redis.get(key) };
  return { key, isOwn, type, ttl, bytes: bytes ?? 0, values };
}

const unitIn = (tag: string) => (value: number, unit: string, unitDisplay?: 'long') =>
  value.toLocaleString(tag, { style: 'unit', unit, unitDisplay, maximumFractionDigits: 0 });
