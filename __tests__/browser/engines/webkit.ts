/**
 * WebKit: the MiniBrowser of WebKitGTK, on a screen of Xvfb, by the WebDriver protocol (https://www.w3.org/TR/webdriver2).
 * Its few commands that the tests need are plain requests, so no client library is needed.
 */
import { spawn } from 'node:child_process';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../support/free-port.js';
import { until } from '../../support/until.js';
import { startWatchdog } from '../../support/watchdog.js';
import { findProgram } from '../programs.js';
import type { Engine, Key, Person, Tab } from './engine.js';

/** Where distributions put the MiniBrowser, which is not on the PATH. */
const LIBRARIES = ['/usr/lib', '/usr/libexec', '/usr/lib/x86_64-linux-gnu', '/usr/lib/aarch64-linux-gnu'];
const BROWSER_FOLDERS = ['4.1', '6.0', '4.0'].flatMap((version) => {
  const name = version === '6.0' ? `webkitgtk-${version}` : `webkit2gtk-${version}`;
  return LIBRARIES.map((folder) => join(folder, name));
});

const driverPath = findProgram('WEBKIT_DRIVER_PATH', ['WebKitWebDriver']);
const browserPath = findProgram('WEBKIT_BROWSER_PATH', ['MiniBrowser'], BROWSER_FOLDERS);
const xvfbPath = findProgram('XVFB_PATH', ['Xvfb']);

export const webkit: Engine = {
  name: 'WebKit',
  programs: { WEBKIT_DRIVER_PATH: driverPath, WEBKIT_BROWSER_PATH: browserPath, XVFB_PATH: xvfbPath },
  async start({ dark, width, height }) {
    const programs: Program[] = [];
    const close = async () => {
      for (const program of programs.reverse()) await program.stop();
    };
    const start = async (path = '', args: readonly string[], environment: NodeJS.ProcessEnv) => {
      const program = await startProgram(path, args, environment);
      programs.push(program);
      return program;
    };
    try {
      // As large as the window: without a window manager, the window under the pointer has the focus, and the pointer
      // is in the middle of the screen.
      const screen = ['-screen', '0', `${width}x${height}x24`];
      const xvfb = await start(xvfbPath, [...screen, '-nolisten', 'tcp', '-displayfd', '1'], {});
      const port = await freePort();
      // Xvfb has no GPU, and imitating one takes twice the time.
      const environment = { DISPLAY: `:${await xvfb.firstOutput()}`, WEBKIT_SKIA_ENABLE_CPU_RENDERING: '1' };
      await start(driverPath, [`--port=${port}`], environment);
      const send = createSender(`http://127.0.0.1:${port}`);
      await until('WebKitWebDriver responds', () => send('GET', '/status').then(Boolean, () => false));
      const args = ['--automation', ...(dark ? ['--dark-mode'] : [])];
      return { person: () => newPerson(send, args, { width, height }), close };
    } catch (error) {
      await close();
      throw error;
    }
  },
};

type Program = Awaited<ReturnType<typeof startProgram>>;

/** Ends with this process, even if that is killed, and so does its home directory. */
async function startProgram(path: string, args: readonly string[], environment: NodeJS.ProcessEnv) {
  const home = await mkdtemp(join(tmpdir(), 'webkit-'));
  const watchdog = startWatchdog(home);
  const env = { ...process.env, HOME: home, XDG_CACHE_HOME: home, XDG_DATA_HOME: home, ...environment };
  const child = spawn(path, args, { env, stdio: ['ignore', 'pipe', 'ignore'] });
  const exited = new Promise<void>((resolve) => {
    child.once('error', () => resolve());
    child.once('exit', () => resolve());
  });
  if (child.pid) watchdog.watch({ pid: child.pid, exited });
  const firstOutput = new Promise<string>((resolve) =>
    child.stdout.once('data', (chunk) => resolve(String(chunk))),
  );
  return {
    async firstOutput(): Promise<string> {
      const text = await Promise.race([firstOutput, exited]);
      if (!text) throw new Error(`${path} did not start.`);
      return text.trim();
    },
    async stop() {
      child.kill('SIGKILL');
      child.stdout.destroy();
      await exited;
      watchdog.stop();
    },
  };
}

