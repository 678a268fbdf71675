/** "What just happened": events as they happen, what Redis holds, and the lines of app.ts behind them. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { setTimeout as wait } from 'node:timers/promises';
import express, { type Router } from 'express';
import type { EmailVerification, Store } from 'express-email-verification';
import type { RedisClientType } from 'redis';
import { isAttack } from './attackers.js';
import type { EventStreams } from './event-streams.js';
import type { MailServer } from './mail-server.js';

export interface PanelParts {
  readonly redis: RedisClientType | undefined;
  readonly store: Store;
  readonly verification: EmailVerification;
  readonly mailServer: Pick<MailServer, 'messages'> | undefined;
  readonly streams: EventStreams;
}

/** What a request alone does not tell. No client may learn of `suppressed` and `code_expired`; the panel says so. */
export const EVENTS = ['suppressed', 'limited', 'delivered', 'code_expired', 'redeemed', 'released'] as const;

/** Milliseconds: Redis may not respond at all. */
const READ_TIMEOUT = 1000;
const MAX_KEYS = 1000;

export function panelRouter({ redis, store, verification, mailServer, streams }: PanelParts): Router {
  for (const name of EVENTS)
    verification.on(name, (event) => {
      const { email, duration, state, limit, reference }: Record<string, unknown> = { ...event };
      if (isAttack(String(email))) return;
      const isOfEvent = ({ raw }: { raw: string }) => raw.includes(String(reference));
      const { subject } = mailServer?.messages.findLast(isOfEvent) ?? {};
      streams.send({ name, email, duration, detail: subject ?? state ?? limit });
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
    const names = new Set(own);
    for await (const found of redis.scanIterator({ MATCH: 'ev:*', COUNT: 1000 })) {
      for (const key of found) names.add(key);
      if (names.size > MAX_KEYS) break;
    }
    const keys = await Promise.all([...names].map((key) => readKey(redis, key, own.has(key))));
    return { kind: 'redis', status, keys: keys.filter(({ type }) => type !== 'none') };
  }

  return express.Router().all('/redis', express.json(), async (req, res) => {
    const { email }: Record<string, unknown> = Object(req.body);
    const isTooLate = wait(READ_TIMEOUT, undefined, { ref: false });
    const found = await Promise.race([readAll(email), isTooLate]).catch(() => undefined);
    res.status(found ? 200 : 503).json(found ?? { kind: 'unavailable', keys: [] });
  });
}

async function readKey(redis: RedisClientType, key: string, isOwn: boolean) {
  const [type, ttl, bytes] = await Promise.all([redis.type(key), redis.pTTL(key), redis.memoryUsage(key)]);
  const values = type === 'hash' ? await redis.hGetAll(key) : { '': await redis.get(key) };
  return { key, isOwn, type, ttl, bytes, values };
}
