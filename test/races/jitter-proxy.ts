import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A wire to a store on this machine whose every piece arrives late, by another 0 to `mostMs` each time, and in order. */
export type JitterProxy = {
  /** The url of the store, by way of the proxy. */
  url: string;
  /** How many pieces were held up. A race that saw none proves nothing about jitter. */
  delayed(): number;
  close(): Promise<void>;
};

export async function openJitterProxy(storeUrl: string, mostMs = 30): Promise<JitterProxy> {
  const target = Number(new URL(storeUrl).port);
  const sockets = new Set<Socket>();
  let delayed = 0;

  function pass(from: Socket, to: Socket): void {
    const waiting: { due: number; bytes: Buffer }[] = [];
    const deliver = () => {
      let [first] = waiting;
      while (first && first.due <= performance.now()) {
        if (to.writable) to.write(first.bytes);
        waiting.shift();
        [first] = waiting;
      }
      if (first) setTimeout(deliver, Math.max(1, first.due - performance.now()));
    };
    from.on('data', (bytes) => {
      delayed += 1;
      const due = Math.max(waiting.at(-1)?.due ?? 0, performance.now() + Math.random() * mostMs);
      if (waiting.push({ due, bytes }) === 1) deliver();
    });
    sockets.add(from);
    from.on('error', () => to.destroy());
    from.on('close', () => {
      sockets.delete(from);
      to.destroy();
    });
  }

  const server = createServer({ noDelay: true }, (client) => {
    const store = connect({ port: target, host: '127.0.0.1', noDelay: true });
    pass(client, store);
    pass(store, client);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');

  const url = new URL(storeUrl);
  url.port = String((server.address() as AddressInfo).port);
  return {
    url: url.href,
    delayed: () => delayed,
    async close() {
      server.close();
      for (const socket of sockets) socket.destroy();
      await once(server, 'close');
    },
  };
}
