/** Reports the package's metrics to the process that started this one, twice a second. */
import type { Attributes } from '@opentelemetry/api';
import {
  AggregationTemporality,
  AggregationType,
  DataPointType,
  InstrumentType,
  MeterProvider,
  PeriodicExportingMetricReader,
  type PushMetricExporter,
} from '@opentelemetry/sdk-metrics';
import { instrument } from 'express-email-verification/metrics';
import { type Measurement, report } from './report.js';

const INTERVAL = 500;

/** The upper bounds of the buckets of durations, in seconds: each is a fifth more than the one before, up to 5 minutes. */
const BOUNDARIES = Array.from({ length: 70 }, (_, n) => 0.001 * 1.2 ** n);

export function reportMetrics(source: Parameters<typeof instrument>[0]): void {
  const reader = new PeriodicExportingMetricReader({
    exporter,
    exportIntervalMillis: INTERVAL,
    exportTimeoutMillis: INTERVAL,
  });
  const aggregation = {
    type: AggregationType.EXPLICIT_BUCKET_HISTOGRAM,
    options: { boundaries: BOUNDARIES, recordMinMax: false },
  } as const;
  const provider = new MeterProvider({
    readers: [reader],
    views: [{ instrumentName: '*.duration', aggregation }],
  });
  instrument(source, { meter: provider.getMeter('express-email-verification') });
}

const exporter: PushMetricExporter = {
  export({ scopeMetrics }, done) {
    const metrics = scopeMetrics.flatMap(({ metrics }) =>
      metrics.flatMap((metric): Measurement[] => {
        const { name } = metric.descriptor;
        if (metric.dataPointType === DataPointType.SUM)
          return metric.dataPoints.map(({ attributes, value }) => ({ name, ...labels(attributes), value }));
        if (metric.dataPointType !== DataPointType.HISTOGRAM) return [];
        return metric.dataPoints.map(({ attributes, value: { buckets } }) => ({
          ...{ name, ...labels(attributes) },
          value: buckets,
        }));
      }),
    );
    if (metrics.length > 0) report({ kind: 'metrics', metrics });
    done({ code: 0 });
  },
  selectAggregationTemporality: (type) =>
    type === InstrumentType.OBSERVABLE_UP_DOWN_COUNTER
      ? AggregationTemporality.CUMULATIVE
      : AggregationTemporality.DELTA,
  forceFlush: async () => {},
  shutdown: async () => {},
};

function labels(attributes: Attributes) {
  const label = (name: string) => String(attributes[`email_verification.${name}`] ?? '');
  return { purpose: label('purpose'), operation: label('operation'), outcome: label('outcome') };
}
