import { describe, expect, it } from '@jest/globals';
import { checkLogo, mostLogoBytes, readDataUri } from '../../clients/registry/logo.ts';
import { checkClientMetadata } from '../../clients/registry/metadata.ts';
import { dataUri, picture, pngOf, pngOfBytes, stillPictures as still } from '../support/pictures.ts';

const problemOf = (bytes: Buffer) => {
  const checked = checkLogo(bytes);
  return checked.ok ? undefined : checked.problem;
};

describe('a logo', () => {
  it.each(still)('may be %s', (name) => {
    const mediaType = { png: 'image/png', jpg: 'image/jpeg', webp: 'image/webp', gif: 'image/gif' }[
      name.split('.')[1] ?? ''
    ];
    expect(checkLogo(picture(name))).toMatchObject({ ok: true, logo: { mediaType } });
  });

  it('is told by its bytes, whatever it is called', () => {
    expect(readDataUri(dataUri(picture('still.gif'), 'image/png'))).toMatchObject({
      ok: true,
      logo: { mediaType: 'image/gif' },
    });
  });

  it.each(['moving.gif', 'moving.png', 'moving.webp'])('stands still, so not %s', (name) => {
    expect(problemOf(picture(name))).toMatch(/animated/);
  });

  it.each(still)('is whole: no beginning of %s is taken, and nothing makes it fail', (name) => {
    const whole = picture(name);
    for (let length = 0; length < whole.length; length += 1)
      expect(problemOf(whole.subarray(0, length))).toMatch(/damaged|not a PNG/);
  });

  it.each(still)('of which any byte of %s is changed is answered, one way or the other', (name) => {
    const whole = picture(name);
    for (let at = 0; at < whole.length; at += 1)
      for (const value of [0x00, 0x7f, 0xff]) {
        const changed = Buffer.from(whole);
        changed[at] = value;
        expect(typeof checkLogo(changed).ok).toBe('boolean');
      }
  });

  it('with one wrong bit of a PNG is seen to be damaged', () => {
    const whole = picture('still.png');
    for (let at = 8; at < whole.length; at += 7) {
      const changed = Buffer.from(whole);
      changed[at] = (changed[at] ?? 0) ^ 1;
      expect(problemOf(changed)).toMatch(/damaged/);
    }
  });

  const page = '<html><script>alert(1)</script></html>';
  it.each([
    ...still.map((name): [string, Buffer, RegExp] => [
      `${name} with a page behind it`,
      Buffer.concat([picture(name), Buffer.from(page)]),
      /after the end/,
    ]),
    ...still.map((name): [string, Buffer, RegExp] => [
      `${name} with a ZIP behind it`,
      Buffer.concat([picture(name), Buffer.from('PK\x03\x04 and so on')]),
      /after the end/,
    ]),
    [
      'a JPEG with another behind it',
      Buffer.concat([picture('still.jpg'), picture('still.jpg')]),
      /after the end/,
    ],
    ['a page', Buffer.from(page), /not a PNG/],
    ['a page that begins as GIFs do', Buffer.from(`GIF89a/*${page}*/=1`), /damaged/],
    ['a page that begins as PNGs do', Buffer.from(`\x89PNG\r\n\x1a\n${page}`, 'latin1'), /damaged/],
    [
      'an SVG',
      Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'),
      /SVG.*Save it as PNG/,
    ],
    ['an SVG after a declaration', Buffer.from('\ufeff<?xml version="1.0"?><svg/>'), /SVG/],
    ['a PDF', Buffer.from('%PDF-1.7'), /not a PNG/],
    ['an icon file', Buffer.from([0, 0, 1, 0, 1, 0]), /not a PNG/],
    ['nothing', Buffer.alloc(0), /not a PNG/],
    ['zeros', Buffer.alloc(100), /not a PNG/],
    ['a dot to count readers', pngOf(1, 1), /1 by 1 pixels.*16 to 1024/],
    ['a picture too wide', pngOf(1025, 16), /1025 by 16 pixels/],
    ['a picture that unpacks to gigabytes', pngOf(65_535, 65_535), /65535 by 65535 pixels/],
    ['a picture of more bytes than a page can carry', pngOfBytes(mostLogoBytes + 1), /24 kB/],
  ])('is not %s', (_, bytes, sentence) => {
    expect(problemOf(bytes)).toMatch(sentence);
  });

  it('may be as small and as large as is said', () => {
    for (const side of [16, 128, 1024]) expect(problemOf(pngOf(side, side))).toBeUndefined();
    const full = pngOfBytes(mostLogoBytes);
    expect([full.length, problemOf(full)]).toEqual([mostLogoBytes, undefined]);
  });

  it('does not hide its size in a frame that is larger than its screen', () => {
    const gif = picture('still.gif');
    const frame = gif.indexOf(0x2c, 13 + 3 * 2 ** (((gif[10] ?? 0) & 7) + 1));
    gif.writeUInt16LE(60_000, frame + 5);
    expect(problemOf(gif)).toMatch(/60000 by 32/);
  });
});

describe('the member logo_uri', () => {
  const redirect_uris = ['https://a.example/cb'];
  const problems = (members: object) => {
    const checked = checkClientMetadata({ redirect_uris, ...members });
    return checked.ok ? [] : checked.problems.map(({ field, problem }) => `${field} ${problem}`);
  };
  const inline = dataUri(picture('still.png'));

  it('is an address, or the picture itself', () => {
    for (const logo_uri of ['https://a.example/logo.png', 'http://localhost:3000/logo.png', inline])
      expect(problems({ logo_uri })).toEqual([]);
  });

  it.each([
    ['a picture that is no logo', dataUri(picture('moving.png')), /animated/],
    ['an SVG', dataUri(Buffer.from('<svg/>'), 'image/svg+xml'), /SVG/],
    ['an SVG as text', 'data:image/svg+xml,<svg onload=alert(1)>', /data:image\/png;base64/],
    ['a page', 'data:text/html;base64,PHNjcmlwdD4=', /data:image\/png;base64/],
    [
      'a picture with other parameters',
      inline.replace(';base64', ';charset=x;base64'),
      /data:image\/png;base64/,
    ],
    ['a picture that is broken off by a line', `${inline}\n`, /data:image\/png;base64/],
    ['nothing', 'data:', /data:image\/png;base64/],
    ['another scheme', 'javascript:alert(1)', /https/],
    ['a file', 'file:///etc/passwd', /https/],
    ['a plain address', 'http://a.example/logo.png', /plain http/],
    ['an address by number', 'https://169.254.169.254/latest', /IP address/],
    ['an address by one number', 'https://2130706433/', /not written as a browser sends it|IP address/],
  ])('is not %s', (_, logo_uri, sentence) => {
    expect(problems({ logo_uri })).toEqual([expect.stringMatching(sentence)]);
    expect(problems({ logo_uri })[0]).toMatch(/^logo_uri /);
  });

  it('in other languages is an address only: there is one logo for an app', () => {
    expect(problems({ 'logo_uri#de': 'https://a.example/logo-de.png' })).toEqual([]);
    expect(problems({ 'logo_uri#de': inline })).toEqual([expect.stringMatching(/^logo_uri#de must begin/)]);
  });
});
