/** Waits for something that happens by itself, such as servers finding each other. */
export { until } from '../../demo-app/scale/until.js';
