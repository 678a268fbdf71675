/** The inputs of lib/operations/scale.md: assumptions, figures of `npm run bench -- scale` and scale-memory.test.ts, prices. */

/** How people behave, and how much of a machine may be used. */
export const ASSUMED = {
  verificationsADay: 100_000_000,
  /** People who request a code, for each one who verifies an address. */
  people: 1.25,
  /** Emails for each of these people: some request another code. */
  emails: 1.1,
  /** Requests to /verify for each address that is verified: some mistype. */
  tries: 1.2,
  /** The busiest time of the day, compared with the mean. */
  peak: 3,
  /** From the first email to the right code, in seconds. */
  entersAfter: 60,
  /** How much of a core, of the thread of a Redis, and of its memory is used at the peak. */
  used: 0.6,
  /** Bytes of a request and its response, with headers and TLS. */
  request: 2000,
  /** The rate of the provider, compared with the peak. */
  spareRate: 1.25,
} as const;

/** Microseconds of CPU, and bytes on the network. */
export const COSTS = {
  send: { process: 400, store: 55, storeBytes: 600, queue: 45, queueBytes: 2100 },
  verify: { process: 165, store: 30, storeBytes: 260, queue: 0, queueBytes: 0 },
  signUp: { process: 190, store: 20, storeBytes: 215, queue: 0, queueBytes: 0 },
  email: { process: 435, store: 0, storeBytes: 0, queue: 105, queueBytes: 2750 },
} as const;

export const WORKER = {
  /** Emails a second with 100 connections to a mail server 50 ms away, and with the 5 of the default. */
  farPerSecond: 480,
  defaultPerSecond: 24,
  connections: 100,
  /** What it sends for an email, in bytes. */
  emailBytes: 5300,
} as const;

/** In Redis, as a node of a cluster. */
export const BYTES = {
  /** For a day after the last email. */
  mailbox: 165,
  /** Until `ended` after its last code or token has ended. */
  challenge: 240,
  client: 160,
  job: 2400,
} as const;

/** In seconds: the defaults of the options, and constants of the package. */
export const TIMES = {
  codeTtl: 180,
  /** A challenge is kept for so long after its code has ended; a token is valid for as long. */
  kept: 900,
  clientWindow: 600,
  /** A code with less validity left is not emailed. */
  minRemaining: 30,
  /** The delays between the tries of an email; the last one repeats. */
  retries: [1, 3, 10],
  mailTimeout: 10,
} as const;

/** What a provider may allow a new account: an example. */
export const QUOTA = { perSecond: 14, perDay: 50_000 } as const;

export const REDIS_GB = 8;

/** US dollars. */
export const PRICES = { thousandEmails: 0.1, redisGbMonth: 10, coreMonth: 25, gbOut: 0.09 } as const;
