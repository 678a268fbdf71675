/** Unpacks the relays, and writes for each where it is or what keeps it from running here, as JSON. */
import { DEBIAN_RELAYS, type DebianRelayName, unpackDebianRelay } from './debian-relay.js';

export type Unpacked = Readonly<Record<DebianRelayName, { tree: string } | { reason: string }>>;

async function main(): Promise<void> {
  const names = Object.keys(DEBIAN_RELAYS) as DebianRelayName[];
  const found = names.map(async (name) => {
    const told = await unpackDebianRelay(name).then(
      (tree) => ({ tree }),
      (error: Error) => ({ reason: error.message.split('\n', 1)[0] }),
    );
    return [name, told];
  });
  console.log(JSON.stringify(Object.fromEntries(await Promise.all(found))));
}

void main();
