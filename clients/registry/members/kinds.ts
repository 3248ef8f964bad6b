import { z } from 'zod';
import { readDataUri } from '../logo.ts';
import { webAddressProblem } from '../redirect-uris.ts';

/** The kinds of values that members of every topic are made of. */
// What a person reads on a consent page must not be able to reorder, hide or blank the words around it.
const invisible = /[\p{Cc}\p{Cf}\p{Co}\p{Cn}\p{Zl}\p{Zp}]/u;
export const shownText = (most: number) =>
  z
    .string()
    .max(most, `has more than ${most} characters. Shorten it.`)
    .refine((text) => text.trim() !== '', 'is empty. Leave it out or write something.')
    .refine(
      (text) => !invisible.test(text),
      'has control, invisible or direction-changing characters. Remove them.',
    );
export const webAddress = z.string().superRefine((uri, problem) => {
  const sentence = webAddressProblem(uri);
  if (sentence) problem.addIssue({ code: 'custom', message: sentence });
});
/** The one picture that may be handed in instead of an address; it is kept by logos.ts and not among the metadata. */
export const logoAddress = z.string().superRefine((uri, problem) => {
  const read = uri.startsWith('data:') ? readDataUri(uri) : undefined;
  const sentence = read ? !read.ok && read.problem : webAddressProblem(uri);
  if (sentence) problem.addIssue({ code: 'custom', message: sentence });
});

export const addressList = z.array(z.string()).max(50, 'has more than 50 entries. Remove some.');
