/** A DNS server for one test file, with the records that a test gives it (RFC 1035 §4). */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';

const TYPES = { A: 1, MX: 15, TXT: 16, AAAA: 28 } as const;
const RCODES = { ok: 0, servfail: 2, nxdomain: 3 } as const;

/** The data of each record, by domain and type. A domain that is not there does not exist. */
export type Zone = Readonly<
  Record<string, Partial<Record<keyof typeof TYPES, readonly Buffer[]>> | 'servfail' | 'silent'>
>;

export const mx = (exchange: string): Buffer => Buffer.concat([Buffer.from([0, 10]), nameOf(exchange)]);

/** A TXT record, which may come in several strings. */
export const txt = (...strings: readonly string[]): Buffer =>
  Buffer.concat(strings.map((text) => Buffer.concat([Buffer.of(text.length), Buffer.from(text)])));

export async function startDnsServer(
  zone: Zone,
): Promise<{ address: string; queries: string[]; close(): void }> {
  const socket: Socket = createSocket('udp4');
  const queries: string[] = [];
  socket.on('message', (query, peer) => {
    const { name, type, question } = questionOf(query);
    queries.push(name);
    const records = zone[name];
    if (records === 'silent') return;
    const rcode =
      records === undefined ? RCODES.nxdomain : records === 'servfail' ? RCODES.servfail : RCODES.ok;
    const kind = Object.entries(TYPES).find(([, code]) => code === type)?.[0] ?? '';
    const data: readonly Buffer[] = (records !== 'servfail' && Reflect.get(Object(records), kind)) || [];
    const header = Buffer.alloc(12);
    query.copy(header, 0, 0, 2);
    header.writeUInt16BE(0x8180 | rcode, 2);
    header.writeUInt16BE(1, 4);
    header.writeUInt16BE(data.length, 6);
    const answers = data.map((found) => {
      // A pointer to the name in the question, type, class IN, TTL 0, length.
      const start = Buffer.from([0xc0, 12, 0, type, 0, 1, 0, 0, 0, 0, 0, found.length]);
      return Buffer.concat([start, found]);
    });
    socket.send(Buffer.concat([header, question, ...answers]), peer.port, peer.address);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return { address: `127.0.0.1:${socket.address().port}`, queries, close: () => void socket.close() };
}

function nameOf(host: string): Buffer {
  const labels = host.split('.').filter(Boolean);
  return Buffer.concat([
    ...labels.map((label) => Buffer.from([label.length, ...Buffer.from(label)])),
    Buffer.of(0),
  ]);
}

function questionOf(query: Buffer) {
  const labels: string[] = [];
  let at = 12;
  for (let length = query.readUInt8(at); length > 0; length = query.readUInt8(at)) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  return {
    name: labels.join('.').toLowerCase(),
    type: query.readUInt16BE(at + 1),
    question: query.subarray(12, at + 5),
  };
}
