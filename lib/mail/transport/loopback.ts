/** Whether a server is on this machine. */
import { BlockList, isIP } from 'node:net';

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8);
loopback.addAddress('::1', 'ipv6');

/** A loopback name (RFC 6761 §6.3), or a loopback address in any notation. */
export function isLoopback(host: string): boolean {
  const name = host.toLowerCase().replace(/\.$/, '');
  if (name === 'localhost' || name.endsWith('.localhost')) return true;
  const version = isIP(name);
  if (version > 0) return loopback.check(name, version === 6 ? 'ipv6' : 'ipv4');
  // Such as 127.1 or 0x7f000001, which a URL parser reads as the system does.
  const { hostname } = URL.canParse(`http://${name}`) ? new URL(`http://${name}`) : { hostname: '' };
  return /^[0-9a-fx.]+$/.test(name) && isIP(hostname) === 4 && loopback.check(hostname);
}

export function isLoopbackUrl(url: string): boolean {
  return URL.canParse(url) && isLoopback(withoutBrackets(new URL(url).hostname));
}

/** An IPv6 address in a URL is in brackets. */
export function withoutBrackets(host: string): string {
  return host.replace(/^\[(.*)\]$/, '$1');
}
