/** A bare pool: keeps as many messages under way as it has connections, for a given time. */
import nodemailer from 'nodemailer';
import { createSmtpPool } from '../../lib/mail/smtp/pool.js';
import { answerParent, childArgument } from './child.js';
import { messageFor } from './servers/message.js';

export interface PoolSettings {
  readonly smtpPort: number;
  /** With TLS and a login. */
  readonly secure: boolean;
  readonly pool: 'nodemailer' | 'ours';
  readonly maxConnections: number;
  readonly maxMessages: number;
}

const { smtpPort, secure, pool, ...limits } = childArgument<PoolSettings>();
const login = { auth: { user: 'acme', pass: 'open-sesame' }, tls: { rejectUnauthorized: false } };
const options = {
  ...{ host: '127.0.0.1', port: smtpPort, pool: true, secure },
  ...(secure && login),
  ...limits,
} as const;
const transporter =
  pool === 'ours' ? createSmtpPool(options).transporter : nodemailer.createTransport(options);

answerParent({
  async run(seconds: number) {
    const { user, system } = process.cpuUsage();
    const start = performance.now();
    let messages = 0;
    await Promise.all(
      Array.from({ length: limits.maxConnections }, async () => {
        while (performance.now() < start + seconds * 1000) {
          await transporter.sendMail(messageFor(`person-${messages}@example.com`, '123456'));
          messages += 1;
        }
      }),
    );
    const used = process.cpuUsage({ user, system });
    return {
      perSecond: messages / ((performance.now() - start) / 1000),
      cpuEach: (used.user + used.system) / messages,
    };
  },
});
