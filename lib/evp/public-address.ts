/**
 * Which hosts and addresses an issuer may have. Anybody can name an issuer in the DNS of a domain of their own, so a request
 * to one must never reach the app's own network.
 */
import { BlockList, isIP } from 'node:net';

/**
 * What is not globally reachable, by the registries of IANA (RFC 6890, RFC 8190), and what carries an IPv4 address to another
 * network. Of IPv6, only 2000::/3 is in use at all.
 *
 * @see https://www.iana.org/assignments/iana-ipv4-special-registry/
 * @see https://www.iana.org/assignments/iana-ipv6-special-registry/
 */
const NOT_PUBLIC: Readonly<Record<'ipv4' | 'ipv6', readonly string[]>> = {
  ipv4: [
    ...['0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12'],
    ...['192.0.0.0/24', '192.0.2.0/24', '192.31.196.0/24', '192.52.193.0/24', '192.88.99.0/24'],
    ...['192.168.0.0/16', '192.175.48.0/24', '198.18.0.0/15', '198.51.100.0/24', '203.0.113.0/24'],
    // Multicast, reserved and broadcast.
    '224.0.0.0/3',
  ],
  ipv6: [
    ...['::/3', '4000::/2', '8000::/1'],
    // Teredo, ORCHID and others; documentation; 6to4; AS112; documentation again.
    ...['2001::/23', '2001:db8::/32', '2002::/16', '2620:4f:8000::/48', '3fff::/20'],
  ],
};

/** One list for each, because a list of both looks IPv4 addresses up as mapped ones, too. */
const notPublic = { ipv4: blockListOf('ipv4'), ipv6: blockListOf('ipv6') };

function blockListOf(family: 'ipv4' | 'ipv6'): BlockList {
  const list = new BlockList();
  for (const subnet of NOT_PUBLIC[family]) {
    const [network = '', prefix] = subnet.split('/');
    list.addSubnet(network, Number(prefix), family);
  }
  return list;
}

/** Whether an IP address is globally reachable. */
export function isPublicAddress(address: string): boolean {
  const version = isIP(address);
  if (version === 0) return false;
  const family = version === 4 ? 'ipv4' : 'ipv6';
  return !notPublic[family].check(address, family);
}

/** Letters, digits and hyphens in at least two labels (RFC 1123 §2.1), in lower case. */
const HOST = /^(?=.{1,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])$/;

/** Names that no public host has (RFC 6761, RFC 6762, RFC 7686, RFC 8375, RFC 9476, and ICANN's for private use). */
const SPECIAL = /(?:^|\.)(?:localhost|local|internal|home\.arpa|onion|alt|invalid|test)$/;

/** Whether a host may be public, going by its name alone: an IP address, or a name of a local network, may not. */
export function isPublicHost(host: string): boolean {
  return HOST.test(host) && !SPECIAL.test(host);
}
