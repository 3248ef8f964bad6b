import { z } from 'zod';
import type { Logo } from '../../clients/registry/logo.ts';
import { checkLogo } from '../../clients/registry/logo.ts';
import type { KeptLogo } from '../../clients/registry/logos.ts';
import type { Desk, Reply } from './command.ts';
import { no } from './command.ts';
import { moment } from './lines.ts';

/** An app's logo on the command line: a file handed in, instead of the address in --logo-uri. */
export const logoFile = z.string().optional().meta({
  description:
    'A picture for the consent page: PNG, JPEG, WebP or GIF, at most 24 kB, such as 128 by 128 pixels; - is standard input. Wins over --logo-uri.',
});
export const noLogo = z
  .boolean()
  .default(false)
  .meta({ description: 'Take the logo away, and logo_uri with it.' });

/** Null: it is to have none. Undefined: nothing was said. */
export async function readLogo(
  desk: Pick<Desk, 'readBytes'>,
  { logoFile: file, noLogo: none }: Record<string, unknown>,
): Promise<{ ok: true; logo: Logo | null | undefined } | (Reply & { ok: false })> {
  if (typeof file !== 'string') return { ok: true, logo: none ? null : undefined };
  if (none) return wrong('stands beside --no-logo. Keep one of them.');
  const checked = checkLogo(await desk.readBytes(file));
  return checked.ok ? checked : wrong(checked.problem);
}

/** The logo as `apps show` tells it; the picture itself is on the consent page. */
export function describeLogo(logo: KeptLogo | undefined): object | undefined {
  if (!logo) return undefined;
  const { mediaType: media_type, size, source, storedAt } = logo;
  return { media_type, size, source, stored_at: moment(storedAt) };
}

function wrong(problem: string) {
  return no({ field: '--logo-file', problem });
}
