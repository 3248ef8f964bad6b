import type { Server as HttpServer } from 'node:http';
import type { Socket } from 'node:net';

/**
 * Answers that are ready as bytes leave before Node's HTTP server sees the request: parsing it and making its two objects
 * costs more than sending what is asked for. A connection begins here. Each piece that arrives on it is one whole request that
 * `answerTo` knows, or the connection goes to the HTTP server for good, with that piece first; nothing waits here for more.
 */
export type EarlyAnswers = {
  /**
   * The whole answer (status line, headers, body; Latin-1) to exactly this text, or undefined: let the HTTP server see. `last`: it
   * says that the connection ends with it.
   */
  answerTo(request: string, last?: boolean): string | undefined;
};

/** Requests of apps that read a document are shorter; anything longer is not even looked at. */
const longest = 2048;

/** What closes, when the server leaves, the sockets that have nothing under way (`closeIdle`), or all that are still here. */
export function answerEarly(
  http: HttpServer,
  { answerTo }: EarlyAnswers,
  { keepAlive }: { keepAlive: number },
): { closeIdle(): void; closeAll(): void; letGo(): void } {
  const [parse] = http.listeners('connection') as ((socket: Socket) => void)[];
  if (!parse) throw new Error('an HTTP server that takes no connections');
  const waiting = new Set<Socket>();
  let leaving = false;
  http.removeAllListeners('connection');

  function watch(socket: Socket): void {
    // The HTTP server counts from its own first request, and would take as many again.
    let left = http.maxRequestsPerSocket || Number.POSITIVE_INFINITY;
    const handOver = (piece: Buffer) => {
      forget();
      socket.setTimeout(0);
      socket.pause();
      socket.unshift(piece);
      parse?.call(http, socket);
      socket.resume();
    };
    const read = (piece: Buffer) => {
      const known = !leaving && piece.length <= longest && !socket.writableNeedDrain;
      const answer = known ? answerTo(piece.toString('latin1'), left === 1) : undefined;
      if (answer === undefined) return handOver(piece);
      left -= 1;
      if (left > 0) return socket.write(answer, 'latin1');
      socket.off('data', read).resume().end(answer, 'latin1');
    };
    const end = () => socket.end();
    const hangUp = () => socket.destroy();
    const gone = () => waiting.delete(socket);
    const listeners = { data: read, end, error: hangUp, timeout: hangUp, close: gone };
    function forget() {
      gone();
      for (const [event, listener] of Object.entries(listeners)) socket.off(event, listener);
    }
    waiting.add(socket);
    for (const [event, listener] of Object.entries(listeners)) socket.on(event, listener);
    socket.setTimeout(keepAlive);
  }

  http.on('connection', watch);
  return {
    letGo: () => {
      leaving = true;
    },
    closeIdle: () => {
      for (const socket of waiting) if (socket.writableLength === 0) socket.destroy();
    },
    closeAll: () => {
      for (const socket of waiting) socket.destroy();
    },
  };
}
