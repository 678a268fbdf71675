/**
 * A message as a stream of one chunk. nodemailer writes a message in a dozen small chunks, and the writes to the socket are
 * the largest cost of an email.
 */
import { Readable } from 'node:stream';

export function oneChunk(message: Buffer | Readable): Readable {
  return new Readable({
    read() {
      bytesOf(message).then(
        // In the next turn, because a server may have sent a second reply with the one that asks for the message.
        (bytes) => setImmediate(() => pushAll(this, bytes)),
        (error: Error) => this.destroy(error),
      );
    },
  });
}

async function bytesOf(message: Buffer | Readable): Promise<Buffer> {
  if (Buffer.isBuffer(message)) return message;
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function pushAll(stream: Readable, bytes: Buffer): void {
  if (stream.destroyed) return;
  stream.push(bytes);
  stream.push(null);
}
