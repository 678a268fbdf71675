/**
 * What became of each email that /send has answered for, and what each kill has cost: seen from outside, by the answers that
 * people get and the emails that arrive.
 */
export type Ledger = ReturnType<typeof createLedger>;
export type Incident = ReturnType<typeof createIncident>;
export type Cost = keyof Incident['cost'];

/** An email that somebody waits for. */
interface Expected {
  readonly resolve: (code: string | undefined) => void;
  /** When /send answered. Before, nothing was promised. */
  sentAt?: number;
  code?: string;
  incident?: Incident | undefined;
}

/** An email that takes longer than this, in ms, is late. */
const LATE = 5000;
/** For how long a kill may be the cause of what happens, in ms. */
const INCIDENT = 60_000;
/** An email that has neither arrived nor failed by then, in ms, is lost: its code has expired. */
const LOST = 200_000;
/** How long ago a worker may have sent an email that it could not mark as sent, in ms. */
const UNCONFIRMED = 2000;
const MAX_INCIDENTS = 10;

/** Everybody has a domain of their own, by which the masked addresses of events are told apart. */
export const addressIn = (domain: string) => `person@${domain}`;

export function createLedger(now: () => number = Date.now) {
  const expected = new Map<string, Expected>();
  /** The emails of the last minutes, by their Message-ID. */
  const arrivals = new Map<string, { readonly at: number; incident: Incident | undefined }>();
  const incidents: Incident[] = [];
  const totals = { ...noCost(), begun: 0, answered: 0, signedUp: 0 };

  function count(cost: Cost, incident = currentIncident()): void {
    totals[cost] += 1;
    if (!incident) return;
    incident.cost[cost] += 1;
    if (cost === 'failedRequests') incident.lastFailureAt = now();
  }

  function currentIncident(): Incident | undefined {
    const latest = incidents.at(-1);
    return latest && now() - latest.at < INCIDENT ? latest : undefined;
  }

  function settle(email: string, { sentAt = now(), code, incident, resolve }: Expected): void {
    const delay = now() - sentAt;
    expected.delete(email);
    if (code !== undefined && delay > LATE) count('late', incident);
    if (incident) incident.slowest = Math.max(incident.slowest, delay);
    resolve(code);
  }

  return {
    totals,
    incidents,
    count,
    /** Resolves to the code, or to nothing if it will not come. Call it before /send, because an email may overtake the answer. */
    expectCode: (email: string) =>
      new Promise<string | undefined>((resolve) => expected.set(email, { resolve })),
    answered(email: string): void {
      const one = expected.get(email);
      if (!one) return;
      totals.answered += 1;
      Object.assign(one, { sentAt: now(), incident: currentIncident() });
      if (one.code !== undefined) settle(email, one);
    },
    /** /send did not succeed, so that nothing was promised. */
    refused: (email: string) => void expected.delete(email),
    received(email: string, code: string, messageId: string): void {
      const first = arrivals.get(messageId);
      if (first) return void count('twice', first.incident);
      const one = expected.get(email);
      arrivals.set(messageId, { at: now(), incident: one?.incident });
      if (!one) return;
      one.code = code;
      if (one.sentAt) settle(email, one);
    },
    /** A worker said that the email was not sent, or may not have been. */
    undelivered(domain: string): void {
      const email = addressIn(domain);
      const one = expected.get(email);
      if (!one) return;
      count('undelivered', one.incident);
      settle(email, one);
    },
    /** How many emails have been promised and are not there yet. */
    onTheirWay: () => [...expected.values()].filter(({ sentAt }) => sentAt).length,
    /** How many of those that a kill may have delayed are late already. */
    overdue: (incident: Incident) =>
      [...expected.values()].filter(
        (one) => one.incident === incident && now() - (one.sentAt ?? now()) > LATE,
      ).length,
    killed(name: string): void {
      const incident = createIncident(name, now());
      incidents.push(incident);
      incidents.splice(0, incidents.length - MAX_INCIDENTS);
      for (const one of expected.values()) one.incident = incident;
      for (const one of arrivals.values()) if (now() - one.at < UNCONFIRMED) one.incident = incident;
    },
    /** Finds what was lost. Call it now and then. */
    sweep(): void {
      for (const [email, one] of expected) {
        if (!one.sentAt || now() - one.sentAt < LOST) continue;
        count('lost', one.incident);
        settle(email, one);
      }
      for (const [messageId, { at }] of arrivals) if (now() - at > LOST) arrivals.delete(messageId);
    },
  };
}

/** `refusedCodes`: right ones, of which the state was lost. `twice`: the same email once more. */
function noCost() {
  return { failedRequests: 0, late: 0, twice: 0, undelivered: 0, refusedCodes: 0, gaveUp: 0, lost: 0 };
}

function createIncident(name: string, at: number) {
  /** `slowest`: the longest that an email took which was under way, or was requested within the minute, in ms. */
  return { name, at, slowest: 0, lastFailureAt: at, cost: noCost() };
}
