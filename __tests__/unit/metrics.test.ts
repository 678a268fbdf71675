/** The metrics of a verification, as the SDK of OpenTelemetry collects them. */
import { metrics } from '@opentelemetry/api';
import {
  AggregationTemporality,
  type HistogramMetricData,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import {
  createEmailVerification,
  type EmailVerificationOptions,
  MemoryStore,
} from 'express-email-verification';
import { instrument } from 'express-email-verification/metrics';
import request from 'supertest';
import { createTestApp, FROM, SECRET } from '../support/app.js';

const email = 'person@example.com';

function startMetrics() {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 });
  const provider = new MeterProvider({ readers: [reader] });
  providers.push(provider);

  /** Every metric that has points, without the prefix of its name and attributes. */
  async function collect() {
    exporter.reset();
    await provider.forceFlush();
    const collected = exporter.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics);
    return collected
      .flatMap((scope) => scope.metrics)
      .map((metric) => ({
        name: without(metric.descriptor.name),
        unit: metric.descriptor.unit,
        points: metric.dataPoints.map(({ attributes, value }) => ({
          attributes: Object.fromEntries(Object.entries(attributes).map(([name, of]) => [without(name), of])),
          value,
        })),
      }));
  }
  /** The values of one metric, each with its attributes in short. */
  async function valuesOf(name: string): Promise<Record<string, unknown>> {
    const points = (await collect())
      .filter((metric) => metric.name === name)
      .flatMap((metric) => metric.points);
    return Object.fromEntries(
      points.map(({ attributes, value }) => [
        Object.entries(attributes)
          .filter(([attribute]) => attribute !== 'purpose')
          .map(([, text]) => text)
          .join(' '),
        typeof value === 'number' ? value : value.count,
      ]),
    );
  }
  return { provider, meter: provider.getMeter('test'), exporter, collect, valuesOf };
}

const without = (name: string) => name.replace(/^email_verification\./, '');
const providers: MeterProvider[] = [];
afterEach(async () => {
  for (const provider of providers.splice(0)) await provider.shutdown();
});

function start(options: Partial<EmailVerificationOptions> = {}) {
  const codes: string[] = [];
  const verification = createEmailVerification({
    ...{ store: new MemoryStore(), transport: 'smtp://127.0.0.1:1', from: FROM, secret: SECRET },
    sendLimits: [{ max: 2, window: 60 }],
    delivery: async ({ text }) => void codes.push(/\b\d{6}\b/.exec(text)?.[0] ?? ''),
    ...options,
  });
  return { verification, codes };
}

const wrongOf = (code = '') => (code === '000000' ? '000001' : '000000');

it('counts and measures sends, attempts, tokens and emails, by their outcomes', async () => {
  const { meter, collect, valuesOf } = startMetrics();
  const { verification, codes } = start();
  instrument(verification, { meter });
  await verification.send({ email });
  await verification.send({ email });
  await verification.send({ email });
  await verification.verify({ email, code: wrongOf(codes[0]) });
  await verification.verify({ email: 'nobody@example.com', code: '123456' });
  const verified = await verification.verify({ email, code: codes[0] });
  if (verified.kind !== 'verified') throw new Error(verified.kind);
  const { verificationToken } = verified;
  const redeemed = await verification.redeem({ email, verificationToken });
  if (redeemed.kind !== 'redeemed') throw new Error(redeemed.kind);
  await verification.release(redeemed);

  expect(await valuesOf('sends')).toEqual({ sent: 2, 'limited mailbox': 1 });
  expect(await valuesOf('attempts')).toEqual({
    code_incorrect: 1,
    'code_expired no_live_code': 1,
    verified: 1,
  });
  expect(await valuesOf('tokens')).toEqual({ redeemed: 1, released: 1 });
  expect(await valuesOf('emails')).toEqual({ delivered: 2 });
  expect(await valuesOf('email.duration')).toEqual({ delivered: 2 });
  expect(await valuesOf('operation.duration')).toEqual({
    'send sent': 2,
    'send limited': 1,
    'verify code_incorrect': 1,
    'verify code_expired': 1,
    'verify verified': 1,
    'redeem redeemed': 1,
    'release released': 1,
  });
  const units = Object.fromEntries((await collect()).map(({ name, unit }) => [name, unit]));
  expect(units).toMatchObject({ sends: '{send}', 'operation.duration': 's', 'queue.size': '{email}' });
});

