import { parse } from 'yaml';
import { type Desk, no, type Reply } from './command.ts';

/** The members of an app or an API that `flag` names a file of, YAML or JSON; none without the flag. */
export async function readMembersFile(
  desk: Desk,
  { flag, file }: { flag: string; file: string | undefined },
): Promise<{ ok: true; members: object } | (Reply & { ok: false })> {
  if (file === undefined) return { ok: true, members: {} };
  const text = await desk.readText(file);
  try {
    const members: unknown = parse(text, { maxAliasCount: 0 });
    if (typeof members === 'object' && members !== null && !Array.isArray(members))
      return { ok: true, members };
  } catch (error) {
    const problem = `is neither YAML nor JSON: ${(error as Error).message.split('\n')[0]}`;
    return no({ field: flag, problem });
  }
  return no({ field: flag, problem: 'must hold an object of members.' });
}
