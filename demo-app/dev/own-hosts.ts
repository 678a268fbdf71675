/** Against DNS rebinding: a site whose name points to this computer must not read the codes of the inbox. */
import type { RequestListener } from 'node:http';
import { isIP } from 'node:net';
import type { DemoSettings } from '../settings.js';

/** Responds only to names that are ours. An IP address is none that a site could have. */
export function onlyOwnHosts({ host, origin }: Pick<DemoSettings, 'host' | 'origin'>, app: RequestListener) {
  const own = ['localhost', host.toLowerCase(), new URL(origin).hostname];
  const listener: RequestListener = (req, res) => {
    const url = `http://${req.headers.host}`;
    const name = URL.canParse(url) ? new URL(url).hostname : '';
    if (isIP(name.replace(/^\[|\]$/g, '')) || own.includes(name)) return app(req, res);
    res.writeHead(421, { 'Content-Type': 'text/plain' });
    res.end(`In development, the demo is only at ${origin}. To use another name, set HOST or ORIGIN.\n`);
  };
  return listener;
}
