/** The proxy in front of the app: the processes take turns, and if one is not there, another gets its request. */
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { pipeline } from 'node:stream/promises';
import type { RequestHandler } from 'express';

/** In bytes. The routes of the package take 16 kB at most. */
const MAX_BODY = 1_000_000;

/** @param portsOf the ports of the processes, on 127.0.0.1 */
export function createProxy(portsOf: () => readonly number[]): RequestHandler {
  let turn = 0;
  return async (req, res) => {
    const { method, originalUrl: path, socket } = req;
    const { connection, 'x-forwarded-for': forwarded, ...headers } = req.headers;
    headers['X-Forwarded-For'] = [forwarded ?? [], socket.remoteAddress ?? []].flat().join(', ');
    const body = await read(req).catch(() => 'aborted' as const);
    if (body === 'aborted') return;
    if (body === 'too_large')
      return void res.status(413).set('Connection', 'close').json({ ok: false, reason: 'too_large' });
    const gone = new AbortController();
    res.once('close', () => gone.abort());

    const ports = portsOf();
    turn += 1;
    for (const n of ports.keys()) {
      const port = ports[(turn + n) % ports.length];
      try {
        const target = { host: '127.0.0.1', port, method, path, headers, agent: false, signal: gone.signal };
        const [response] = await once(request(target).end(body), 'response');
        const { connection, ...theirs } = response.headers;
        res.writeHead(response.statusCode, theirs);
        return await pipeline(response, res);
      } catch (error) {
        // Only a request that did not arrive may be sent again: any other may have been carried out.
        if (Object(error).code !== 'ECONNREFUSED') break;
      }
    }
    if (res.headersSent) res.destroy();
    else res.status(502).json({ ok: false, reason: 'bad_gateway' });
  };
}

/** Kept as a whole, so that it can be sent again. */
async function read(req: IncomingMessage): Promise<Buffer | 'too_large'> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of req.iterator({ destroyOnReturn: false })) {
    size += chunk.length;
    if (size > MAX_BODY) return 'too_large';
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
