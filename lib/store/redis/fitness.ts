/** Judges from its INFO whether a Redis server is suitable for challenges. */
import { isNoRight } from './errors.js';

/** The oldest version that the scripts run on. Older versions get no patches. */
const OLDEST_REDIS = [6, 2];

/** How sentences name the server, and what it would lose if it evicted keys. */
interface Subject {
  readonly server: string;
  readonly lost: string;
}

const OF_STORE: Subject = { server: 'Redis', lost: 'limits and attempts' };

/** What makes the server unsuitable, as sentences; none if it is suitable. */
export function unfitness(info: string, subject = OF_STORE): string[] {
  const fact = (name: string) => new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1];
  return [...ofPolicy(fact('maxmemory_policy'), subject), ...ofVersion(fact('redis_version'))];
}

/** The store works without INFO, but on an unknown server. */
export function unknownFitness(reply: string): string {
  const why = isNoRight(reply)
    ? 'the Redis user may not run INFO. Grant it +info, or make sure'
    : `the reply to INFO is ${JSON.stringify(reply)}. Make sure`;
  return `Cannot tell the eviction policy and the version of Redis: ${why} that maxmemory-policy is noeviction and Redis is 6.2 or later.`;
}

function ofPolicy(policy: string | undefined, { server, lost }: Subject): string[] {
  if (policy === 'noeviction') return [];
  if (policy === undefined)
    return ['Cannot tell the eviction policy: INFO does not name it. Make sure that it is noeviction.'];
  return [`${server} evicts keys (maxmemory-policy ${policy}): ${lost} can be lost. Set it to noeviction.`];
}

function ofVersion(version: string | undefined): string[] {
  if (version === undefined)
    return ['Cannot tell the version of Redis: INFO does not name it. Make sure that it is 6.2 or later.'];
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [oldestMajor = 0, oldestMinor = 0] = OLDEST_REDIS;
  if (major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)) return [];
  return [`Redis ${version} is too old: 6.2 or later is needed.`];
}
