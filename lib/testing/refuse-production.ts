/** @throws TypeError if NODE_ENV is production: whoever can read codes or move time there can verify any address. */
export function refuseInProduction(name: string): void {
  if (process.env['NODE_ENV'] !== 'production') return;
  throw new TypeError(`${name} is for tests and development, and NODE_ENV is production.`);
}
