/** A port for a server that will be down for a while and come back on it. */
export { freePort } from '../../demo-app/scale/free-port.js';
