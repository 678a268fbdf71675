/**
 * Exim, Postfix and OpenSMTPD as Debian ships them, with their default limits. Their packages conflict with each other
 * and need their own paths and users, so each is unpacked into `node_modules/.cache` and runs as if installed, on a
 * private overlay of the file system that disappears with it. This requires root and Linux.
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { unpackDebian } from '../../../demo-app/dev/redis-binary.js';
import { freePort } from '../../support/free-port.js';
import { startWatchdog } from '../../support/watchdog.js';

/** The relays refuse recipients in this domain. */
export const REFUSED = 'refused.example';

interface DebianRelay {
  readonly packages: string;
  /** The path of its main program. */
  readonly program: string;
  /** Configures the relay to listen on `$port` and forward to `$sink`, then becomes it. */
  readonly script: string;
}

const user = (name: string, id: number) =>
  `echo '${name}:x:${id}:${id}::/nonexistent:/usr/sbin/nologin' >>/etc/passwd; echo '${name}:x:${id}:' >>/etc/group`;

export const DEBIAN_RELAYS = {
  Exim: {
    packages: 'exim4-daemon-light exim4-base',
    program: '/usr/sbin/exim4',
    script: `
${user('Debian-exim', 61_001)}
mkdir -p /var/spool/exim4 /var/log/exim4 /etc/exim4
chown Debian-exim: /var/spool/exim4 /var/log/exim4
cat >/etc/exim4/exim4.conf <<END
local_interfaces = 127.0.0.1
daemon_smtp_ports = $port
acl_smtp_rcpt = recipients
tls_advertise_hosts =
begin acl
recipients:
  deny domains = ${REFUSED}
  accept
begin routers
sink:
  driver = manualroute
  transport = sink
  route_list = * 127.0.0.1
  self = send
begin transports
sink:
  driver = smtp
  port = $sink
  allow_localhost
END
exec exim4 -bdf -q30m`,
  },
  Postfix: {
    packages: 'postfix',
    program: '/usr/lib/postfix/sbin/master',
    script: `
${user('postfix', 61_001)}
${user('postdrop', 61_002)}
mkdir -p /var/lib/postfix
chown postfix: /var/lib/postfix
cp /usr/share/postfix/main.cf.debian /etc/postfix/main.cf
cp /usr/share/postfix/dynamicmaps.cf /etc/postfix/
sed "s/^smtp      inet/127.0.0.1:$port inet/" /usr/share/postfix/master.cf.dist >/etc/postfix/master.cf
# The last one lets its limits hold for the loopback as for any network.
postconf -e "relayhost = [127.0.0.1]:$sink" 'inet_interfaces = loopback-only' 'mydestination =' \\
  'smtpd_relay_restrictions = check_recipient_access inline:{${REFUSED}=REJECT}, permit_mynetworks, reject_unauth_destination' \\
  'alias_maps =' 'alias_database =' 'maillog_file = /var/log/postfix.log' 'smtpd_client_event_limit_exceptions ='
exec postfix start-fg`,
  },
  OpenSMTPD: {
    packages: 'opensmtpd',
    program: '/usr/sbin/smtpd',
    script: `
${user('opensmtpd', 61_001)}
${user('opensmtpq', 61_002)}
mkdir -p /var/lib/opensmtpd/empty /run/opensmtpd /var/spool/smtpd
chmod 711 /var/spool/smtpd
echo relay.example >/etc/mailname
cat >/etc/smtpd.conf <<END
listen on 127.0.0.1 port $port
table everybody { "@" = nobody }
action "sink" lmtp "127.0.0.1:$sink" rcpt-to virtual <everybody>
match from any for domain "${REFUSED}" reject
match from any for any action "sink"
END
exec smtpd -d`,
  },
} as const satisfies Readonly<Record<string, DebianRelay>>;

export type DebianRelayName = keyof typeof DEBIAN_RELAYS;

/** Mounts the unpacked tree, `$1`, over the file system in memory, and runs `$2` in there. */
const AS_INSTALLED = `
set -e
mount -t tmpfs tmpfs /mnt
mkdir /mnt/upper /mnt/work /mnt/root
cp -a "$1/." /mnt/upper
for folder in bin lib sbin; do
  if [ -L /$folder ] && [ -d /mnt/upper/$folder ]; then
    mkdir -p /mnt/upper/usr/$folder
    cp -a /mnt/upper/$folder/. /mnt/upper/usr/$folder
    rm -r /mnt/upper/$folder
  fi
done
mount -t overlay overlay -o lowerdir=/,upperdir=/mnt/upper,workdir=/mnt/work /mnt/root
mount --rbind /dev /mnt/root/dev
mount -t proc proc /mnt/root/proc
# No name server is used: a slow one would look like a slow relay.
rm -f /mnt/root/etc/resolv.conf
echo 'lookup file' >/mnt/root/etc/resolv.conf
# Not by exec: all of them end with this shell, which dies with its parent; a process that changes its user does not.
chroot /mnt/root sh -e -c "$2" || exit`;

/** The directories of chroot and the relays, which are not on every PATH. */
const env = { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/usr/bin:/sbin:/bin` };

const inNamespace = (tree: string, script: string) => [
  ...['--mount', '--pid', '--fork', '--kill-child', '--propagation', 'private'],
  ...['sh', '-c', AS_INSTALLED, 'sh', tree, script],
];

/** @returns where the relay is unpacked. @throws with the reason why it cannot run here */
export async function unpackDebianRelay(name: DebianRelayName): Promise<string> {
  if (process.getuid?.() !== 0) throw new Error('it requires root');
  const { packages, program } = DEBIAN_RELAYS[name];
  const run = (directory: string, script: string) =>
    execFileSync('unshare', inNamespace(directory, script), { env, stdio: 'pipe', timeout: 10_000 });
  const empty = await mkdtemp(join(tmpdir(), 'empty-'));
  try {
    run(empty, 'true');
  } catch {
    throw new Error('overlay file systems are not available');
  } finally {
    await rm(empty, { recursive: true });
  }
  const { stdout } = await unpackDebian(name, packages);
  const [tree = ''] = stdout.split('\n');
  if (!tree) throw new Error('it requires apt');
  run(tree, `[ -x ${program} ] && ! ldd ${program} | grep 'not found'`);
  return tree;
}

/** Starts the relay that `unpackDebianRelay` unpacked; it forwards to the port `sink`. */
export async function startDebianRelay(name: DebianRelayName, tree: string, sink: number) {
  const port = await freePort();
  const script = `port=${port}\nsink=${sink}\n${DEBIAN_RELAYS[name].script}`;
  const child = spawn('unshare', inNamespace(tree, script), { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const exited = once(child, 'exit');
  // The directory does not exist: its files disappear with its file system.
  const watchdog = startWatchdog(join(tmpdir(), `${name}-${port}`));
  if (child.pid !== undefined) watchdog.watch({ pid: child.pid, exited });
  let log = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (log += data));

  const begin = performance.now();
  while (!(await greets(port))) {
    const isOver = child.exitCode !== null || performance.now() - begin > 30_000;
    if (isOver) throw new Error(`${name} does not run:\n${log}`);
    await wait(50);
  }
  return {
    port,
    /** Its output. */
    log: () => log,
    async stop() {
      child.kill('SIGKILL');
      await exited;
      watchdog.stop();
    },
  };
}

async function greets(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    const [greeting] = await once(socket, 'data', { signal: AbortSignal.timeout(1000) });
    socket.write('QUIT\r\n');
    return /^220 /.test(greeting.toString());
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
