import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';

/** A mail server that keeps what it is given (RFC 5321, as little of it as a sender needs), and can be told to misbehave. */
export type SmtpServer = {
  url: string;
  received: ReceivedMail[];
  /**
   * `refuse`: 451 to each sender; `refuse_recipient`: 550 to each recipient; `silent`: never says a word; `drop`: hangs up
   * before it has answered for the message.
   */
  mood: 'well' | 'refuse' | 'refuse_recipient' | 'silent' | 'drop';
  /** How many connections came. */
  connections: number;
  close(): Promise<void>;
};

export type ReceivedMail = { from: string; to: string[]; raw: string };

export async function startSmtpServer(): Promise<SmtpServer> {
  const sockets = new Set<Socket>();
  const listener = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    server.connections += 1;
    if (server.mood !== 'silent') converse(server, socket);
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address() as { port: number };
  const server: SmtpServer = {
    url: `smtp://127.0.0.1:${port}`,
    received: [],
    mood: 'well',
    connections: 0,
    async close() {
      for (const socket of sockets) socket.destroy();
      listener.close();
      await once(listener, 'close');
    },
  };
  return server;
}

function converse(server: SmtpServer, socket: Socket): void {
  let mail: ReceivedMail = { from: '', to: [], raw: '' };
  let inData = false;
  let rest = '';
  const say = (line: string) => socket.write(`${line}\r\n`);

  function takeLine(line: string): void {
    if (inData) {
      takeData(line);
      return;
    }
    const path = /<(.*)>/.exec(line)?.[1] ?? '';
    const verb = line.split(/[ :]/)[0]?.toUpperCase();
    if (verb === 'EHLO') say('250 test');
    else if (verb === 'MAIL') {
      mail = { from: path, to: [], raw: '' };
      say(server.mood === 'refuse' ? '451 try again later' : '250 ok');
    } else if (verb === 'RCPT') {
      mail.to.push(path);
      say(server.mood === 'refuse_recipient' ? `550 no such mailbox <${path}>` : '250 ok');
    } else if (verb === 'DATA') {
      inData = true;
      say('354 go ahead');
    } else if (verb === 'QUIT') socket.end('221 bye\r\n');
    else say('250 ok');
  }

  function takeData(line: string): void {
    if (line !== '.') {
      mail.raw += `${line.replace(/^\./, '')}\r\n`;
      return;
    }
    inData = false;
    if (server.mood === 'drop') socket.destroy();
    else {
      server.received.push(mail);
      say('250 kept');
    }
  }

  say('220 test');
  socket.setEncoding('utf8').on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\r\n');
    rest = lines.pop() ?? '';
    lines.forEach(takeLine);
  });
}
