/** A route with the metrics of verifications, for Prometheus to scrape. */

import { PrometheusExporter } from '@opentelemetry/exporter-prometheus';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import type { RequestHandler } from 'express';
import type { EmailVerification } from 'express-email-verification';
import { instrument } from 'express-email-verification/metrics';

/**
 * Mount it where only Prometheus can reach it: it reveals how many codes are requested and guessed.
 *
 * @example
 * internalApp.get('/metrics', createMetricsRoute(verification));
 */
export function createMetricsRoute(...verifications: EmailVerification[]): RequestHandler {
  const exporter = new PrometheusExporter({ preventServerStart: true });
  const provider = new MeterProvider({ readers: [exporter] });
  const meter = provider.getMeter('express-email-verification');
  for (const verification of verifications) instrument(verification, { meter });

  return function metrics(req, res) {
    exporter.getMetricsRequestHandler(req, res);
  };
}
