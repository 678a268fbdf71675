/** Server-sent events for the pages that a developer has open. */
import type { Request, Response } from 'express';

export type EventStreams = ReturnType<typeof createEventStreams>;

/** Bytes that may wait for a page. One that stops reading loses its stream, and connects again when it wakes up. */
const MAX_WAITING = 65_536;

export function createEventStreams() {
  const streams = new Set<Response>();
  return {
    connect({ method }: Request, res: Response): void {
      if (method === 'HEAD') return void res.end();
      // Otherwise, the connection would outlast the stream for seconds, and keep the server from closing.
      res.set('Connection', 'close').type('text/event-stream').write(': open\n\n');
      streams.add(res.on('close', () => streams.delete(res)));
    },
    send(event: Readonly<Record<string, unknown>>): void {
      for (const stream of streams) {
        if (stream.writableLength > MAX_WAITING) stream.destroy();
        else stream.write(`data: ${JSON.stringify(event)}\n\n`);
      }
    },
    /** Open streams would keep the server from closing. */
    end(): void {
      for (const stream of streams) stream.end();
    },
  };
}
