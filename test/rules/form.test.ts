import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import {
  codeField,
  optionalTextField,
  passwordField,
  readForm,
  readQuery,
  textField,
  tickBox,
} from '../../src/web/form.ts';
import { openPageServer } from '../support/gallery-server.ts';

const schema = z.object({
  identifier: textField({ most: 40 }),
  password: passwordField(),
  code: codeField().optional(),
  nickname: optionalTextField({ most: 5 }),
  trust_device: tickBox(),
  scope: z.array(z.enum(['email', 'phone'])),
});

let server: Awaited<ReturnType<typeof openPageServer>>;

beforeAll(async () => {
  server = await openPageServer((router) => {
    router.post('/form', async (ctx) => {
      ctx.body = await readForm(ctx, schema, { lists: ['scope'] });
    });
    router.get('/query', (ctx) => {
      ctx.body = readQuery(ctx, z.object({ page: z.string().regex(/^\d+$/).optional() }));
    });
  });
});
afterAll(() => server.close());

async function post(body: NonNullable<RequestInit['body']>, headers: Record<string, string> = {}) {
  const response = await fetch(`${server.origin}/form`, {
    method: 'POST',
    body,
    headers: { accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded', ...headers },
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

const good = 'identifier=ana%40example.com&password=correct+horse';

describe('a form', () => {
  it('gives typed fields, trimmed and in one Unicode form', async () => {
    const { status, body } = await post(
      `identifier=+Zoe%CC%88+&password=+p+w+&code=123+45-6&scope=email&scope=phone&trust_device=yes`,
    );
    expect(status).toBe(200);
    expect(body).toEqual({
      ok: true,
      fields: {
        identifier: 'Zoë',
        password: ' p w ',
        code: '123456',
        nickname: '',
        trust_device: true,
        scope: ['email', 'phone'],
      },
    });
  });

  it.each([
    ['Arabic-Indic', '١٢٣ ٤٥٦'],
    ['Persian', '\u200e۱۲۳۴۵۶\u200e'],
    ['full-width', '１２３－４５６'],
  ])('takes a code in the %s digits of a keyboard', async (_, code) => {
    const { body } = await post(`${good}&code=${encodeURIComponent(code)}`);
    expect(body).toMatchObject({ ok: true, fields: { code: '123456' } });
  });

  it('gives an empty list for check boxes that were all left open', async () => {
    const { body } = await post(good);
    expect(body).toMatchObject({ ok: true, fields: { scope: [], trust_device: false } });
  });

  it('says one sentence a field, and gives back what was typed but no password and no code', async () => {
    const { body } = await post('identifier=ana%0Aboo&code=12&nickname=much+too+long&password=');
    expect(body).toEqual({
      ok: false,
      problems: {
        identifier: 'form.invalid',
        password: 'form.password_required',
        code: { key: 'form.code_digits', values: { digits: 6 } },
        nickname: { key: 'form.too_long', values: { most: 5 } },
      },
      typed: { identifier: 'ana\nboo', nickname: 'much too long', trust_device: '', scope: '' },
    });
  });

  it.each([
    ['nothing at all', ''],
    ['names that only look like ours', 'identifier[]=a&identifier[x]=b&Password=c'],
    ['a value of blanks', 'identifier=+++&password='],
  ])('asks for what is missing in %s', async (_, text) => {
    const { status, body } = await post(text);
    expect(status).toBe(200);
    expect(body['problems']).toMatchObject({
      identifier: 'form.required',
      password: 'form.password_required',
    });
  });

  it('refuses a choice that the page did not offer', async () => {
    const { body } = await post(`${good}&scope=admin`);
    expect(body['problems']).toEqual({ scope: 'form.invalid' });
  });

  it.each([
    ['a field twice', `${good}&password=other`],
    ['a field twice, once spelt in another way', `${good}&p%61ssword=other`],
    ['NUL', 'identifier=a%00b&password=x'],
    ['a raw control character', 'identifier=a\u0007b&password=x'],
    ['a C1 control character', 'identifier=a%C2%85b&password=x'],
    ['a noncharacter', 'identifier=%EF%BF%BE&password=x'],
    ['bytes that are not UTF-8', 'identifier=%FF%FE&password=x'],
    ['an overlong encoding', 'identifier=%C0%AF&password=x'],
    ['half a surrogate pair', 'identifier=%ED%A0%80&password=x'],
    ['a percent sign alone', 'identifier=100%&password=x'],
    ['__proto__', `${good}&__proto__=x`],
    ['__proto__ in brackets', `${good}&__proto__[polluted]=x`],
    ['__proto__ inside a path', `${good}&a.__proto__.polluted=x`],
    ['constructor', `${good}&constructor=x`],
    ['constructor inside a path', `${good}&constructor[prototype][polluted]=x`],
    ['a field without a name', `${good}&=x`],
    ['a hundred and one fields', Array.from({ length: 101 }, (__, at) => `f${at}=x`).join('&')],
  ])('refuses %s with 400', async (_, text) => {
    const { status, body } = await post(text);
    expect({ status, error: body['error'] }).toEqual({ status: 400, error: 'malformed_request' });
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  it('refuses raw bytes that are not UTF-8 with 400', async () => {
    const { status } = await post(Buffer.concat([Buffer.from('identifier='), Buffer.from([0xff, 0xfe])]));
    expect(status).toBe(400);
  });

  it.each([
    ['JSON', 'application/json', '{"identifier":{"$gt":""},"password":"x"}'],
    ['a form that says it is JSON', 'application/json', good],
    ['plain text', 'text/plain', good],
    ['several parts', 'multipart/form-data; boundary=x', '--x\r\n\r\n--x--'],
    ['no type', '', good],
    ['UTF-7', 'application/x-www-form-urlencoded; charset=utf-7', good],
    ['UTF-16', 'application/x-www-form-urlencoded; charset=utf-16le', good],
    ['two charsets', 'application/x-www-form-urlencoded; charset=utf-8; charset=utf-7', good],
    ['two types', 'application/x-www-form-urlencoded, application/json', good],
  ])('refuses %s with 415', async (_, type, text) => {
    const { status, body } = await post(Buffer.from(text), { 'content-type': type });
    expect({ status, error: body['error'] }).toEqual({ status: 415, error: 'not_a_form' });
  });

  it('takes a charset that says UTF-8', async () => {
    const { status } = await post(good, {
      'content-type': 'Application/X-WWW-Form-Urlencoded;Charset="UTF-8"',
    });
    expect(status).toBe(200);
  });

  it('refuses a compressed body with 415, whatever it would grow to', async () => {
    const { status } = await post(good, { 'content-encoding': 'gzip' });
    expect(status).toBe(415);
  });

  it('refuses more than 16 KiB with 413, said in advance or not, and answers the next request', async () => {
    const large = `identifier=${'a'.repeat(16 * 1024)}`;
    expect((await post(large)).status).toBe(413);
    const stream = new Blob([large]).stream();
    const unsaid = await fetch(`${server.origin}/form`, {
      method: 'POST',
      body: stream,
      duplex: 'half',
      headers: { accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded' },
    } as RequestInit);
    expect(unsaid.status).toBe(413);
    expect((await post(good)).status).toBe(200);
  });
});

describe('a query', () => {
  it.each([
    ['page=3', 200],
    ['', 200],
    ['utm_source=x&page=3', 200],
    ['page=3&page=4', 400],
    ['page=%00', 400],
    ['page=%FF', 400],
    ['page=next', 400],
    ['__proto__=1', 400],
  ])('?%s is answered %i', async (query, status) => {
    const response = await fetch(`${server.origin}/query?${query}`);
    expect(response.status).toBe(status);
  });
});
