import { renderSVG } from 'uqr';

/**
 * The otpauth URI as an SVG picture to scan: black on white in any theme, with the quiet zone of four modules that
 * scanners want (ISO/IEC 18004). Carries no name: the page gives its frame `role="img"` and a label, and shows the secret as
 * text beside it. It is the secret, so never let it be cached or logged.
 */
export function totpQr(uri: string): string {
  return renderSVG(uri, { border: 4, ecc: 'M', pixelSize: 4 });
}
