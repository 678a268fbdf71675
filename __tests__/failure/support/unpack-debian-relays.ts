/** Unpacks the relays and prints as JSON where each is, or why it cannot run here. */
import { DEBIAN_RELAYS, type DebianRelayName, unpackDebianRelay } from './debian-relay.js';

export type Unpacked = Readonly<Record<DebianRelayName, { tree: string } | { reason: string }>>;

async function main(): Promise<void> {
  const names = Object.keys(DEBIAN_RELAYS) as DebianRelayName[];
  const found = names.map(async (name) => {
    const result = await unpackDebianRelay(name).then(
      (tree) => ({ tree }),
      (error: Error) => ({ reason: error.message.trim().split('\n').at(-1) }),
    );
    return [name, result];
  });
  console.log(JSON.stringify(Object.fromEntries(await Promise.all(found))));
}

void main();
