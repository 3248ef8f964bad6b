import { z } from 'zod';

/** What the browser says about the ceremony (WebAuthn Level 3 section 5.8.1). Members that we do not know are let be. */
const clientDataSchema = z.object({
  type: z.enum(['webauthn.create', 'webauthn.get']),
  challenge: z.string().regex(/^[A-Za-z0-9_-]{16,128}$/),
  origin: z.string().max(300),
  crossOrigin: z.boolean().optional(),
  topOrigin: z.string().optional(),
});
export type ClientData = z.output<typeof clientDataSchema>;

/**
 * "UTF-8 decode" of the Encoding standard, which the spec asks for (section 7.1, step 5), drops a byte order mark.
 * Undefined for whatever is no client data.
 */
export function readClientData(bytes: Uint8Array): ClientData | undefined {
  try {
    const parsed = clientDataSchema.safeParse(JSON.parse(new TextDecoder('utf-8').decode(bytes)));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Whether the ceremony took place on a page of ours and for what it was meant. Our pages cannot stand in a frame, so a
 * ceremony that says it did is not ours (misuse case WA-09). Origins are compared as strings, byte for byte.
 */
export function isFromOurPage(
  { type, origin, crossOrigin, topOrigin }: ClientData,
  expected: { type: ClientData['type']; origin: string },
): boolean {
  return (
    type === expected.type && origin === expected.origin && crossOrigin !== true && topOrigin === undefined
  );
}
