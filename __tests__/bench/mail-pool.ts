/** A nodemailer pool and nothing else: as many mails under way as it has connections, for as long as it is told. */
import nodemailer from 'nodemailer';
import { answerParent, childArgument } from './child.js';
import { messageFor } from './servers/message.js';

const { smtpPort, poolSize, maxMessages } = childArgument<{
  smtpPort: number;
  poolSize: number;
  maxMessages: number | undefined;
}>();
const transporter = nodemailer.createTransport({
  host: '127.0.0.1',
  port: smtpPort,
  pool: true,
  maxConnections: poolSize,
  ...(maxMessages !== undefined && { maxMessages }),
});

answerParent({
  async run(seconds: number) {
    const { user, system } = process.cpuUsage();
    const start = performance.now();
    let mails = 0;
    await Promise.all(
      Array.from({ length: poolSize }, async () => {
        while (performance.now() < start + seconds * 1000) {
          await transporter.sendMail(messageFor(`person-${mails}@example.com`, '123456'));
          mails += 1;
        }
      }),
    );
    const used = process.cpuUsage({ user, system });
    return {
      perSecond: mails / ((performance.now() - start) / 1000),
      cpuEach: (used.user + used.system) / mails,
    };
  },
});
