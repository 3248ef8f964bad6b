import type { Services } from '../services.ts';
import type { EarlyAnswers } from '../web/early-answers.ts';
import { mostRequests, patience } from '../web/http-server.ts';
import { readPlainGet } from '../web/plain-get.ts';

/** A published document, as published-documents.ts keeps it. */
type Document = { headers: readonly string[]; body: string };
type Known = { document: Document; tally: { times: number }; second: number; text: string };

/** Apps of one kind send the same bytes; so many kinds are known at a time, whoever invents more of them. */
const mostKinds = 64;

/**
 * Published documents as whole answers. Each request is read once; the same bytes mean the same, so from then on they are
 * looked up and not read. The date changes once a second (RFC 9110 section 6.6.1).
 */
export function openEarlyDocuments(
  { settings, clock }: Pick<Services, 'settings' | 'clock'>,
  parts: { document(path: string): Document | undefined; tally(path: string): { times: number } },
): EarlyAnswers & { forget(): void } {
  const kinds = new Map<string, Known>();

  function learn(request: string): Known | undefined {
    const read = readPlainGet(request);
    const document = read?.host === settings.issuer.host ? parts.document(read.path) : undefined;
    if (!read || !document) return undefined;
    if (kinds.size >= mostKinds) kinds.clear();
    const known = { document, tally: parts.tally(read.path), second: Number.NaN, text: '' };
    kinds.set(request, known);
    return known;
  }

  return {
    answerTo(request, last = false) {
      const known = kinds.get(request) ?? learn(request);
      if (!known) return undefined;
      const now = clock.now();
      const second = Math.floor(now / 1000);
      if (known.second !== second)
        Object.assign(known, { second, text: wholeAnswer(known.document, new Date(now)) });
      known.tally.times += 1;
      return last ? wholeAnswer(known.document, new Date(now), { last }) : known.text;
    },
    forget: () => kinds.clear(),
  };
}

function wholeAnswer({ headers, body }: Document, date: Date, { last } = { last: false }): string {
  const lines = ['HTTP/1.1 200 OK'];
  for (let at = 0; at < headers.length; at += 2) lines.push(`${headers[at]}: ${headers[at + 1]}`);
  lines.push(`Date: ${date.toUTCString()}`, `Connection: ${last ? 'close' : 'keep-alive'}`);
  if (!last) lines.push(`Keep-Alive: timeout=${patience.keepAlive / 1000}, max=${mostRequests}`);
  return [...lines, '', body].join('\r\n');
}
