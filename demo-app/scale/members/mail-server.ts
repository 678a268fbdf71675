/** The mail server. It takes as long as one of a provider does, and reports the codes, as if people had read them. */
import { setTimeout as wait } from 'node:timers/promises';
import { startMailServer } from '../../dev/mail-server.js';
import { report, untilTold } from './report.js';

/** In ms: at least, and on average on top of it. Few take much longer. */
const [SHORTEST, AVERAGE, LONGEST] = [50, 100, 2000];

async function main(): Promise<void> {
  const server = await startMailServer({
    maxClients: 1000,
    async accept(message) {
      await wait(SHORTEST + Math.min(-Math.log(1 - Math.random()) * AVERAGE, LONGEST));
      const [to = ''] = message.envelope.to;
      const messageId = /^message-id: *(\S+)/im.exec(message.raw)?.[1] ?? '';
      const code = /^\d{6}$/m.exec(message.text)?.[0] ?? '';
      report({ kind: 'email', to, code, messageId });
    },
  });
  report({ kind: 'ready', port: Number(new URL(server.url).port) });
  await untilTold(server.close);
}

void main();
