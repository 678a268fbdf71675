/** A child process that answers messages: the load generator, a server under test, the mail sink. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';

export interface Child {
  readonly pid: number;
  ask<Answer>(operation: string, argument?: unknown): Promise<Answer>;
  stop(): Promise<void>;
}

type Operations = Record<string, (argument: never) => unknown>;
type Question = { id: number; operation: string; argument: unknown };
type Reply = { id: number; answer?: unknown; error?: string };

/** Starts a compiled file; it is ready once it has answered its first message. */
export function startChild(file: string, argument: unknown = {}, execArgv: string[] = []): Child {
  const child = fork(file, [JSON.stringify(argument)], {
    execArgv,
    env: { ...process.env, NODE_ENV: 'production' },
  });
  const waiting = new Map<number, (reply: Reply) => void>();
  let asked = 0;
  child.on('message', (reply: Reply) => waiting.get(reply.id)?.(reply));
  child.on('exit', (code, signal) => {
    const error = `${file} ended (${signal ?? code}) before it answered`;
    for (const [id, settle] of waiting) settle({ id, error });
  });

  return {
    pid: child.pid ?? 0,
    ask<Answer>(operation: string, argument?: unknown) {
      const id = ++asked;
      return new Promise<Answer>((resolve, reject) => {
        waiting.set(id, ({ answer, error }) => {
          waiting.delete(id);
          if (error === undefined) resolve(answer as Answer);
          else reject(new Error(error));
        });
        child.send({ id, operation, argument } satisfies Question);
      });
    },
    stop: () => stop(child),
  };
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}

/** In the child: each operation answers the messages with its name. The child ends with its parent. */
export function answerParent(operations: Operations): void {
  process.on('disconnect', () => process.exit());
  process.on('message', ({ id, operation, argument }: Question) => {
    Promise.resolve()
      .then(() => operations[operation]?.(argument as never))
      .then(
        (answer) => process.send?.({ id, answer } satisfies Reply),
        (error) => process.send?.({ id, error: String(error?.stack ?? error) } satisfies Reply),
      );
  });
}

/** The argument the child was started with. */
export function childArgument<Argument>(): Argument {
  return JSON.parse(process.argv[2] ?? '{}') as Argument;
}
