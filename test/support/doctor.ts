/** The doctor warns of a store that answers late. In a test that is the machine, which does other things too. */
export function withoutHaste(said: string): string {
  return said.replace(/^WARN (.* answers in [\d.]+ ms)$/, 'OK $1');
}