it('counts a browser proof as a send that verified, and refused ones by reason', async () => {
  const { meter, valuesOf } = startMetrics();
  let reason: string | undefined;
  const { verification } = start({
    browserProof: {
      check: async () => (reason ? { kind: 'refused', reason } : { kind: 'accepted', email }),
    },
  });
  instrument(verification, { meter });
  const prove = () => verification.send({ email, proof: 'x', nonce: verification.createNonce().nonce });
  await prove();
  for (reason of ['audience', 'anything that has no form']) await prove();
  expect(await valuesOf('sends')).toEqual({ verified: 1, sent: 2 });
  expect(await valuesOf('attempts')).toEqual({});
  expect(await valuesOf('refused_proofs')).toEqual({ audience: 1, other: 1 });
  expect(await valuesOf('operation.duration')).toEqual({ 'send verified': 1, 'send sent': 2 });
});

it('measures durations in seconds, in buckets made for them', async () => {
  const { meter, provider, exporter } = startMetrics();
  const pause = () => new Promise<void>((resolve) => setTimeout(resolve, 300));
  const { verification } = start({
    beforeSend: pause,
    delivery: pause,
    sendLimits: [{ max: 1, window: 60 }],
  });
  instrument(verification, { meter });
  await verification.send({ email });
  await verification.send({ email });
  await provider.forceFlush();
  const [collected] = exporter.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics);
  const valuesOf = (name: string) =>
    collected?.metrics
      .filter((metric): metric is HistogramMetricData => metric.descriptor.name === name)
      .flatMap(({ dataPoints }) => dataPoints.map(({ value }) => value));
  const emails = valuesOf('email_verification.email.duration');
  // One was sent, and one was limited.
  const operations = valuesOf('email_verification.operation.duration');
  expect([emails?.length, operations?.length]).toEqual([1, 2]);
  for (const { sum } of [...(emails ?? []), ...(operations ?? [])]) {
    expect(sum).toBeGreaterThanOrEqual(0.29);
    expect(sum).toBeLessThan(60);
  }
  expect(emails?.[0]?.buckets.boundaries).toContain(120);
  expect(operations?.[0]?.buckets.boundaries).toContain(0.005);
});

it('counts refused and suppressed sends, and limits of clients', async () => {
  const { meter, valuesOf } = startMetrics();
  const verdicts = [{ kind: 'refuse' }, { kind: 'suppress' }] as const;
  let sends = 0;
  const { app, verification } = createTestApp({
    ...{ store: new MemoryStore(), transport: 'smtp://127.0.0.1:1', delivery: async () => {} },
    beforeSend: () => verdicts[sends++],
    rateLimit: { send: { limit: 2 }, verify: { limit: 1 } },
  });
  instrument(verification, { meter });
  for (let n = 0; n < 3; n += 1) await request(app).post('/ev/send').send({ email });
  for (let n = 0; n < 2; n += 1) await request(app).post('/ev/verify').send({ email, code: '123456' });
  expect(await valuesOf('sends')).toEqual({ refused: 1, suppressed: 1, 'limited client': 1 });
  expect(await valuesOf('attempts')).toEqual({ code_incorrect: 1, 'limited client': 1 });
  // The limit is reached before the operation, so that it has no duration.
  expect(Object.keys(await valuesOf('operation.duration'))).not.toContain('send limited');
});

