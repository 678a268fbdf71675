/** A mail server that accepts and discards every message, as fast or as slowly as configured. */
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { generate } from 'selfsigned';
import { answerParent } from './child.js';

export interface SinkCount {
  readonly messages: number;
  /** When the newest message arrived, by `Date.now()`. */
  readonly lastAt: number;
  /** What clients have sent in total, with all commands. */
  readonly bytes: number;
}

/** Milliseconds before each reply, and before the reply that accepts a message. */
export interface SinkDelay {
  readonly reply: number;
  readonly message: number;
}

let count: SinkCount = { messages: 0, lastAt: 0, bytes: 0 };
let delay: SinkDelay = { reply: 0, message: 0 };

function serve(socket: Socket): void {
  let text = '';
  let inMessage = false;
  socket.setEncoding('latin1');
  socket.setNoDelay(true);
  socket.on('error', () => {});
  socket.on('data', (data: string) => {
    text += data;
    count = { ...count, bytes: count.bytes + data.length };
    for (;;) {
      const mark = inMessage ? '\r\n.\r\n' : '\r\n';
      const at = text.indexOf(mark);
      if (at < 0) {
        if (inMessage) text = text.slice(-4);
        return;
      }
      const line = inMessage ? '.' : text.slice(0, at);
      text = text.slice(at + mark.length);
      inMessage = /^DATA/i.test(line);
      say(socket, line);
    }
  });
  socket.write('220 sink ESMTP\r\n');
}

function say(socket: Socket, line: string): void {
  const isMessage = line === '.';
  if (isMessage) count = { ...count, messages: count.messages + 1, lastAt: Date.now() };
  const reply = REPLIES[line.slice(0, 4).toUpperCase()] ?? '250 OK';
  const wait = isMessage ? delay.message : delay.reply;
  if (wait === 0) socket.write(`${reply}\r\n`);
  else setTimeout(() => socket.write(`${reply}\r\n`), wait);
}

const REPLIES: Readonly<Record<string, string>> = {
  EHLO: '250-sink\r\n250 AUTH PLAIN',
  AUTH: '235 Welcome',
  DATA: '354 Go on',
  QUIT: '221 Bye',
};

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return typeof address === 'object' && address ? address.port : 0;
}

answerParent({
  listen: () => listen(createServer(serve)),
  /** TLS from the first byte. */
  async listenWithTls() {
    const made = await generate([{ name: 'commonName', value: 'localhost' }], { algorithm: 'sha256' });
    return listen(createTlsServer({ key: made.private, cert: made.cert }, serve));
  },
  count: () => count,
  delay(next: SinkDelay) {
    delay = next;
  },
});
