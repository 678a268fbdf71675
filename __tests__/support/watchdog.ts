/** Stops a server and removes its directory when the process that started it ends, however it ends. */
import { spawn } from 'node:child_process';
import { Socket } from 'node:net';

/**
 * A shell that waits for its input to close, which happens when this process ends, even by SIGKILL. It then kills the
 * last server it was given and removes the directory. It is detached, so Ctrl+C does not reach it.
 */
export function startWatchdog(directory: string) {
  const script = 'while read -r line; do pid=$line; done; [ -z "$pid" ] || kill -9 "$pid"; rm -rf "$0"';
  const command = ['-c', script, directory];
  const shell = spawn('/bin/sh', command, { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
  shell.unref();
  shell.stdin.on('error', () => {});
  if (shell.stdin instanceof Socket) shell.stdin.unref();
  return {
    watch(server: { pid: number; exited: Promise<unknown> }) {
      shell.stdin.write(`${server.pid}\n`);
      void server.exited.then(() => shell.stdin.writable && shell.stdin.write('\n'));
    },
    /** Removes the directory now. */
    stop: () => void shell.stdin.end(),
  };
}
