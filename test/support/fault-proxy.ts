import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A wire that fails as asked, in front of a store on this machine. */
export type FaultProxy = {
  /** The url of the store, by way of the proxy. */
  url: string;
  /**
   * Lets the next request that contains `text` through, swallows its reply and resets the connection. `then`: what follows at
   * that very moment, before anybody can ask again: silence, or the same for each other such request until something else is asked.
   */
  cutReplyTo(text: string, then?: 'silence' | 'again'): void;
  /** Keeps the next request that contains `text`, and all behind it; `resetAfterMs`: breaks its connection to who asked meanwhile. */
  hold(text: string, resetAfterMs?: number): Held;
  /** How many replies were cut. A test that saw none proves nothing. */
  cuts(): number;
  /** Swallows everything and says nothing, as a dead peer does; until it speaks again, when old connections break. */
  silence(on: boolean): void;
  /** Swallows everything on the connections of now, for good; new ones work. So looks a route that was lost, or a failover. */
  strand(): void;
  close(): Promise<void>;
};

/** `letThrough`: the store hears it now, whether or not anybody still waits. Resolves when the store has answered. */
export type Held = { happened(): boolean; letThrough(): Promise<void> };
type Hold = {
  text: string;
  resetAfterMs: number | undefined;
  /** Where it belongs, once there is something. */
  store?: Socket;
  /** Until it is let through. */
  kept: Buffer[] | undefined;
  answered: PromiseWithResolvers<void>;
};

/** `deaf`: while it is silent it does not even hear that a connection is given up, which who ends one in order waits for. */
export async function openFaultProxy(storeUrl: string, { deaf = false } = {}): Promise<FaultProxy> {
  const target = Number(new URL(storeUrl).port);
  const sockets = new Set<Socket>();
  const stranded = new WeakSet<Socket>();
  let silent = false;
  let cutText: string | undefined;
  let afterCut: 'silence' | 'again' | undefined;
  let cuts = 0;
  const holds: Hold[] = [];
  const holding = new Map<Socket, Hold>();
  const keep = (client: Socket, store: Socket, bytes: Buffer): boolean => {
    const busy = holding.get(client)?.kept !== undefined;
    const met = holds.find((hold) => !busy && !hold.store && bytes.includes(hold.text));
    if (met) {
      met.store = store;
      holding.set(client, met);
      if (met.resetAfterMs !== undefined) setTimeout(() => client.resetAndDestroy(), met.resetAfterMs);
    }
    return holding.get(client)?.kept?.push(bytes) !== undefined;
  };

  const server = createServer({ allowHalfOpen: deaf }, (client) => {
    const store = connect(target, '127.0.0.1');
    if (deaf) client.on('end', () => silent || client.end());
    let cutting = false;
    client.on('data', (bytes) => {
      if (silent || stranded.has(client) || keep(client, store, bytes)) return;
      if (cutText !== undefined && bytes.includes(cutText)) {
        if (afterCut !== 'again') cutText = undefined;
        cutting = true;
      }
      store.write(bytes);
    });
    store.on('data', (bytes) => {
      const held = holding.get(client);
      if (held && !held.kept) held.answered.resolve();
      if (silent || stranded.has(client)) return;
      if (!cutting) return void client.write(bytes);
      cuts += 1;
      if (afterCut === 'silence') silent = true;
      client.resetAndDestroy();
    });
    for (const [one, other] of [
      [client, store],
      [store, client],
    ] as const) {
      sockets.add(one);
      // It closes then.
      one.on('error', () => {});
      one.on('close', () => {
        sockets.delete(one);
        // What was sent before it broke is still on its way.
        if (!holding.has(client)) other.destroy();
      });
    }
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const breakAll = () => {
    for (const socket of sockets) socket.destroy();
  };

  const url = new URL(storeUrl);
  url.port = String((server.address() as AddressInfo).port);
  return {
    url: url.href,
    cutReplyTo(text, then) {
      cutText = text;
      afterCut = then;
    },
    hold(text, resetAfterMs) {
      const hold: Hold = { text, resetAfterMs, kept: [], answered: Promise.withResolvers() };
      holds.push(hold);
      return {
        happened: () => hold.store !== undefined,
        async letThrough() {
          const { store, kept = [] } = hold;
          hold.kept = undefined;
          for (const bytes of kept) store?.write(bytes);
          await hold.answered.promise;
        },
      };
    },
    cuts: () => cuts,
    silence(on) {
      silent = on;
      if (!on) breakAll();
    },
    strand() {
      for (const socket of sockets) stranded.add(socket);
    },
    async close() {
      server.close();
      breakAll();
      await once(server, 'close');
    },
  };
}
