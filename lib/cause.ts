/**
 * What an error says, read by shape: one that comes from another realm, as under Jest or in a worker's vm, is no
 * instance of our Error.
 */

export function messageOf(error: unknown): string {
  const { message, name } = partsOf(error);
  return text(message) || text(name) || 'no reason was given';
}

/** The code of Node, nodemailer or the app, as `ECONNREFUSED`: capitals, digits and underscores. */
export function codeOf(error: unknown): string | undefined {
  const code = text(partsOf(error).code);
  return code !== undefined && /^[A-Z][A-Z0-9_]*$/.test(code) ? code : undefined;
}

function partsOf(error: unknown): { message?: unknown; name?: unknown; code?: unknown } {
  return typeof error === 'object' && error !== null ? error : {};
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
