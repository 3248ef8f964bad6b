import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** The web server of an app in a test, on a loopback port. It listens before the app is there: its redirect URI has the port in it. */
export type AppServer = { origin: string; serve(listener: RequestListener): void; stop(): Promise<void> };

export async function listenForApp(): Promise<AppServer> {
  const http = createServer().listen(0, '127.0.0.1');
  await once(http, 'listening');
  return {
    origin: `http://localhost:${(http.address() as AddressInfo).port}`,
    serve: (listener) => void http.on('request', listener),
    async stop() {
      const closed = once(http, 'close');
      http.close();
      http.closeAllConnections();
      await closed;
    },
  };
}

/** The session of a browser at an app, with the two functions of express-session's that libraries call. */
export type AppSession = Record<string, unknown> & {
  regenerate(done: () => void): void;
  save(done: () => void): void;
};

export function openAppSessions(): (request: IncomingMessage, response: ServerResponse) => AppSession {
  const sessions = new Map<string, AppSession>();
  return (request, response) => {
    const [, id = randomUUID()] = /app_session=([\w-]+)/.exec(request.headers.cookie ?? '') ?? [];
    response.setHeader('set-cookie', `app_session=${id}; Path=/; HttpOnly`);
    const session = sessions.get(id) ?? newSession();
    sessions.set(id, session);
    return session;
  };
}

function newSession(): AppSession {
  const session: AppSession = {
    regenerate(done) {
      for (const [name, value] of Object.entries(session))
        if (typeof value !== 'function') delete session[name];
      done();
    },
    save: (done) => done(),
  };
  return session;
}
