/** What nodemailer's pool can do by itself, by its size and the mail server's latency: the roof over /send. */
import type { Lab } from '../lab.js';
import { progress, table, whole } from '../table.js';

const SECONDS = 1;

export async function mail(lab: Lab): Promise<string> {
  const rows: string[][] = [];
  for (const { poolSize, maxMessages } of [
    { poolSize: 1, maxMessages: 10_000 },
    { poolSize: 5, maxMessages: undefined },
    { poolSize: 5, maxMessages: 10_000 },
    { poolSize: 20, maxMessages: 10_000 },
  ]) {
    const pool = lab.child('mail-pool.js', { smtpPort: lab.sink.port, poolSize, maxMessages });
    const cells: string[] = [];
    for (const latency of [0, 50]) {
      progress(`mail: a pool of ${poolSize}, ${latency} ms of latency`);
      await lab.sink.delay({ reply: 0, mail: 0 });
      await pool.ask('run', 0.3);
      await lab.sink.delay({ reply: latency, mail: latency });
      const { perSecond, cpuEach } = await pool.ask<{ perSecond: number; cpuEach: number }>('run', SECONDS);
      cells.push(whole(perSecond), whole(cpuEach));
    }
    await pool.stop();
    rows.push([
      `pool of ${poolSize}, ${maxMessages === undefined ? "nodemailer's 100" : whole(maxMessages)} mails a connection`,
      ...cells,
    ]);
  }
  return table(['nodemailer alone', 'mails/s', 'CPU µs', 'mails/s, 50 ms a reply', 'CPU µs'], rows);
}
