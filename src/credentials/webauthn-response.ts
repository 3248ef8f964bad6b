import { z } from 'zod';

/**
 * What the page's script sends: a PublicKeyCredential as JSON (WebAuthn section 5.1.8), in one field of a form. Bytes are
 * base64url. Members that we do not need are let be; extension outputs are the browser's word and only ever for show.
 */
const bytes = (most: number) =>
  z
    .string()
    .max(Math.ceil((most * 4) / 3))
    .regex(/^[A-Za-z0-9_-]*$/)
    .transform((text) => Buffer.from(text, 'base64url'));
const id = z.string().regex(/^[A-Za-z0-9_-]{1,1400}$/);

const registrationSchema = z.object({
  id,
  type: z.literal('public-key'),
  response: z.object({
    clientDataJSON: bytes(2000),
    attestationObject: bytes(8000),
    transports: z
      .array(z.string().regex(/^[a-z-]{1,20}$/))
      .max(10)
      .catch([])
      .default([]),
  }),
});
export type RegistrationResponse = z.output<typeof registrationSchema>;

const assertionSchema = z.object({
  id,
  type: z.literal('public-key'),
  response: z.object({
    clientDataJSON: bytes(2000),
    authenticatorData: bytes(4000),
    signature: bytes(1100),
    userHandle: z.string().max(100).nullish(),
  }),
});
export type AssertionResponse = z.output<typeof assertionSchema>;

/** Undefined for whatever is no registration. */
export function readRegistration(text: string): RegistrationResponse | undefined {
  return read(registrationSchema, text);
}

/** Undefined for whatever is no assertion. */
export function readAssertion(text: string): AssertionResponse | undefined {
  return read(assertionSchema, text);
}

function read<Schema extends z.ZodType>(schema: Schema, text: string): z.output<Schema> | undefined {
  try {
    const parsed = schema.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}
