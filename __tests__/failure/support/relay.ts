/** A scripted relay: a mail server with the limits and quirks of real ones. */
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { freePort } from '../../support/free-port.js';
import { ownTime } from '../../support/own-time.js';

/** `dot` is the end of the message, `quit` the end of the session. */
export type Stage = 'greeting' | 'ehlo' | 'auth' | 'mail' | 'rcpt' | 'data' | 'dot' | 'rset' | 'quit';

/** A reply; a reply followed by a hang-up; a hang-up without a reply; a reset; or silence from then on. */
export type Reaction =
  | `${number}${string}`
  | { say: `${number}${string}`; thenClose: true }
  | 'close'
  | 'reset'
  | 'forget';

/** Where a session is when the relay is about to reply. */
export interface Moment {
  readonly stage: Stage;
  /** The client's line, without the line break. */
  readonly line: string;
  /** Open sessions, including this one, and how many of them were greeted, at the moment of reading. */
  readonly open: number;
  readonly greeted: number;
  /** The session's own number, from 1. */
  readonly session: number;
  /** Messages the session has accepted, its refusals, and the ms since its last command. */
  readonly taken: number;
  readonly refused: number;
  readonly idle: number;
}

/** Overrides the usual reply; the first rule that returns something decides. */
export type Rule = (at: Moment) => Reaction | undefined | Promise<Reaction | undefined>;

export interface Taken {
  readonly to: string;
  readonly text: string;
  /** The session it came in, and its position among that session's messages, from 1. */
  readonly session: number;
  readonly nth: number;
  /** By `ownTime()`. */
  readonly at: number;
}

export type Relay = Awaited<ReturnType<typeof startRelay>>;

export async function startRelay(...rules: Rule[]) {
  const sockets = new Set<Socket>();
  const greeted = new Set<Socket>();
  const leaving = new Set<Socket>();
  const taken: Taken[] = [];
  const commands: string[] = [];
  let sessions = 0;
  let mostOpen = 0;
  let mostRefused = 0;
  let extensions: readonly string[] = ['AUTH PLAIN'];

  const server = createServer((socket) => {
    sessions += 1;
    sockets.add(socket);
    mostOpen = Math.max(mostOpen, sockets.size);
    const session = {
      number: sessions,
      taken: 0,
      refused: 0,
      lastCommandAt: performance.now(),
      forgotten: false,
    };
    let reading: 'commands' | 'message' = 'commands';
    let rest = '';
    let to = '';
    let text = '';
    let turn = Promise.resolve();

    /** The session no longer counts; the client may close its end when it likes. */
    function hangUp(): void {
      socket.end();
      leaving.add(socket);
      sockets.delete(socket);
      greeted.delete(socket);
    }

    async function reply(stage: Stage, line: string): Promise<void> {
      if (session.forgotten || socket.destroyed) return;
      const at: Moment = {
        ...{ stage, line, open: sockets.size, session: session.number },
        get greeted() {
          return greeted.size;
        },
        ...{
          taken: session.taken,
          refused: session.refused,
          idle: performance.now() - session.lastCommandAt,
        },
      };
      session.lastCommandAt = performance.now();
      let reaction: Reaction | undefined;
      for (const rule of rules) reaction ??= await rule(at);
      reaction ??= usual(stage, extensions);
      session.forgotten = reaction === 'forget';
      if (socket.destroyed || reaction === 'forget') return;
      if (reaction === 'close') return hangUp();
      if (reaction === 'reset') return void socket.resetAndDestroy();
      const words = typeof reaction === 'string' ? reaction : reaction.say;
      if (/^[45]/.test(words)) mostRefused = Math.max(mostRefused, ++session.refused);
      if (stage === 'rcpt' && /^2/.test(words)) to = /<(.*)>/.exec(line)?.[1] ?? '';
      if (stage === 'data' && /^3/.test(words)) reading = 'message';
      if (stage === 'dot' && /^2/.test(words)) {
        session.taken += 1;
        taken.push({ to, text, session: session.number, nth: session.taken, at: ownTime() });
      }
      if (stage === 'greeting' && /^2/.test(words)) greeted.add(socket);
      socket.write(`${words}\r\n`);
      if (typeof reaction !== 'string' || stage === 'quit') hangUp();
    }

    async function read(line: string): Promise<void> {
      if (reading === 'message') {
        if (line !== '.') {
          text += `${line}\n`;
          return;
        }
        reading = 'commands';
        await reply('dot', line);
        text = '';
        return;
      }
      commands.push(line);
      const stage = stageOf(line);
      if (stage) await reply(stage, line);
      else socket.write('502 Not implemented\r\n');
    }

    socket.setNoDelay(true);
    socket.on('error', () => {});
    socket.on('close', () => {
      sockets.delete(socket);
      greeted.delete(socket);
      leaving.delete(socket);
    });
    socket.on('data', (data) => {
      const lines = (rest + data).split('\r\n');
      rest = lines.pop() ?? '';
      // One after the other, as a relay answers pipelined commands (RFC 2920).
      for (const line of lines) turn = turn.then(() => read(line));
    });
    turn = reply('greeting', '');
  });

  const port = await freePort();
  async function listen(): Promise<void> {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
  }
  await listen();

  async function stop(): Promise<void> {
    if (!server.listening) return;
    server.close();
    const closed = Array.from([...sockets, ...leaving], (socket) => once(socket.destroy(), 'close'));
    await Promise.all([once(server, 'close'), ...closed]);
  }

  return {
    port,
    taken,
    /** Every line outside messages. */
    commands,
    /** All sessions so far, the open ones, and the most at one time. */
    get sessions() {
      return sessions;
    },
    get open() {
      return sockets.size;
    },
    get mostOpen() {
      return mostOpen;
    },
    /** The most refusals in one session. */
    get mostRefused() {
      return mostRefused;
    },
    /** Sends an unsolicited reply to all sessions. */
    sayToAll(reply: string, then?: 'then close') {
      for (const socket of sockets) {
        socket.write(`${reply}\r\n`);
        if (then) socket.end();
      }
    },
    /** Offers these extensions from the next session on. */
    offer(...lines: string[]) {
      extensions = lines;
    },
    /** Simulates a restart: every session ends, and nothing listens for `downFor` ms. */
    async restart(downFor: number) {
      await stop();
      await wait(downFor);
      await listen();
    },
    stop,
    listenAgain: listen,
  };
}

function stageOf(line: string): Stage | undefined {
  if (/^(EHLO|HELO|LHLO)\b/i.test(line)) return 'ehlo';
  if (/^MAIL FROM:/i.test(line)) return 'mail';
  if (/^RCPT TO:/i.test(line)) return 'rcpt';
  const word = line.split(' ', 1)[0]?.toLowerCase();
  return word === 'auth' || word === 'data' || word === 'rset' || word === 'quit' ? word : undefined;
}

function usual(stage: Stage, extensions: readonly string[]): Reaction {
  if (stage === 'greeting') return '220 relay.example ESMTP';
  if (stage === 'data') return '354 Go on';
  if (stage === 'auth') return '235 2.7.0 Welcome';
  if (stage === 'quit') return '221 2.0.0 Bye';
  if (stage !== 'ehlo') return '250 2.0.0 OK';
  const lines = ['relay.example', ...extensions];
  return `250${lines.map((line, n) => `${n === lines.length - 1 ? ' ' : '-'}${line}`).join('\r\n250')}`;
}