type Send = ReturnType<typeof createSender>;

/** Sends a command. @returns the `value` of its response */
function createSender(base: string) {
  return async (method: 'GET' | 'POST' | 'DELETE', path: string, body?: object): Promise<unknown> => {
    const response = await fetch(base + path, { method, ...(body && { body: JSON.stringify(body) }) });
    const answer: unknown = await response.json();
    const value = entryOf(answer, 'value');
    if (!response.ok) throw new Error(`WebDriver refused ${method} ${path}: ${JSON.stringify(value)}`);
    return value;
  };
}

async function newPerson(
  send: Send,
  args: readonly string[],
  size: { width: number; height: number },
): Promise<Person> {
  const options = { 'webkitgtk:browserOptions': { binary: browserPath, args } };
  const session = await send('POST', '/session', { capabilities: { alwaysMatch: options } });
  const path = `/session/${field(session, 'sessionId')}`;
  let current = String(await send('GET', `${path}/window`));
  let isNew = true;

  return {
    async newTab() {
      const handle = isNew
        ? current
        : field(await send('POST', `${path}/window/new`, { type: 'tab' }), 'handle');
      isNew = false;
      const inTab = async (method: 'GET' | 'POST', command: string, body?: object) => {
        if (current !== handle) await send('POST', `${path}/window`, { handle });
        current = handle;
        return send(method, `${path}/${command}`, body);
      };
      await inTab('POST', 'window/rect', { x: 0, y: 0, ...size });
      return tabOf(inTab);
    },
    async close() {
      await send('DELETE', path);
    },
  };
}

function tabOf(send: (method: 'GET' | 'POST', command: string, body?: object) => Promise<unknown>): Tab {
  const act = (actions: readonly object[]) =>
    send('POST', 'actions', { actions: [{ type: 'key', id: 'keyboard', actions }] });
  const down = (value: string) => ({ type: 'keyDown', value });
  const up = (value: string) => ({ type: 'keyUp', value });
  return {
    async goto(url) {
      await send('POST', 'url', { url });
    },
    evaluate: (expression) => send('POST', 'execute/sync', { script: `return ${expression}`, args: [] }),
    async click(selector) {
      const element = await send('POST', 'element', { using: 'css selector', value: selector });
      await send('POST', `element/${field(element, ELEMENT)}/click`, {});
    },
    async type(text) {
      await act([...text].flatMap((character) => [down(character), up(character)]));
    },
    async press(key) {
      await act([...KEYS[key].map(down), ...KEYS[key].toReversed().map(up)]);
    },
    async screenshot() {
      return Buffer.from(String(await send('GET', 'screenshot')), 'base64');
    },
  };
}

/** The name of an element's ID (WebDriver, "web element identifier"). */
const ELEMENT = 'element-6066-11e4-a52e-4f735466cecf';

/** The code points of keys without a character (WebDriver, "keyboard actions"). */
const CONTROL = '\uE009';
const KEYS: Readonly<Record<Key, readonly string[]>> = {
  Enter: ['\uE007'],
  Tab: ['\uE004'],
  Backspace: ['\uE003'],
  'Control+a': [CONTROL, 'a'],
  'Control+c': [CONTROL, 'c'],
  'Control+v': [CONTROL, 'v'],
};

function field(object: unknown, name: string): string {
  const value = entryOf(object, name);
  if (typeof value !== 'string') throw new Error(`WebDriver sent no ${name}: ${JSON.stringify(object)}`);
  return value;
}

function entryOf(object: unknown, name: string): unknown {
  return Object.entries(Object(object)).find(([key]) => key === name)?.[1];
}
