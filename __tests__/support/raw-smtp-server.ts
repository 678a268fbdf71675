/** An SMTP server for trouble: at any stage it replies as scripted, stalls, hangs up or trickles. */
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { freePort } from './free-port.js';

/** `dot` is the end of the message. `starttls` is offered if the script has it; nothing follows its 220. */
export type Stage = 'greeting' | 'ehlo' | 'starttls' | 'auth' | 'mail' | 'rcpt' | 'data' | 'dot';

/** A reply line, no reply, the connection reset or closed, or an endless reply, one byte every so many ms. */
export type Reaction = `${number}${string}` | 'stall' | 'reset' | 'close' | { trickle: number };

export type Script = Partial<Record<Stage, Reaction>>;

export type RawSmtpServer = Awaited<ReturnType<typeof startRawSmtpServer>>;

/** Stages without a script succeed. The script is read at each stage, so a test may change it. */
export async function startRawSmtpServer(script: Script = {}, { host = '127.0.0.1' } = {}) {
  const sockets = new Set<Socket>();
  const received: string[] = [];
  let connections = 0;

  const server = createServer((socket) => {
    connections += 1;
    sockets.add(socket);
    let reading: 'commands' | 'message' | 'nothing' = 'commands';
    let rest = '';

    const react = (stage: Stage) => {
      const reaction = script[stage] ?? usual(stage, 'starttls' in script);
      perform(socket, reaction);
      return typeof reaction === 'string' ? reaction.slice(0, 3) : undefined;
    };
    const readCommand = (line: string) => {
      const stage = stageOf(line);
      if (!stage) return perform(socket, /^QUIT/i.test(line) ? '221 Bye' : '250 OK');
      const code = react(stage);
      if (code === '354') reading = 'message';
      if (code === '220') reading = 'nothing';
    };
    const readMessage = (line: string) => {
      if (line !== '.') return;
      reading = 'commands';
      react('dot');
    };

    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    socket.on('data', (data) => {
      if (reading === 'nothing') return;
      const lines = (rest + data).split('\r\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        received.push(line);
        if (reading === 'message') readMessage(line);
        else readCommand(line);
      }
    });
    react('greeting');
  });

  const port = await freePort();
  server.listen(port, host);
  await once(server, 'listening');

  return {
    url: `smtp://127.0.0.1:${port}`,
    port,
    /** All lines, of commands and messages. */
    received,
    get connections() {
      return connections;
    },
    get open() {
      return sockets.size;
    },
    /** After `close()`, on the same port. */
    async listenAgain() {
      server.listen(port, host);
      await once(server, 'listening');
    },
    async close() {
      if (!server.listening) return;
      server.close();
      await Promise.all([
        once(server, 'close'),
        ...Array.from(sockets, (socket) => once(socket.destroy(), 'close')),
      ]);
    },
  };
}

function stageOf(line: string): Stage | undefined {
  if (/^(EHLO|HELO|LHLO)/i.test(line)) return 'ehlo';
  if (/^MAIL FROM/i.test(line)) return 'mail';
  if (/^RCPT TO/i.test(line)) return 'rcpt';
  const word = line.split(' ', 1)[0]?.toLowerCase();
  return word === 'starttls' || word === 'auth' || word === 'data' ? word : undefined;
}

function usual(stage: Stage, offersTls: boolean): Reaction {
  if (stage === 'greeting') return '220 localhost ESMTP';
  if (stage === 'ehlo') return `250-localhost\r\n${offersTls ? '250-STARTTLS\r\n' : ''}250 AUTH PLAIN`;
  if (stage === 'starttls' && !offersTls) return '502 5.5.1 Not implemented';
  if (stage === 'auth') return '235 Welcome';
  return stage === 'data' ? '354 Go on' : '250 OK';
}

function perform(socket: Socket, reaction: Reaction): void {
  if (reaction === 'stall') return;
  if (reaction === 'reset') return void socket.resetAndDestroy();
  if (reaction === 'close') return void socket.end();
  if (typeof reaction === 'string') return void socket.write(`${reaction}\r\n`);
  const line = '250-still here\r\n';
  let sent = 0;
  const timer = setInterval(() => socket.write(line.charAt(sent++ % line.length)), reaction.trickle);
  socket.on('close', () => clearInterval(timer));
}
