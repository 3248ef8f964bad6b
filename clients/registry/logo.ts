import { formatOf, outlineOf } from './logo-format.ts';

/**
 * What a logo must be to stand on the consent page. It is written into the page itself, so that showing it asks nobody
 * anything, and a page weighs at most 60 kB with it: base64 makes 32 kB of the 24.
 *
 * No SVG: in an <img> it could run no script, but it can draw for minutes (filters, nested uses) in the one window that
 * should answer at once, and a copy that is ever opened by itself is a document of our origin. Every tool can save PNG.
 */
export type Logo = { mediaType: string; bytes: Buffer };
export type CheckedLogo = { ok: true; logo: Logo } | { ok: false; problem: string };

export const mostLogoBytes = 24_000;
const [leastSide, mostSide] = [16, 1024];

/** The sentence of a refusal says what to do, as those of metadata do (problems.ts). */
export function checkLogo(bytes: Buffer): CheckedLogo {
  if (bytes.length > mostLogoBytes) return no(tooLargeSentence);
  const format = formatOf(bytes);
  if (!format) return no(looksLikeSvg(bytes) ? svgSentence : 'is not a PNG, JPEG, WebP or GIF picture.');
  const outline = outlineOf(bytes, format);
  if (!outline) return no(`is a damaged ${format.name}, or only the beginning of one. Save it again.`);
  const { width, height, moves, end } = outline;
  if (end !== bytes.length)
    return no(`has something after the end of its ${format.name} picture. Save it again.`);
  if (moves) return no('is animated. Choose a picture that stands still.');
  if (Math.min(width, height) < leastSide || Math.max(width, height) > mostSide)
    return no(
      `has ${width} by ${height} pixels. Each side must have ${leastSide} to ${mostSide}; 128 by 128 is good.`,
    );
  return { ok: true, logo: { mediaType: format.mediaType, bytes } };
}

/** A picture that stands in its address itself (RFC 2397). What it says of its type is not believed. */
export function readDataUri(uri: string): CheckedLogo {
  const [, base64] = /^data:image\/[a-z0-9.+-]+;base64,([A-Za-z0-9+/]+={0,2})$/.exec(uri) ?? [];
  if (base64 === undefined) return no('is a data: address of another form than data:image/png;base64,...');
  return checkLogo(Buffer.from(base64, 'base64'));
}

const tooLargeSentence = `has more than ${mostLogoBytes / 1000} kB. Save it smaller; 128 by 128 pixels are plenty.`;
const svgSentence = 'is an SVG, which is not taken. Save it as PNG or WebP, 128 by 128 pixels.';

function looksLikeSvg(bytes: Buffer): boolean {
  return /^\s*(<\?xml|<!--|<!DOCTYPE svg|<svg)/i.test(bytes.toString('utf8', 0, 256).replace('\ufeff', ''));
}

function no(problem: string): CheckedLogo {
  return { ok: false, problem };
}
