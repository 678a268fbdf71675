/** What ends a server and removes its folder when the process that started it is gone, however it went. */
import { spawn } from 'node:child_process';
import { Socket } from 'node:net';

/**
 * A shell that waits for the end of its input, which comes with the end of this process, also by SIGKILL;
 * then it kills the server it was last told of and removes the folder. It too is out of Ctrl-C's reach.
 */
export function startWatchdog(folder: string) {
  const script = 'while read -r line; do pid=$line; done; [ -z "$pid" ] || kill -9 "$pid"; rm -rf "$0"';
  const shell = spawn('/bin/sh', ['-c', script, folder], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  shell.unref();
  if (shell.stdin instanceof Socket) shell.stdin.unref();
  shell.stdin.on('error', () => {});
  return {
    guard(server: { pid: number; exited: Promise<unknown> }) {
      shell.stdin.write(`${server.pid}\n`);
      void server.exited.then(() => shell.stdin.writable && shell.stdin.write('\n'));
    },
    dismiss() {
      shell.stdin.end();
    },
  };
}
