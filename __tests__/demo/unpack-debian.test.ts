/** The script that unpacks Debian's packages, with an apt that has only a package of our own. */
import { execFile, execFileSync, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { until } from '../support/until.js';

const SCRIPT = join(__dirname, '../../demo-app/dev/unpack-debian.sh');
const run = promisify(execFile);
const onDebian = existsSync('/usr/bin/dpkg') ? it : it.skip;

let directory = '';
let cache = '';
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'unpack-debian-'));
  cache = join(directory, 'cache');
});
afterEach(() => rm(directory, { recursive: true }));

onDebian('unpacks the first packages that apt has, and downloads them only once', async () => {
  await installApt();
  const { stdout, stderr } = await unpack('none', 'tool none', 'tool');
  const [target = '', libraries] = stdout.split('\n');
  expect(libraries).toBe(join(target, 'usr/lib/tool'));
  expect(execFileSync(join(target, 'usr/bin/tool'), { encoding: 'utf8' })).toBe('it runs\n');
  expect(stderr).toMatch(/^Downloading none from .+\n$/);
  await rm(join(directory, 'tool.deb'));
  expect(await unpack('none', 'tool none', 'tool')).toEqual({ stdout, stderr: '' });
});

onDebian('unpacks once when two run at once', async () => {
  await installApt();
  const [first, second] = await Promise.all([unpack('tool'), unpack('tool')]);
  expect(first.stdout).toBe(second.stdout);
  expect(readdirSync(cache)).toHaveLength(1);
});

onDebian(
  'passes on what apt says about a package that it does not have, and leaves nothing behind',
  async () => {
    await installApt();
    await expect(unpack('none')).rejects.toMatchObject({
      stdout: '',
      stderr: expect.stringMatching(/none.deb/),
    });
    expect(readdirSync(cache)).toEqual([]);
  },
);

onDebian('leaves neither files nor processes behind when its parent is killed', async () => {
  const pidFile = join(directory, 'pid');
  await installApt(`echo $$ >'${pidFile}.new'; mv '${pidFile}.new' '${pidFile}'; exec sleep 300`);
  const program = `require('node:child_process').execFile('/bin/sh', ${JSON.stringify([SCRIPT, cache, 'tool'])})`;
  const parent = spawn(process.execPath, ['--eval', program], { env: env(), stdio: 'ignore' });
  await until('apt runs', () => existsSync(pidFile));
  expect(readdirSync(cache)).toEqual([expect.stringMatching(/^unpacking-/)]);
  parent.kill('SIGKILL');
  const commandLine = `/proc/${readFileSync(pidFile, 'utf8').trim()}/cmdline`;
  await until('nothing is left', () => {
    const isAlive = existsSync(commandLine) && readFileSync(commandLine).length > 0;
    return !isAlive && readdirSync(cache).length === 0;
  });
});

onDebian('prints nothing on a system without apt', async () => {
  const { stdout, stderr } = await run('/bin/sh', [SCRIPT, cache, 'tool'], { env: { PATH: directory } });
  expect([stdout, stderr]).toEqual(['', '']);
  expect(existsSync(cache)).toBe(false);
});

const unpack = (...packages: string[]) => run('/bin/sh', [SCRIPT, cache, ...packages], { env: env() });

const env = () => ({ ...process.env, PATH: `${directory}:${process.env['PATH']}` });

/** Puts an apt first on the PATH that knows the package `tool`. */
async function installApt(atUpdate = ''): Promise<void> {
  const tool = join(directory, 'tool');
  for (const folder of ['DEBIAN', 'usr/bin', 'usr/lib/tool'])
    await mkdir(join(tool, folder), { recursive: true });
  const fields = [
    'Package: tool',
    'Version: 1',
    'Architecture: all',
    'Maintainer: us',
    'Description: tool',
    '',
  ];
  await writeFile(join(tool, 'DEBIAN/control'), fields.join('\n'));
  await writeFile(join(tool, 'usr/lib/tool/tool.so.1'), '');
  await program(join(tool, 'usr/bin/tool'), 'echo it runs');
  execFileSync('dpkg-deb', ['--build', tool, `${tool}.deb`], { stdio: 'ignore' });
  const download = `shift; for name; do cp "${directory}/$name.deb" . || exit; done`;
  const isolated = '[ "$1" = -qqc ] && [ -s "$2" ] || exit; shift 2';
  await program(
    join(directory, 'apt-get'),
    `${isolated}\ncase $1 in update) ${atUpdate || ':'};; download) ${download};; esac`,
  );
  await program(join(directory, 'apt-cache'), 'echo tool');
}

async function program(path: string, script: string): Promise<void> {
  await writeFile(path, `#!/bin/sh\n${script}\n`);
  await chmod(path, 0o755);
}