it.each([
  [{ responseCode: 550 }, 'failed 550'],
  [{ statusCode: 429 }, 'failed 429'],
  [{ code: 'ECONNREFUSED' }, 'failed ECONNREFUSED'],
  [{ unknown: true, code: 'ETIMEDOUT' }, 'unknown ETIMEDOUT'],
])('counts an email that fails with %j by the type of its error', async (fields, point) => {
  const { meter, valuesOf } = startMetrics();
  const { verification } = start({ delivery: () => Promise.reject(Object.assign(new Error('no'), fields)) });
  instrument(verification, { meter });
  await verification.send({ email });
  expect(await valuesOf('emails')).toEqual({ [point]: 1 });
});

it('counts operations that the store could not carry out', async () => {
  const { meter, valuesOf } = startMetrics();
  const store = new MemoryStore();
  for (const operation of ['open', 'attempt', 'status'] as const)
    jest.spyOn(store, operation).mockRejectedValue(new Error('no connection'));
  const { verification } = start({ store });
  instrument(verification, { meter });
  await verification.send({ email });
  await verification.verify({ email, code: '123456' });
  await verification.status({ email });
  expect(await valuesOf('unavailable')).toEqual({ send: 1, verify: 1, status: 1 });
});

it('observes how many emails are in memory', async () => {
  const { meter, valuesOf } = startMetrics();
  const underWay: (() => void)[] = [];
  const { verification } = start({ delivery: () => new Promise((resolve) => void underWay.push(resolve)) });
  instrument(verification, { meter });
  expect(await valuesOf('queue.size')).toEqual({ '': 0 });
  const sends = ['a', 'b', 'c'].map((person) => verification.send({ email: `${person}@example.com` }));
  while (underWay.length < 3) await new Promise((resolve) => setImmediate(resolve));
  expect(await valuesOf('queue.size')).toEqual({ '': 3 });
  for (const resolve of underWay) resolve();
  await Promise.all(sends);
  expect(await valuesOf('queue.size')).toEqual({ '': 0 });
});

it('tells purposes apart, and no attribute holds an address, an IP or a code', async () => {
  const { meter, collect } = startMetrics();
  const all = [start(), start({ purpose: 'login' })];
  for (const { verification } of all) instrument(verification, { meter });
  for (const { verification, codes } of all) {
    await verification.send({ email });
    await verification.verify({ email, code: codes[0] });
  }
  const attributes = (await collect()).flatMap(({ points }) => points.map((point) => point.attributes));
  expect(new Set(attributes.map(({ purpose }) => purpose))).toEqual(new Set(['signup', 'login']));
  const text = JSON.stringify(attributes);
  for (const secret of ['person', 'p***', ...all.flatMap(({ codes }) => codes)])
    expect(text).not.toContain(secret);
});

it('stops all of it', async () => {
  const { meter, collect } = startMetrics();
  const { verification } = start();
  const stop = instrument(verification, { meter });
  stop();
  stop();
  await verification.send({ email });
  expect((await collect()).flatMap(({ points }) => points)).toEqual([]);
});

it('uses the global meter provider by default', async () => {
  const { provider, valuesOf } = startMetrics();
  metrics.setGlobalMeterProvider(provider);
  try {
    const { verification } = start();
    instrument(verification);
    await verification.send({ email });
    expect(await valuesOf('sends')).toEqual({ sent: 1 });
  } finally {
    metrics.disable();
  }
});

it('refuses anything but a verification, anything but a meter, and unknown options', () => {
  const { verification } = start();
  expect(() => instrument({} as never)).toThrow('must be what createEmailVerification() returned');
  expect(() => instrument(verification, { meter: {} as never })).toThrow(
    'The `meter` option of instrument() must be a meter of OpenTelemetry',
  );
  expect(() => instrument(verification, { metre: undefined } as never)).toThrow(
    'Unknown option `metre` of instrument(). Did you mean `meter`?',
  );
});
