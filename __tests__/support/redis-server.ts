/** A Redis server with a port, that can crash, and come back at the same address. */
export {
  type RedisServer,
  type RedisServerOptions,
  startRedisServer,
} from '../../demo-app/scale/redis-server.js';
