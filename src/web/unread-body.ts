import type { IncomingMessage } from 'node:http';
import { seconds } from '../kit/durations.ts';

const mostBytes = 4 * 1024 * 1024;
const mostTime = 1 * seconds;

/**
 * Reads and drops what is left of a body that was refused, as far as that is near. Closing with bytes unread resets the
 * connection, and the reset throws away the answer before the browser has seen it (RFC 9112 section 9.6). Who sends more
 * than any form, or slowly, is cut all the same. Answers whether the end was reached.
 */
export function dropUnreadBody(req: IncomingMessage): Promise<boolean> {
  if (req.complete || req.destroyed) return Promise.resolve(req.complete);
  return new Promise((resolve) => {
    let dropped = 0;
    const count = (chunk: Buffer) => {
      dropped += chunk.length;
      if (dropped > mostBytes) stop();
    };
    const stop = () => {
      clearTimeout(timer);
      req.off('data', count).off('end', stop).off('close', stop).off('error', stop);
      req.pause();
      resolve(req.complete);
    };
    const timer = setTimeout(stop, mostTime);
    req.on('data', count).once('end', stop).once('close', stop).once('error', stop).resume();
  });
}
